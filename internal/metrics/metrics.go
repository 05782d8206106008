// Package metrics holds every Prometheus metric of policysync and keeps them
// by listening to events.
package metrics

import (
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/guard"
	"github.com/policysync/policysync/internal/impact"
)

// Build says which program this is.
type Build struct{ Version, Revision string }

// Now answers, at each scrape, what no event tells. All its functions are
// required, and may be called concurrently.
type Now struct {
	Stalled   func() []string                   // targets whose loop has shown no sign of life in time
	Remaining func(target string) int           // requests that the target's budget allows now
	DiskFree  func() (bytes float64, err error) // what the disk with the state has left
}

// Metrics is an event.Sink. It may be used from several goroutines.
type Metrics struct {
	families
	now Now

	mu                 sync.Mutex
	targets, receivers []string // those that have series

	info, policies, lastRun, lastSuccess    *prometheus.GaugeVec
	suspended, leader, expiry               *prometheus.GaugeVec
	configured, configuredAt                *prometheus.GaugeVec
	certified, certificateEnds              *prometheus.GaugeVec
	runs, changes, fetches, requests, stops *prometheus.CounterVec
	waits, webhooks, rewinds, refusals      *prometheus.CounterVec
	phases, requestTimes, toLive            *prometheus.HistogramVec
}

// New makes the metrics and registers them; an error is a name that the
// registry has already. The series of the targets, and of the providers that have
// a webhook receiver, stand at 0 once event.Configured names them, and are gone
// when it doesn't any more.
func New(to prometheus.Registerer, build Build, now Now) (*Metrics, error) {
	m := unregistered()
	m.now = now
	for _, f := range m.families {
		if err := to.Register(f.collector); err != nil {
			return nil, err
		}
	}
	m.info.WithLabelValues(build.Version, build.Revision, runtime.Version()).Set(1)
	for _, operation := range operations {
		m.begin("operation", operation)
	}
	for _, reason := range event.Refusals() {
		m.refusals.WithLabelValues(string(reason))
	}
	return m, nil
}

