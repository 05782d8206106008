// Package metrics holds every Prometheus metric of policysync and keeps them
// by listening to events.
package metrics

import (
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/guard"
	"github.com/policysync/policysync/internal/impact"
)

// Build says which program this is.
type Build struct{ Version, Revision string }

// Metrics is an event.Sink. It may be used from several goroutines.
type Metrics struct {
	runs, changes, fetches, requests, stops *prometheus.CounterVec
	waits, webhooks, rewinds                *prometheus.CounterVec
	phases, requestTimes, toLive            *prometheus.HistogramVec
	policies, lastRun, lastSuccess          *prometheus.GaugeVec
	suspended                               *prometheus.GaugeVec
}

// New makes the metrics and registers them; an error is a name that the
// registry has already. The series of each target, and of each provider that has
// a webhook receiver, stand at 0 from the start.
func New(to prometheus.Registerer, build Build, targets, receivers []string) (*Metrics, error) {
	m := unregistered()
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "policysync_build_info", Help: "1, labelled with what was built.",
	}, []string{"version", "revision", "goversion"})
	info.WithLabelValues(build.Version, build.Revision, runtime.Version()).Set(1)
	for _, c := range []prometheus.Collector{
		info, m.runs, m.changes, m.fetches, m.requests, m.stops, m.waits, m.webhooks, m.rewinds, m.phases, m.requestTimes, m.toLive,
		m.policies, m.lastRun, m.lastSuccess, m.suspended,
	} {
		if err := to.Register(c); err != nil {
			return nil, err
		}
	}
	for _, operation := range operations {
		m.requestTimes.WithLabelValues(operation)
		for _, code := range codes {
			m.requests.WithLabelValues(operation, code)
		}
	}
	for _, provider := range receivers {
		for _, result := range deliveries {
			m.webhooks.WithLabelValues(provider, result)
		}
	}
	for _, t := range targets {
		m.zero(t)
	}
	return m, nil
}

func unregistered() *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "policysync_" + name, Help: help}, labels)
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "policysync_" + name, Help: help}, labels)
	}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "policysync_" + name, Help: help, Buckets: buckets}, labels)
	}
	return &Metrics{
		runs:         counter("runs_total", "Runs that ended.", "target", "trigger", "result"),
		changes:      counter("changes_total", "Changes of plans that ended.", "target", "action", "direction", "result"),
		fetches:      counter("source_fetches_total", "Times the source was asked for its commit.", "target", "result"),
		rewinds:      counter("source_rewinds_total", "Moves of the source's branch that were no fast-forward, or not known to be.", "target"),
		requests:     counter("cloudflare_requests_total", "Requests to the Cloudflare API that ended.", "operation", "code"),
		stops:        counter("guard_stops_total", "Runs in which a guard held changes back.", "target", "reason"),
		webhooks:     counter("webhook_requests_total", "Requests to webhook receivers that were answered.", "provider", "result"),
		waits:        counter("cloudflare_ratelimit_wait_seconds_total", "Seconds that requests waited for the rate limit.", "target"),
		phases:       histogram("run_duration_seconds", "Seconds that each phase of a run took.", seconds(0.001, 300), "target", "phase"),
		requestTimes: histogram("cloudflare_request_duration_seconds", "Seconds that requests to the Cloudflare API took.", seconds(0.01, 30), "operation"),
		toLive:       histogram("commit_to_live_seconds", "Seconds from a push, or from a commit seen, to its last change live.", seconds(0.1, 3600), "target"),
		policies:     gauge("policies", "Policies by how they stand.", "target", "state"),
		suspended:    gauge("suspended", "1 while an operator keeps the target from running.", "target"),
		lastRun:      gauge("last_run_timestamp_seconds", "Unix time at which the last run ended.", "target"),
		lastSuccess:  gauge("last_success_timestamp_seconds", "Unix time at which the last run ended that left nothing undone.", "target"),
	}
}

// seconds returns histogram buckets in steps of 1, 2.5, 5 and 10 from the
// least to the most.
func seconds(least, most float64) []float64 {
	var buckets []float64
	for decade := least; decade <= most; decade *= 10 {
		for _, step := range []float64{1, 2.5, 5} {
			if decade*step <= most {
				buckets = append(buckets, decade*step)
			}
		}
	}
	return buckets
}

