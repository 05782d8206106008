package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"go.uber.org/zap"

	"github.com/policysync/policysync/internal/certificate"
	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/serve"
	"github.com/policysync/policysync/internal/web"
)

// listeners are the daemon's open addresses. What has none of its own is
// answered at the main one.
type listeners struct{ main, metrics, webhooks net.Listener }

// listen opens the addresses of a config, all or none.
func listen(ctx context.Context, s config.Server) (l listeners, err error) {
	for _, a := range []struct {
		key, address string
		to           *net.Listener
	}{
		{"listen", s.Listen, &l.main},
		{"metrics_listen", s.MetricsListen, &l.metrics},
		{"webhooks_listen", s.WebhooksListen, &l.webhooks},
	} {
		if a.address == "" {
			continue
		}
		opened, err := (&net.ListenConfig{}).Listen(ctx, "tcp", a.address)
		if err != nil {
			return listeners{}, errors.Join(fmt.Errorf("listen: %w: choose another server.%s", err, a.key), l.close())
		}
		*a.to = opened
	}
	return l, nil
}

func (l listeners) close() error {
	var err error
	for _, open := range []net.Listener{l.main, l.metrics, l.webhooks} {
		if open != nil {
			err = errors.Join(err, open.Close())
		}
	}
	return err
}

// servers returns who answers at the addresses, with that certificate if there
// is one. Metrics at an address of their own never need one: those who scrape
// and probe there come by an inner network, and often can't check whom they ask.
func (l listeners) servers(c *certificate.Files, o web.Options) []serve.Server {
	var all []serve.Server
	var secure *tls.Config
	if c != nil {
		secure = c.TLS()
	}
	if l.metrics != nil {
		all = append(all, serve.Server{Listener: l.metrics, Handler: web.Probes(o)})
		o.Metrics = nil
	}
	if l.webhooks != nil {
		all = append(all, serve.Server{Listener: l.webhooks, Handler: o.Webhooks, TLS: secure})
		o.Webhooks = nil
	}
	return append(all, serve.Server{Listener: l.main, Handler: web.Handler(o), TLS: secure})
}

// told writes a line for each address, the main one's first.
func (l listeners) told(to *zap.Logger) {
	to.Info("listening", zap.Stringer("address", l.main.Addr()))
	if l.metrics != nil {
		to.Info("listening for metrics", zap.Stringer("address", l.metrics.Addr()))
	}
	if l.webhooks != nil {
		to.Info("listening for webhooks", zap.Stringer("address", l.webhooks.Addr()))
	}
}
