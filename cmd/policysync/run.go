package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/daemon"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/log"
	"github.com/policysync/policysync/internal/metrics"
	"github.com/policysync/policysync/internal/web"
)

func newRun(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "run",
		Short: "Run the daemon: follow Git until told to stop",
		Long: `Run the daemon: follow Git until told to stop.

It runs every target once at the start and then on its schedule, and when a
webhook says that somebody pushed. It serves /metrics, /healthz, /readyz, the
API and the webhook receivers. SIGUSR1 makes every target run now.
SIGTERM and SIGINT end it once the requests under way have been answered and
recorded.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := a.load(c)
			if err != nil {
				return err
			}
			logger, err := log.New(a.stderr, string(cfg.Log.Level), cfg.Log.Format == config.FormatConsole)
			if err != nil {
				return err
			}
			logger.Info("starting", zap.String("version", version()), zap.String("state", cfg.State.Path()), zap.Int("targets", len(cfg.Targets)))
			defer logger.Info("stopped")
			return a.serve(c.Context(), cfg, log.Sink(logger), func(at net.Addr) {
				logger.Info("listening", zap.Stringer("address", at))
			})
		},
	}
	a.configFlags(c)
	a.sourceFlags(c)
	c.Flags().StringVar(&a.flags.listen, "listen", "127.0.0.1:8080", "without a config file: `ADDRESS` for metrics and health")
	return c
}

// serve runs the daemon until ctx ends. Runs tell sink what they do;
// listening is called once, when the server is about to answer.
func (a *app) serve(ctx context.Context, cfg *config.Config, sink event.Sink, listening func(net.Addr)) (err error) {
	store, err := openStore(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	d, shared := &daemon.Daemon{Suspensions: store}, budgetsBeside(cfg.State)
	registry, counters, err := newRegistry(cfg, metrics.Now{
		Stalled: d.Stalled, Remaining: shared.left,
		DiskFree: func() (float64, error) { return freeBytes(filepath.Dir(cfg.State.Path())) },
	})
	if err != nil {
		return err
	}
	d.Sink = event.Sinks{counters, sink}
	switches := &freezer{cfg: cfg, sink: sink, wake: func() { d.Wake(event.Retry) }}
	all, err := a.newReconcilers(cfg, shared, store, switches.InForce, event.Sinks{d, counters, sink, switches})
	if err != nil {
		return err
	}
	targets := make([]daemon.Target, len(all))
	for i, r := range all {
		suspension, err := store.Suspension(ctx, r.Target)
		if err != nil {
			return err
		}
		targets[i] = daemon.Target{Name: r.Target, Runner: r, Schedule: &cfg.Targets[i], Suspension: suspension}
	}
	d.Set(targets)
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.Server.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w: choose another server.listen", err)
	}
	listening(listener.Addr())
	stopWaking := wakeOn(syscall.SIGUSR1, d)
	defer stopWaking()
	handler := web.Handler(web.Options{
		Metrics: registry, Stalled: d.Stalled, Unready: d.Unready, Ping: store.Ping,
		Freezer: switches, Targets: d, Names: namesOf(cfg), State: store, Webhooks: newWebhooks(cfg, d, all, event.Sinks{counters, sink}), Token: cfg.Server.APIToken, Local: isLoopback(listener.Addr()),
	})
	return serveWhile(ctx, listener, handler, func(ctx context.Context) {
		var pruning sync.WaitGroup
		pruning.Go(func() {
			pruneDaily(ctx, store, cfg.State.HistoryRetention, func(err error) { sink.Emit(event.Warned{Message: err.Error()}) })
		})
		d.Run(ctx)
		pruning.Wait()
	})
}

func isLoopback(address net.Addr) bool {
	tcp, ok := address.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// wakeOn wakes the daemon at each such signal until stop is called.
func wakeOn(sig os.Signal, d *daemon.Daemon) (stop func()) {
	signals, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, sig)
	var waker sync.WaitGroup
	waker.Go(func() {
		for {
			select {
			case <-signals:
				d.Wake(event.Manual)
			case <-done:
				return
			}
		}
	})
	return func() {
		signal.Stop(signals)
		close(done)
		waker.Wait()
	}
}

func newRegistry(cfg *config.Config, now metrics.Now) (*prometheus.Registry, *metrics.Metrics, error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	build := buildInfo()
	counters, err := metrics.New(registry, metrics.Build{Version: build.version, Revision: build.revision}, namesOf(cfg), slices.Collect(maps.Keys(cfg.Server.Webhooks.Configured())), now)
	return registry, counters, err
}

func namesOf(cfg *config.Config) []string {
	names := make([]string, len(cfg.Targets))
	for i, t := range cfg.Targets {
		names[i] = t.Name
	}
	return names
}

// How long the server waits for those who ask.
const (
	headerTimeout   = 10 * time.Second
	shutdownTimeout = 5 * time.Second
)

// serveWhile answers requests for as long as work, which ends soon after ctx
// does, goes on. When the server fails, work is told to end.
func serveWhile(ctx context.Context, l net.Listener, h http.Handler, work func(context.Context)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	server := &http.Server{Handler: h, ReadHeaderTimeout: headerTimeout}
	failed := make(chan error, 1)
	go func() {
		failed <- server.Serve(l)
		cancel()
	}()
	work(ctx)
	ending, done := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer done()
	err := server.Shutdown(ending)
	if serveErr := <-failed; !errors.Is(serveErr, http.ErrServerClosed) {
		err = errors.Join(err, serveErr)
	}
	return err
}