// operations and codes are the labels of requests to the account, deliveries
// the results of requests to webhook receivers.
var (
	operations = []string{
		"list", "get", "create", "update", "delete", "verify_token", "list_apps",
		"list_groups", "list_service_tokens", "list_identity_providers", "list_posture_rules", "list_lists",
	}
	codes      = []string{"2xx", "4xx", "429", "5xx", "error"}
	deliveries = []string{
		"accepted", "bad_signature", "ignored_repo", "ignored_ref", "malformed", "too_large", "rate_limited", "replayed",
	}
)

// zero makes the known series of a target.
func (m *Metrics) zero(target string) {
	for _, trigger := range event.Triggers() {
		for _, result := range event.Results() {
			m.runs.WithLabelValues(target, string(trigger), string(result))
		}
	}
	for _, action := range diff.Actions() {
		for _, direction := range impact.Directions() {
			for _, outcome := range event.Outcomes() {
				m.changes.WithLabelValues(target, string(action), string(direction), string(outcome))
			}
		}
	}
	for _, result := range event.FetchResults() {
		m.fetches.WithLabelValues(target, string(result))
	}
	for _, phase := range event.Phases() {
		m.phases.WithLabelValues(target, string(phase))
	}
	for _, state := range diff.States() {
		m.policies.WithLabelValues(target, string(state))
	}
	for _, reason := range guard.Reasons() {
		m.stops.WithLabelValues(target, string(reason))
	}
	m.waits.WithLabelValues(target)
	m.rewinds.WithLabelValues(target)
	m.toLive.WithLabelValues(target)
	m.suspended.WithLabelValues(target)
	m.lastRun.WithLabelValues(target)
	m.lastSuccess.WithLabelValues(target)
}

// Emit counts the event.
func (m *Metrics) Emit(e event.Event) {
	switch e := e.(type) {
	case event.SourceFetched:
		m.fetches.WithLabelValues(e.Target, string(e.Result)).Inc()
	case event.SourceRewound:
		m.rewinds.WithLabelValues(e.Target).Inc()
	case event.PhaseDone:
		m.phases.WithLabelValues(e.Target, string(e.Phase)).Observe(e.Took.Seconds())
	case event.ChangeDone:
		m.changes.WithLabelValues(e.Target, string(e.Change.Action), string(e.Change.Direction), string(e.Outcome)).Inc()
	case event.Held:
		m.stops.WithLabelValues(e.Target, string(e.Reason)).Inc()
	case event.RunDone:
		m.done(e)
	case event.RequestDone:
		m.requests.WithLabelValues(e.Operation, e.Code).Inc()
		m.requestTimes.WithLabelValues(e.Operation).Observe(e.Took.Seconds())
	case event.BudgetWaited:
		m.waits.WithLabelValues(e.Target).Add(e.Waited.Seconds())
	case event.WebhookDone:
		m.webhooks.WithLabelValues(e.Provider, e.Result).Inc()
	case event.Suspended:
		m.suspended.WithLabelValues(e.Target).Set(1)
	case event.Resumed:
		m.suspended.WithLabelValues(e.Target).Set(0)
	case event.RunStarted, event.Warned, event.PlanMade, event.BudgetWaiting:
	}
}

func (m *Metrics) done(e event.RunDone) {
	m.runs.WithLabelValues(e.Target, string(e.Trigger), string(e.Result)).Inc()
	m.lastRun.WithLabelValues(e.Target).Set(unix(e.At))
	if e.Result == event.Success || e.Result == event.Noop {
		m.lastSuccess.WithLabelValues(e.Target).Set(unix(e.At))
	}
	if e.States != nil {
		for _, state := range diff.States() {
			m.policies.WithLabelValues(e.Target, string(state)).Set(float64(e.States[state]))
		}
	}
	if e.ToLive > 0 {
		m.toLive.WithLabelValues(e.Target).Observe(e.ToLive.Seconds())
	}
}

func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
