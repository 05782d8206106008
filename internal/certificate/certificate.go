// Package certificate keeps a server's certificate as its files have it.
package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/policysync/policysync/internal/lookout"
	"github.com/policysync/policysync/internal/secret"
)

// Files are a certificate and its key, which may be replaced while a server uses
// them. TLS and Leaf may be called by several goroutines at once, also while
// another one, and no more, calls Changed and Renew.
type Files struct {
	certificate string
	key         secret.Source
	seen        *lookout.Lookout
	inForce     atomic.Pointer[tls.Certificate]
}

// Load reads a certificate, followed by those between it and its authority, and
// its key, all in PEM. An error never tells anything of the key.
func Load(certificate string, key secret.Source) (*Files, error) {
	f := &Files{certificate: certificate, key: key, seen: lookout.New(certificate, key.File)}
	return f, f.read()
}

// Changed reports whether the files hold something that was not read yet; it is to
// be asked every lookout.Every.
func (f *Files) Changed() bool { return f.seen.Changed() }

// Renew reads the files once more. With an error the last certificate stays in
// force.
func (f *Files) Renew() error {
	f.seen.Take()
	return f.read()
}

func (f *Files) read() error {
	certificate, err := os.ReadFile(f.certificate)
	if err != nil {
		return fmt.Errorf("read certificate: %w", err)
	}
	key, err := f.key.Read()
	if err != nil {
		return fmt.Errorf("read the certificate's key: %w", err)
	}
	pair, err := tls.X509KeyPair(certificate, []byte(key.Reveal()))
	if err != nil {
		return fmt.Errorf("certificate %s and key %s don't serve: %w: write both anew, in PEM, the key without a passphrase", f.certificate, f.key.File, err)
	}
	f.inForce.Store(&pair)
	return nil
}

// TLS returns how a server is to speak: with the certificate that is in force at
// each handshake, TLS 1.2 or later, and as package crypto/tls thinks best.
func (f *Files) TLS() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return f.inForce.Load(), nil },
	}
}

// Leaf returns the certificate that is in force, without those that follow it.
func (f *Files) Leaf() *x509.Certificate { return f.inForce.Load().Leaf }

// Ending reports whether a certificate is to be renewed without delay: whoever
// renews certificates does it with a third of their time left, and it has less
// than a sixth.
func Ending(c *x509.Certificate, now time.Time) bool {
	const share = 6
	return c.NotAfter.Sub(now) < c.NotAfter.Sub(c.NotBefore)/share
}

// Names returns for whom a certificate vouches: domain names and IP addresses.
func Names(c *x509.Certificate) []string {
	names := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	return names
}

// Recognise returns how a client that has the certificate's file, by whatever
// name it reaches the server, is to recognise it: by that certificate, or
// another one for the same name from an authority that the system trusts.
func Recognise(certificate string) (*tls.Config, error) {
	text, err := os.ReadFile(certificate)
	if err != nil {
		return nil, fmt.Errorf("read certificate: %w", err)
	}
	trusted, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("read the system's authorities: %w", err)
	}
	leaf, err := first(text)
	if err != nil {
		return nil, fmt.Errorf("certificate %s: %w", certificate, err)
	}
	trusted.AddCert(leaf)
	c := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: trusted}
	if names := Names(leaf); len(names) > 0 {
		c.ServerName = names[0]
	}
	return c, nil
}

// first returns the first certificate of a file.
func first(text []byte) (*x509.Certificate, error) {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return nil, errors.New("there is no certificate in it, in PEM")
		}
		if block.Type == "CERTIFICATE" {
			return x509.ParseCertificate(block.Bytes)
		}
	}
}
