// Package web answers the daemon's HTTP requests: metrics, health, the API and the status page.
package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/policysync/policysync/internal/secret"
	"github.com/policysync/policysync/internal/state"
)

// Options are what the handlers show. All but Metrics, Page, Webhooks and Local are required.
// Functions are asked at each request, as what they tell may change.
type Options struct {
	Metrics  prometheus.Gatherer         // nil: they are at another address
	Stalled  func() []string             // targets whose loop has shown no sign of life in time
	Unready  func() []string             // targets that haven't been read yet
	Ping     func(context.Context) error // whether the state store answers
	Freezer  Freezer
	Targets  Targets
	Names    func() []string      // of the targets
	State    state.Reader         // what the API tells of them
	Page     http.Handler         // of everything else: what people look at; nil: there is nothing
	Webhooks http.Handler         // of everything below /webhooks/; nil: they are at another address
	Token    func() secret.Source // the bearer token of the API, which is read then; where none is named nobody may write
	Local    bool                 // the server listens on loopback alone: reading needs no token
}

// pingTimeout bounds how long a readiness probe waits for the state store.
const pingTimeout = 5 * time.Second

// Handler returns the handler of every route:
//
//	GET  /metrics        Prometheus' text form, or OpenMetrics to those who ask for it
//	GET  /healthz        200, or 503 with the names of targets that have stalled
//	GET  /readyz         200, or 503 with what isn't ready yet
//	GET  /api/v1/freeze  the freeze switches that are set, and where
//	POST /api/v1/freeze  sets others
//	GET  /api/v1/targets, /api/v1/targets/{target}, …/policies, …/runs
//	GET  /api/v1/runs/{run}
//	POST /api/v1/targets/{target}/sync, …/suspend, …/resume
//	POST /webhooks/…     what package webhook says
//	GET  /…              what package page says
func Handler(o Options) http.Handler {
	mux := http.NewServeMux()
	o.probes(mux)
	mux.HandleFunc("GET /api/v1/freeze", o.guarded(o.frozen))
	mux.HandleFunc("POST /api/v1/freeze", o.guarded(o.freeze))
	const target = "/api/v1/targets/{target}"
	mux.HandleFunc("GET /api/v1/targets", o.guarded(o.listTargets))
	mux.HandleFunc("GET "+target, o.target(o.showTarget))
	mux.HandleFunc("GET "+target+"/policies", o.target(o.listPolicies))
	mux.HandleFunc("GET "+target+"/runs", o.target(o.listRuns))
	mux.HandleFunc("GET /api/v1/runs/{run}", o.guarded(o.showRun))
	mux.HandleFunc("POST "+target+"/sync", o.target(o.sync))
	mux.HandleFunc("POST "+target+"/suspend", o.target(o.suspend))
	mux.HandleFunc("POST "+target+"/resume", o.target(o.resume))
	if o.Webhooks == nil {
		o.Webhooks = http.NotFoundHandler()
	}
	mux.Handle("/webhooks/", o.Webhooks)
	if o.Page != nil {
		mux.Handle("/", o.looking(o.Page))
	}
	return http.NewCrossOriginProtection().Handler(mux)
}

// Probes returns the handler of /metrics, /healthz and /readyz alone.
func Probes(o Options) http.Handler {
	mux := http.NewServeMux()
	o.probes(mux)
	return mux
}

func (o Options) probes(mux *http.ServeMux) {
	if o.Metrics != nil {
		mux.Handle("GET /metrics", promhttp.HandlerFor(o.Metrics, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	} else {
		mux.Handle("/metrics", http.NotFoundHandler())
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, named("stalled", o.Stalled()))
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		problems := named("not read yet", o.Unready())
		ctx, cancel := context.WithTimeout(r.Context(), pingTimeout)
		defer cancel()
		if err := o.Ping(ctx); err != nil {
			problems = append(problems, "state: "+err.Error())
		}
		answer(w, problems)
	})
}

func named(problem string, targets []string) []string {
	lines := make([]string, len(targets))
	for i, t := range targets {
		lines[i] = fmt.Sprintf("target %s: %s", t, problem)
	}
	return lines
}

// answer writes 200 ok, or 503 and the problems, a line each.
func answer(w http.ResponseWriter, problems []string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	text := "ok"
	if len(problems) > 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
		text = strings.Join(problems, "\n")
	}
	_, _ = fmt.Fprintln(w, text) // the one who asked is gone: nobody is left to tell
}
