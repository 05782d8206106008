package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/policysync/policysync/internal/access"
	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/inuse"
	"github.com/policysync/policysync/internal/log"
	"github.com/policysync/policysync/internal/metrics"
	"github.com/policysync/policysync/internal/page"
	"github.com/policysync/policysync/internal/secret"
	"github.com/policysync/policysync/internal/serve"
	"github.com/policysync/policysync/internal/systemd"
	"github.com/policysync/policysync/internal/web"
)

func newRun(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "run",
		Short: "Run the daemon: follow Git until told to stop",
		Long: `Run the daemon: follow Git until told to stop.

It runs every target once at the start and then on its schedule, and when a
webhook says that somebody pushed. It serves the status page at /, /metrics,
/healthz, /readyz, the API and the webhook receivers. SIGUSR1 makes every
target run now. A config file that has changed is put into force within seconds,
and at SIGHUP at once; one with a mistake is refused, and the last one stays in
force. SIGTERM and SIGINT end it once the requests under way have been answered
and recorded.`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			again, err := a.reloads(c)
			if err != nil {
				return err
			}
			cfg, err := a.load(c)
			if err != nil {
				return err
			}
			lines, err := log.New(a.stderr, string(cfg.Log.Level), cfg.Log.Format == config.FormatConsole)
			if err != nil {
				return err
			}
			lines.Logger().Info("starting", zap.String("version", version()), zap.String("state", cfg.State.Path()))
			defer func() { lines.Logger().Info("stopped") }()
			return a.serve(c.Context(), cfg, again, lines, func(at listeners) { at.told(lines.Logger()) })
		},
	}
	a.configFlags(c)
	a.sourceFlags(c)
	c.Flags().StringVar(&a.flags.listen, "listen", "127.0.0.1:8080", "without a config file: `ADDRESS` to listen on")
	return c
}

// serve runs the daemon until ctx ends. What happens is told to sink; listening
// is called once, when the server is about to answer.
func (a *app) serve(ctx context.Context, cfg *config.Config, again reload, sink event.Sink, listening func(listeners)) (err error) {
	manager, err := systemd.Of(a.env)
	if err != nil {
		return err
	}
	store, err := openStore(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	s := newService(a, store, budgetsBeside(cfg.State))
	registry, counters, err := newRegistry(metrics.Now{
		Stalled: s.daemon.Stalled, Remaining: s.make.shared.left,
		DiskFree: func() (float64, error) { return freeBytes(filepath.Dir(cfg.State.Path())) },
	})
	if err != nil {
		return err
	}
	watch, book := &page.Watch{}, inuse.NewBook()
	traces, end := a.traces(ctx, sink, false)
	defer end()
	s.tell(event.Sinks{counters, sink, newDiary(ctx, store, s.warn), watch, traces})
	if err := s.begin(ctx, cfg, again.file); err != nil {
		return err
	}
	if s.certificate, err = loadCertificate(cfg.Server.TLS); err != nil {
		return err
	}
	at, err := listen(ctx, cfg.Server)
	if err != nil {
		return err
	}
	wakes, stopWakes := receive(wakeSignals()...)
	defer stopWakes()
	hangups, stopHangups := receive(syscall.SIGHUP)
	defer stopHangups()
	listening(at)
	servers := at.servers(s.certificate, web.Options{
		Metrics: registry, Stalled: s.daemon.Stalled, Unready: s.daemon.Unready, Ping: store.Ping,
		Freezer: s.switches, Targets: s.daemon, Names: func() []string { return namesOf(s.config()) }, State: store,
		Page: s.page(watch, book), SignIn: page.SignIn(time.Now), Webhooks: newWebhooks(s), Sink: s.sink,
		Token:  func() secret.Source { return s.config().Server.APIToken },
		Access: func() *access.Verifier { return s.inForce.Load().access },
		Public: func() bool { return s.config().Server.InsecurePublic },
		Local:  isLoopback(at.main.Addr()),
	})
	return serve.While(ctx, servers, s.sink, func(ctx context.Context) {
		var beside sync.WaitGroup
		beside.Go(func() { s.wakeAt(ctx, wakes) })
		beside.Go(func() { s.certify(ctx) })
		beside.Go(func() { book.Run(ctx) })
		beside.Go(func() { s.follow(ctx, again, hangups) })
		beside.Go(func() { s.attend(ctx, manager) })
		beside.Go(func() { pruneDaily(ctx, store, s.retention, s.warn) })
		s.daemon.Run(ctx)
		beside.Wait()
	})
}

// page returns the handler of the status page.
func (s *service) page(watch *page.Watch, book *inuse.Book) http.Handler {
	return page.Handler(page.Options{
		Targets: func() []page.Target {
			var all []page.Target
			for _, t := range s.config().Targets {
				all = append(all, page.Target{Name: t.Name, Mode: t.Mode, Drift: t.Drift})
			}
			return all
		},
		State: s.make.store, Watch: watch, Next: s.daemon.Next, Stalled: s.daemon.Stalled, Now: time.Now, Actions: s.daemon,
		Users: s.users(book), Budget: s.make.shared.allowance,
	})
}

// wakeAt has every target run now at each signal, until ctx ends.
func (s *service) wakeAt(ctx context.Context, signals <-chan os.Signal) {
	for {
		select {
		case <-signals:
			s.daemon.Wake(event.Manual)
		case <-ctx.Done():
			return
		}
	}
}

// attend tells systemd how the daemon is, until ctx ends.
func (s *service) attend(ctx context.Context, manager systemd.Manager) {
	if err := manager.Attend(ctx, func() bool { return len(s.daemon.Stalled()) == 0 }); err != nil {
		s.warn(err)
	}
}

func (s *service) retention() config.Days { return s.config().State.HistoryRetention }

func (s *service) warn(err error) { s.sink.Emit(event.Warned{Message: err.Error()}) }

func isLoopback(address net.Addr) bool {
	tcp, ok := address.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// receive returns the channel of these signals, which from now on do nothing
// else until stop is called.
func receive(these ...os.Signal) (signals <-chan os.Signal, stop func()) {
	received := make(chan os.Signal, 1)
	if len(these) > 0 { // else Notify would take all
		signal.Notify(received, these...)
	}
	return received, func() { signal.Stop(received) }
}

func newRegistry(now metrics.Now) (*prometheus.Registry, *metrics.Metrics, error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	build := buildInfo()
	counters, err := metrics.New(registry, metrics.Build{Version: build.Version, Revision: build.revision()}, now)
	return registry, counters, err
}

func namesOf(cfg *config.Config) []string {
	names := make([]string, len(cfg.Targets))
	for i, t := range cfg.Targets {
		names[i] = t.Name
	}
	return names
}