// configure makes the known series of what a config has and the last one hadn't,
// and removes those of what it has no more.
func (m *Metrics) configure(e event.Configured) {
	if e.Err != nil {
		m.configured.WithLabelValues().Set(0)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.change("target", m.targets, e.Targets)
	m.change("provider", m.receivers, e.Receivers)
	m.targets, m.receivers = e.Targets, e.Receivers
	for _, t := range m.targets {
		m.leader.WithLabelValues(t).Set(1) // is whoever may write the state: this daemon
	}
	m.configured.WithLabelValues().Set(1)
	m.configuredAt.WithLabelValues().Set(unix(e.At))
}

// The values of labels that belong to nobody else: operations and codes are
// those of requests to the account, deliveries the results of webhooks.
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

// oneOf is a label with those values.
func oneOf[T ~string](name string, values []T) Label {
	l := Label{Name: name}
	for _, v := range values {
		l.Values = append(l.Values, string(v))
	}
	return l
}

func unregistered() *Metrics {
	target := Label{Name: "target", Of: "each target of the config"}
	operation := oneOf("operation", operations)
	m := &Metrics{}
	m.info = m.gauge("build_info", "1, labelled with what was built.",
		Label{Name: "version", Of: "such as v1.2.3"}, Label{Name: "revision", Of: "the commit that it was built from"}, Label{Name: "goversion", Of: "such as go1.26"})
	m.runs = m.counter("runs_total", "Runs that ended.", target, oneOf("trigger", event.Triggers()), oneOf("result", event.Results()))
	m.phases = m.histogram("run_duration_seconds", "Seconds that each phase of a run took.", seconds(0.001, 300), target, oneOf("phase", event.Phases()))
	m.policies = m.gauge("policies", "Policies by how they stand.", target, oneOf("state", diff.States()))
	m.changes = m.counter("changes_total", "Changes of plans that ended.",
		target, oneOf("action", diff.Actions()), oneOf("direction", impact.Directions()), oneOf("result", event.Outcomes()))
	m.lastSuccess = m.gauge("last_success_timestamp_seconds", "Unix time at which the last run ended that left nothing undone; 0: none has yet.", target)
	m.lastRun = m.gauge("last_run_timestamp_seconds", "Unix time at which the last run ended; 0: none has yet.", target)
	m.toLive = m.histogram("commit_to_live_seconds", "Seconds from a push, or from a commit seen, to its last change live.", seconds(0.1, 3600), target)
	m.fetches = m.counter("source_fetches_total", "Times the source was asked for its commit.", target, oneOf("result", event.FetchResults()))
	m.rewinds = m.counter("source_rewinds_total", "Moves of the source's branch that were no fast-forward, or not known to be.", target)
	m.webhooks = m.counter("webhook_requests_total", "Requests to webhook receivers that were answered.",
		Label{Name: "provider", Of: "each provider that has a secret in the config"}, oneOf("result", deliveries))
	m.refusals = m.counter("http_refused_total", "Requests to the page, the API and signing in that were not let in.", oneOf("reason", event.Refusals()))
	m.requests = m.counter("cloudflare_requests_total", "Requests to the Cloudflare API that ended.", operation, oneOf("code", codes))
	m.requestTimes = m.histogram("cloudflare_request_duration_seconds", "Seconds that requests to the Cloudflare API took.", seconds(0.01, 30), operation)
	m.waits = m.counter("cloudflare_ratelimit_wait_seconds_total", "Seconds that requests waited for the rate limit.", target)
	m.asked(m.lookAtBudgets, "cloudflare_budget_remaining", "Requests that the budget of the target's API token allows now.", target)
	m.suspended = m.gauge("suspended", "1 while an operator keeps the target from running.", target)
	m.leader = m.gauge("leader", "1 while this daemon is the one that looks after the target.", target)
	m.asked(m.lookAtLoops, "stalled", "1 while the target's loop shows no sign of life, as /healthz tells.", target)
	m.stops = m.counter("guard_stops_total", "Runs in which a guard held changes back.", target, oneOf("reason", guard.Reasons()))
	m.expiry = m.gauge("policy_expiry_timestamp_seconds", "Unix time from which the policy that expires first counts as absent from Git; 0: none expires.", target)
	m.configured = m.gauge("config_reload_success", "1 while the config as it is now is in force; 0: it was refused, and the last one goes on.")
	m.configuredAt = m.gauge("config_last_reload_success_timestamp_seconds", "Unix time at which a config last took effect.")
	m.certified = m.gauge("tls_reload_success", "1 while the certificate of server.tls as its files are now is in force; 0: it was refused, and the last one goes on. No series without server.tls.")
	m.certificateEnds = m.gauge("tls_certificate_expiry_timestamp_seconds", "Unix time at which the certificate in force ends. No series without server.tls.")
	m.asked(m.lookAtDisk, "state_disk_free_bytes", "Bytes that the disk with the state has left for policysync; no series where that can't be told.")
	return m
}

func (m *Metrics) lookAtBudgets(remaining *prometheus.GaugeVec) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range m.targets {
		remaining.WithLabelValues(t).Set(float64(m.now.Remaining(t)))
	}
}

func (m *Metrics) lookAtLoops(stalled *prometheus.GaugeVec) {
	m.mu.Lock()
	defer m.mu.Unlock()
	silent := m.now.Stalled()
	for _, t := range m.targets {
		value := 0.0
		if slices.Contains(silent, t) {
			value = 1
		}
		stalled.WithLabelValues(t).Set(value)
	}
}

func (m *Metrics) lookAtDisk(free *prometheus.GaugeVec) {
	bytes, err := m.now.DiskFree()
	if err != nil {
		free.Reset()
		return
	}
	free.WithLabelValues().Set(bytes)
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
	case event.PlanMade:
		m.expiry.WithLabelValues(e.Target).Set(unix(e.Plan.NextExpiry))
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
	case event.TurnedAway:
		m.refusals.WithLabelValues(string(e.Reason)).Inc()
	case event.Suspended:
		m.suspended.WithLabelValues(e.Target).Set(1)
	case event.Resumed:
		m.suspended.WithLabelValues(e.Target).Set(0)
	case event.Configured:
		m.configure(e)
	case event.Certified:
		m.certify(e)
	case event.RunStarted, event.PhaseStarted, event.Warned, event.BudgetWaiting:
	}
}

func (m *Metrics) certify(e event.Certified) {
	success := 1.0
	if e.Err != nil {
		success = 0
	}
	m.certified.WithLabelValues().Set(success)
	m.certificateEnds.WithLabelValues().Set(unix(e.Ends))
}

func (m *Metrics) done(e event.RunDone) {
	if e.Cut {
		return
	}
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

// unix returns a time in seconds, and 0 for the zero time.
func unix(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
