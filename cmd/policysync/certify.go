package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/policysync/policysync/internal/certificate"
	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/event"
)

// loadCertificate returns the certificate that a config names; nil: none.
func loadCertificate(t config.TLS) (*certificate.Files, error) {
	if t == (config.TLS{}) {
		return nil, nil //nolint:nilnil // to have none is no mistake
	}
	loaded, err := certificate.Load(t.Certificate, t.Key)
	if err != nil {
		return nil, fmt.Errorf("server.tls: %w", err)
	}
	return loaded, nil
}

// certify tells of the certificate that is in force, if there is one, and then
// once a day that it ends soon, until ctx ends.
func (s *service) certify(ctx context.Context) {
	if s.certificate == nil {
		return
	}
	s.certified(nil)
	daily := time.NewTicker(24 * time.Hour)
	defer daily.Stop()
	for {
		select {
		case <-daily.C:
			s.remind()
		case <-ctx.Done():
			return
		}
	}
}

// renew puts the certificate as its files are now into force.
func (s *service) renew() {
	if s.certificate != nil {
		s.certified(s.certificate.Renew())
	}
}

// certified tells that a certificate is in force or, with an error, was refused.
func (s *service) certified(err error) {
	leaf := s.certificate.Leaf()
	s.sink.Emit(event.Certified{Err: err, Names: certificate.Names(leaf), Ends: leaf.NotAfter})
	s.remind()
}

func (s *service) remind() {
	if leaf, now := s.certificate.Leaf(), time.Now(); certificate.Ending(leaf, now) {
		verb := "ends"
		if now.After(leaf.NotAfter) {
			verb = "has ended"
		}
		s.warn(fmt.Errorf("the server's certificate for %s %s at %s: renew it, and put it where server.tls says",
			strings.Join(certificate.Names(leaf), ", "), verb, leaf.NotAfter.UTC().Format(time.RFC3339)))
	}
}
