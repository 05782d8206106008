// Package web answers the daemon's HTTP requests: metrics, health, the API and the status page.
package web

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/policysync/policysync/internal/access"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/secret"
	"github.com/policysync/policysync/internal/state"
	"github.com/policysync/policysync/internal/visitor"
)

// Options are what the handlers show. What nothing is said of is required.
// Functions are asked at each request, as what they tell may change.
type Options struct {
	Metrics  prometheus.Gatherer         // nil: they are at another address
	Stalled  func() []string             // targets whose loop has shown no sign of life in time
	Unready  func() []string             // targets that haven't been read yet
	Ping     func(context.Context) error // whether the state store answers
	Freezer  Freezer
	Targets  Targets
	Names    func() []string // of the targets
	State    state.Reader    // what the API tells of them
	Page     http.Handler    // of everything else: what people look at; nil: there is nothing
	SignIn   SignIn          // nil: nobody signs in
	Webhooks http.Handler    // of everything below /webhooks/; nil: they are at another address
	Sink     event.Sink      // told of who isn't let in; nil: nobody is

	Token  func() secret.Source    // the API's token, which is read then; where none is named nobody may write with it
	Access func() *access.Verifier // whom Cloudflare Access lets through may look; nil, or of nil: it isn't asked
	Public func() bool             // anybody may look; nil: no
	Local  bool                    // the server listens on loopback alone, so that whoever is there may look, unless Access is asked
}

// SignIn answers with the form in which people sign in. It sends token, and to:
// where they want to go. The problem is why they are not signed in; "": they haven't tried.
type SignIn func(w http.ResponseWriter, r *http.Request, status int, to, problem string)

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
//
//	GET, POST /signin    signs in, with the API's token
//	POST /signout
//
// Whoever isn't let in sees metrics, health, webhooks, assets and signing in alone.
func Handler(o Options) http.Handler {
	g := newGate(o)
	inner, outer := http.NewServeMux(), http.NewServeMux()
	route(inner, o.guarded())
	route(outer, g.open())
	outer.Handle("/", g.admitted(inner))
	own := http.NewCrossOriginProtection()
	own.SetDenyHandler(http.HandlerFunc(g.foreign))
	return own.Handler(outer)
}

// foreign refuses what a page of another site has a browser send.
func (g *gate) foreign(w http.ResponseWriter, r *http.Request) {
	err := refuse(event.CrossOrigin, http.StatusForbidden, "a page of another site sent this: send it from policysync's own page, or without the headers of a browser")
	g.tell(r, visitor.Visitor{}, err)
	turnAway(w, r, err, false)
}

// open returns the routes that are for everybody.
func (g *gate) open() map[string]http.Handler {
	routes := g.probes()
	routes["/webhooks/"] = http.NotFoundHandler()
	if g.Webhooks != nil {
		routes["/webhooks/"] = g.Webhooks
	}
	if g.Page != nil {
		routes["GET /assets/{file}"] = http.HandlerFunc(g.asset)
	}
	if g.SignIn != nil {
		routes["GET /signin"] = http.HandlerFunc(g.signInForm)
		routes["POST /signin"] = http.HandlerFunc(g.signIn)
		routes["POST /signout"] = http.HandlerFunc(g.signOut)
	}
	return routes
}

// asset answers for what the page is made of, and for nothing that a path leads
// to from there once it is decoded.
func (g *gate) asset(w http.ResponseWriter, r *http.Request) {
	if path.Clean(r.URL.Path) != r.URL.Path {
		http.NotFound(w, r)
		return
	}
	g.Page.ServeHTTP(w, r)
}

// guarded returns the routes that are for those who are let in.
func (o Options) guarded() map[string]http.Handler {
	const target = "/api/v1/targets/{target}"
	routes := map[string]http.Handler{}
	for pattern, handler := range map[string]http.HandlerFunc{
		"GET /api/v1/freeze":          o.frozen,
		"POST /api/v1/freeze":         o.freeze,
		"GET /api/v1/targets":         o.listTargets,
		"GET " + target:               o.target(o.showTarget),
		"GET " + target + "/policies": o.target(o.listPolicies),
		"GET " + target + "/runs":     o.target(o.listRuns),
		"GET /api/v1/runs/{run}":      o.showRun,
		"POST " + target + "/sync":    o.target(o.sync),
		"POST " + target + "/suspend": o.target(o.suspend),
		"POST " + target + "/resume":  o.target(o.resume),
	} {
		routes[pattern] = handler
	}
	if o.Page != nil {
		routes["/"] = o.Page
		routes["GET /api/"] = http.HandlerFunc(noRoute)
	}
	return routes
}

// noRoute answers for what the API doesn't have.
func noRoute(w http.ResponseWriter, r *http.Request) {
	fail(w, http.StatusNotFound, r.Method+" "+r.URL.Path+" isn't of the API: docs/reference/http.md lists what is")
}

// probes returns the routes of metrics and health.
func (o Options) probes() map[string]http.Handler {
	routes := map[string]http.Handler{
		"/metrics":     http.NotFoundHandler(),
		"GET /healthz": http.HandlerFunc(o.healthz),
		"GET /readyz":  http.HandlerFunc(o.readyz),
	}
	if o.Metrics != nil {
		routes["GET /metrics"] = promhttp.HandlerFor(o.Metrics, promhttp.HandlerOpts{EnableOpenMetrics: true})
	}
	return routes
}

// Probes returns the handler of /metrics, /healthz and /readyz alone.
func Probes(o Options) http.Handler {
	mux := http.NewServeMux()
	route(mux, o.probes())
	return mux
}

func route(mux *http.ServeMux, routes map[string]http.Handler) {
	for pattern, handler := range routes {
		mux.Handle(pattern, handler)
	}
}

func (o Options) healthz(w http.ResponseWriter, _ *http.Request) {
	answer(w, named("stalled", o.Stalled()))
}

func (o Options) readyz(w http.ResponseWriter, r *http.Request) {
	problems := named("not read yet", o.Unready())
	ctx, cancel := context.WithTimeout(r.Context(), pingTimeout)
	defer cancel()
	if err := o.Ping(ctx); err != nil {
		problems = append(problems, "state: "+err.Error())
	}
	answer(w, problems)
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
