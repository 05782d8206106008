package main

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync/atomic"
	"time"

	"github.com/policysync/policysync/internal/access"
	"github.com/policysync/policysync/internal/certificate"
	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/daemon"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/reconcile"
	"github.com/policysync/policysync/internal/state"
)

// service is the running daemon with what its config says, which may change.
type service struct {
	daemon      *daemon.Daemon
	switches    *freezer
	sink        event.Sink // told of all but what runs do
	make        workshop
	certificate *certificate.Files // of the server; nil: it speaks plain HTTP
	inForce     atomic.Pointer[settings]
}

// settings are a config and who runs its targets, by their names. They aren't
// changed, but replaced.
type settings struct {
	*config.Config

	runners map[string]*reconcile.Reconciler
	access  *access.Verifier // nil: Cloudflare Access isn't asked who may look
}

// newService returns a service that has no config yet, and nobody to tell.
func newService(a *app, store state.Store, shared *budgets) *service {
	s := &service{daemon: &daemon.Daemon{Suspensions: store}}
	s.switches = &freezer{cfg: s.config, wake: func() { s.daemon.Wake(event.Retry) }}
	s.make = workshop{app: a, shared: shared, store: store, frozen: s.switches.InForce}
	return s
}

// tell has all that happens told to sink; call it once, before anything does.
func (s *service) tell(sink event.Sink) {
	s.sink, s.daemon.Sink, s.switches.sink = sink, sink, sink
	s.make.sink = event.Sinks{s.daemon, sink, s.switches}
}

// config returns the config that is in force.
func (s *service) config() *config.Config { return s.inForce.Load().Config }

// begin puts the first config into force.
func (s *service) begin(ctx context.Context, cfg *config.Config, file string) error {
	s.inForce.Store(&settings{Config: cfg})
	next, told, err := s.prepare(cfg)
	if err != nil {
		return err
	}
	told.File, told.Added = file, nil
	return s.enforce(ctx, next, told)
}

// replace puts another config into force, all of it or, with an error, nothing.
func (s *service) replace(ctx context.Context, cfg *config.Config, file string) error {
	if err := unchangeable(s.config(), cfg); err != nil {
		return err
	}
	next, told, err := s.prepare(cfg)
	if err != nil {
		return err
	}
	told.File = file
	before := s.switches.InForce()
	if err := s.enforce(ctx, next, told); err != nil {
		return err
	}
	if lifted(before, s.switches.InForce()) {
		s.daemon.Wake(event.Retry)
	}
	return nil
}

// unchangeable returns an error if a config says something else of what holds
// for as long as the daemon runs.
func unchangeable(last, next *config.Config) error {
	for _, k := range []struct{ key, was, is string }{
		{"server.listen", last.Server.Listen, next.Server.Listen},
		{"server.metrics_listen", last.Server.MetricsListen, next.Server.MetricsListen},
		{"server.webhooks_listen", last.Server.WebhooksListen, next.Server.WebhooksListen},
		{"server.tls.cert_file", last.Server.TLS.Certificate, next.Server.TLS.Certificate},
		{"server.tls.key_file", last.Server.TLS.Key.File, next.Server.TLS.Key.File},
		{"state.url", last.State.URL, next.State.URL},
		{"audit.file", last.Audit.File, next.Audit.File},
	} {
		if k.was != k.is {
			return fmt.Errorf("%s was %q and is %q now, which needs a restart: restart policysync, or put it back", k.key, k.was, k.is)
		}
	}
	return nil
}

// prepare returns what a config comes to, and what changes with it. A target that
// the config says nothing new of keeps its reconciler, with all that it remembers.
func (s *service) prepare(cfg *config.Config) (*settings, event.Configured, error) {
	last := s.inForce.Load()
	next := &settings{cfg, map[string]*reconcile.Reconciler{}, s.verifier(cfg)}
	told := event.Configured{
		Targets: namesOf(cfg), Receivers: slices.Sorted(maps.Keys(cfg.Server.Webhooks.Configured())),
		LogLevel: string(cfg.Log.Level), Console: cfg.Log.Format == config.FormatConsole,
	}
	for _, t := range cfg.Targets {
		kept := last.runners[t.Name]
		if kept != nil && reflect.DeepEqual(t, last.target(t.Name)) {
			next.runners[t.Name] = kept
			continue
		}
		r, err := s.make.reconciler(t, cfg)
		if err != nil {
			return nil, told, err
		}
		next.runners[t.Name] = r
		if kept != nil {
			told.Changed = append(told.Changed, t.Name)
		} else {
			told.Added = append(told.Added, t.Name)
		}
	}
	for name := range last.runners {
		if next.runners[name] == nil {
			told.Removed = append(told.Removed, name)
		}
	}
	slices.Sort(told.Removed)
	return next, told, nil
}

// verifier returns who checks what Cloudflare Access says of visitors; nil where
// it isn't asked. One that the config says nothing new of keeps its keys.
func (s *service) verifier(cfg *config.Config) *access.Verifier {
	last, a := s.inForce.Load(), cfg.Server.Access
	switch {
	case a.TeamDomain == "":
		return nil
	case last.access != nil && reflect.DeepEqual(last.Server.Access, a):
		return last.access
	}
	return access.New(access.Options{Team: a.TeamDomain, Audience: a.Audience, Operators: a.Operators, Warn: s.warn, Now: time.Now})
}

// target returns the target of that name, which is there.
func (s *settings) target(name string) config.Target {
	return s.Targets[slices.IndexFunc(s.Targets, func(t config.Target) bool { return t.Name == name })]
}

// enforce puts what was prepared into force. An error says that it hasn't.
func (s *service) enforce(ctx context.Context, next *settings, told event.Configured) error {
	targets := make([]daemon.Target, len(next.Targets))
	for i := range next.Targets {
		t := &next.Targets[i]
		suspension, err := s.make.store.Suspension(ctx, t.Name)
		if err != nil {
			return err
		}
		targets[i] = daemon.Target{Name: t.Name, Runner: next.runners[t.Name], Schedule: t, Suspension: suspension}
	}
	s.make.shared.limit(next.Targets)
	s.inForce.Store(next)
	s.daemon.Set(targets)
	told.At = time.Now()
	s.sink.Emit(told)
	return nil
}
