package metrics_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/guard"
	"github.com/policysync/policysync/internal/impact"
	"github.com/policysync/policysync/internal/metrics"
)

// still is a time at which there is nothing to tell but what is 0.
var still = metrics.Now{
	Stalled:   func() []string { return nil },
	Remaining: func(string) int { return 0 },
	DiskFree:  func() (float64, error) { return 0, nil },
}

func registered(t *testing.T) (*metrics.Metrics, *prometheus.Registry) {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	m, err := metrics.New(registry, metrics.Build{Version: "v1", Revision: "abc"}, still)
	if err != nil {
		t.Fatal(err)
	}
	m.Emit(event.Configured{Targets: []string{"production"}, Receivers: []string{"github", "generic"}, At: time.Unix(1_700_000_000, 0)})
	return m, registry
}

// TestSeriesStandAtZero holds names and labels, which users' dashboards
// depend on, against what they were promised.
func TestSeriesStandAtZero(t *testing.T) {
	t.Parallel()
	_, registry := registered(t)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, family := range families {
		var labels []string
		for _, l := range family.GetMetric()[0].GetLabel() {
			labels = append(labels, l.GetName())
		}
		got[family.GetName()] = strings.ToLower(family.GetType().String()) + " " + strings.Join(labels, ",")
	}
	want := map[string]string{
		"policysync_build_info":                                   "gauge goversion,revision,version",
		"policysync_runs_total":                                   "counter result,target,trigger",
		"policysync_run_duration_seconds":                         "histogram phase,target",
		"policysync_policies":                                     "gauge state,target",
		"policysync_changes_total":                                "counter action,direction,result,target",
		"policysync_last_success_timestamp_seconds":               "gauge target",
		"policysync_last_run_timestamp_seconds":                   "gauge target",
		"policysync_commit_to_live_seconds":                       "histogram target",
		"policysync_source_fetches_total":                         "counter result,target",
		"policysync_source_rewinds_total":                         "counter target",
		"policysync_cloudflare_requests_total":                    "counter code,operation",
		"policysync_cloudflare_request_duration_seconds":          "histogram operation",
		"policysync_cloudflare_ratelimit_wait_seconds_total":      "counter target",
		"policysync_guard_stops_total":                            "counter reason,target",
		"policysync_http_refused_total":                           "counter reason",
		"policysync_webhook_requests_total":                       "counter provider,result",
		"policysync_suspended":                                    "gauge target",
		"policysync_config_reload_success":                        "gauge ",
		"policysync_config_last_reload_success_timestamp_seconds": "gauge ",
		"policysync_leader":                                       "gauge target",
		"policysync_stalled":                                      "gauge target",
		"policysync_cloudflare_budget_remaining":                  "gauge target",
		"policysync_policy_expiry_timestamp_seconds":              "gauge target",
		"policysync_state_disk_free_bytes":                        "gauge ",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("metrics differ (-want +got):\n%s", d)
	}
	for name, want := range map[string]int{
		"policysync_runs_total": 5 * 5, "policysync_policies": len(diff.States()), "policysync_changes_total": 6 * 4 * 4,
		"policysync_run_duration_seconds": 7, "policysync_source_fetches_total": 3, "policysync_guard_stops_total": 4,
		"policysync_cloudflare_requests_total": 12 * 5, "policysync_cloudflare_request_duration_seconds": 12,
		"policysync_webhook_requests_total": 2 * 8, "policysync_leader": 1,
	} {
		if n, err := testutil.GatherAndCount(registry, name); err != nil || n != want {
			t.Errorf("%d series of %s, %v; want %d", n, name, err, want)
		}
	}
	problems, err := testutil.GatherAndLint(registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("lint: %v, %v", problems, err)
	}
}

func TestEventsAreCounted(t *testing.T) {
	t.Parallel()
	m, registry := registered(t)
	scope := event.Scope{Target: "production", Run: "r", Commit: "c"}
	at := time.UnixMilli(1_700_000_000_500)
	for _, e := range []event.Event{
		event.RunStarted{Scope: scope, Trigger: event.Startup},
		event.SourceFetched{Scope: scope, Result: event.Changed},
		event.SourceFetched{Scope: scope, Result: event.FetchError, Err: errors.New("down")},
		event.SourceRewound{Target: "production", From: "a", To: "b", Refused: true},
		event.PhaseDone{Scope: scope, Phase: event.List, Took: time.Second},
		event.PlanMade{Scope: scope, Plan: diff.Plan{NextExpiry: at}},
		event.Held{Scope: scope, Reason: guard.Frozen},
		event.ChangeDone{Scope: scope, Change: diff.Change{Action: diff.ActionCreate, Direction: impact.Widens}, Outcome: event.Applied},
		event.RequestDone{Target: "production", Operation: "create", Code: "2xx", Took: time.Second},
		event.BudgetWaited{Target: "production", Waited: 1500 * time.Millisecond},
		event.Suspended{Target: "production"},
		event.TurnedAway{Reason: event.WrongToken},
		event.WebhookDone{Provider: "github", Result: "accepted", Woken: []string{"production"}},
		event.WebhookDone{Provider: "generic", Result: "bad_signature"},
		event.RunDone{
			Scope: scope, Trigger: event.Startup, Result: event.Success, At: at,
			States: map[diff.State]int{diff.InSync: 3, diff.Drifted: 1}, ToLive: time.Second,
		},
		event.RunDone{Scope: scope, Trigger: event.Schedule, Result: event.Failed, At: at.Add(time.Minute)},
		event.RunDone{Scope: scope, Trigger: event.Schedule, Result: event.Failed, Cut: true, At: at.Add(time.Hour)},
	} {
		m.Emit(e)
	}
	const want = `
policysync_changes_total{action="create",direction="widens",result="success",target="production"} 1
policysync_cloudflare_ratelimit_wait_seconds_total{target="production"} 1.5
policysync_cloudflare_requests_total{code="2xx",operation="create"} 1
policysync_config_last_reload_success_timestamp_seconds 1.7e+09
policysync_config_reload_success 1
policysync_guard_stops_total{reason="frozen",target="production"} 1
policysync_http_refused_total{reason="wrong_token"} 1
policysync_last_run_timestamp_seconds{target="production"} 1.7000000605e+09
policysync_last_success_timestamp_seconds{target="production"} 1.7000000005e+09
policysync_leader{target="production"} 1
policysync_policies{state="drifted",target="production"} 1
policysync_policies{state="in_sync",target="production"} 3
policysync_policy_expiry_timestamp_seconds{target="production"} 1.7000000005e+09
policysync_runs_total{result="failed",target="production",trigger="schedule"} 1
policysync_runs_total{result="success",target="production",trigger="startup"} 1
policysync_source_fetches_total{result="changed",target="production"} 1
policysync_source_fetches_total{result="error",target="production"} 1
policysync_source_rewinds_total{target="production"} 1
policysync_suspended{target="production"} 1
policysync_webhook_requests_total{provider="generic",result="bad_signature"} 1
policysync_webhook_requests_total{provider="github",result="accepted"} 1
`
	if got := nonZero(t, registry); got != strings.TrimSpace(want) {
		t.Errorf("series differ (-want +got):\n%s", cmp.Diff(strings.Split(strings.TrimSpace(want), "\n"), strings.Split(got, "\n")))
	}
	m.Emit(event.Resumed{Target: "production"})
	if got := nonZero(t, registry); strings.Contains(got, "suspended") {
		t.Errorf("still suspended: %s", got)
	}
	for _, name := range []string{"policysync_commit_to_live_seconds", "policysync_cloudflare_request_duration_seconds", "policysync_run_duration_seconds"} {
		if n := observations(t, registry, name); n != 1 {
			t.Errorf("%s has %d observations, want 1", name, n)
		}
	}
}

// nonZero returns the samples of counters and gauges that aren't 0, without
// those about the build.
func nonZero(t *testing.T, registry *prometheus.Registry) string {
	t.Helper()
	text, err := testutil.CollectAndFormat(registry, expfmt.TypeTextPlain, names(t, registry)...)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "#") && !strings.HasSuffix(line, " 0") && !strings.Contains(line, "build_info") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

func names(t *testing.T, registry *prometheus.Registry) []string {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range families {
		if !strings.HasSuffix(f.GetType().String(), "HISTOGRAM") {
			all = append(all, f.GetName())
		}
	}
	return all
}

func observations(t *testing.T, registry *prometheus.Registry, name string) uint64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var n uint64
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				n += m.GetHistogram().GetSampleCount()
			}
		}
	}
	return n
}

// TestSomeMetricsAreLookedAtWhenAsked scrapes while the answers change.
func TestSomeMetricsAreLookedAtWhenAsked(t *testing.T) {
	t.Parallel()
	silent, left, free, failure := []string{"production", "gone"}, 7, 1.0, error(nil)
	registry := prometheus.NewPedanticRegistry()
	m, err := metrics.New(registry, metrics.Build{}, metrics.Now{
		Stalled:   func() []string { return silent },
		Remaining: func(target string) int { return left * len(target) },
		DiskFree:  func() (float64, error) { return free, failure },
	})
	if err != nil {
		t.Fatal(err)
	}
	m.Emit(event.Configured{Targets: []string{"production", "stage"}})
	const first = `policysync_cloudflare_budget_remaining{target="production"} 70
policysync_cloudflare_budget_remaining{target="stage"} 35
policysync_config_reload_success 1
policysync_leader{target="production"} 1
policysync_leader{target="stage"} 1
policysync_stalled{target="production"} 1
policysync_state_disk_free_bytes 1`
	if d := cmp.Diff(first, nonZero(t, registry)); d != "" {
		t.Errorf("at first (-want +got):\n%s", d)
	}
	silent, left, failure = nil, 0, errors.New("no such disk")
	const then = `policysync_config_reload_success 1
policysync_leader{target="production"} 1
policysync_leader{target="stage"} 1`
	if d := cmp.Diff(then, nonZero(t, registry)); d != "" {
		t.Errorf("then (-want +got):\n%s", d)
	}
	if n, err := testutil.GatherAndCount(registry, "policysync_state_disk_free_bytes"); err != nil || n != 0 {
		t.Errorf("%d series of a disk that can't be looked at, %v", n, err)
	}
}

func TestACertificateHasSeriesOnceThereIsOne(t *testing.T) {
	t.Parallel()
	m, registry := registered(t)
	names := []string{"policysync_tls_reload_success", "policysync_tls_certificate_expiry_timestamp_seconds"}
	if n, err := testutil.GatherAndCount(registry, names...); err != nil || n != 0 {
		t.Errorf("%d series without a certificate, %v", n, err)
	}
	for _, tc := range []struct {
		e    event.Certified
		want string
	}{
		{event.Certified{Ends: time.Unix(1_800_000_000, 0)}, "policysync_tls_certificate_expiry_timestamp_seconds 1.8e+09\npolicysync_tls_reload_success 1"},
		{event.Certified{Ends: time.Unix(1_800_000_000, 0), Err: errors.New("bad")}, "policysync_tls_certificate_expiry_timestamp_seconds 1.8e+09"},
	} {
		m.Emit(tc.e)
		var got []string
		for line := range strings.SplitSeq(nonZero(t, registry), "\n") {
			if strings.Contains(line, "_tls_") {
				got = append(got, line)
			}
		}
		if d := cmp.Diff(tc.want, strings.Join(got, "\n")); d != "" {
			t.Errorf("%v (-want +got):\n%s", tc.e.Err, d)
		}
		if n, err := testutil.GatherAndCount(registry, names...); err != nil || n != 2 {
			t.Errorf("%d series, %v", n, err)
		}
	}
}

func TestNewRefusesARegistryThatHasTheNames(t *testing.T) {
	t.Parallel()
	_, registry := registered(t)
	if _, err := metrics.New(registry, metrics.Build{}, still); err == nil {
		t.Error("no error")
	}
}

func TestSeriesComeAndGoWithTargetsAndReceivers(t *testing.T) {
	t.Parallel()
	m, registry := registered(t)
	has := func(label string) (n int) {
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			for _, series := range f.GetMetric() {
				for _, l := range series.GetLabel() {
					if l.GetName()+"="+l.GetValue() == label {
						n++
					}
				}
			}
		}
		return n
	}
	each, receiver := has("target=production"), has("provider=github")
	m.Emit(event.RunDone{Scope: event.Scope{Target: "production"}, Trigger: event.Startup, Result: event.Success})
	m.Emit(event.Configured{Targets: []string{"production", "stage"}, Receivers: []string{"generic", "gitlab"}, At: time.Unix(1_700_000_060, 0)})
	m.Emit(event.Configured{Err: errors.New("bad")})
	if has("target=stage") != each || has("target=production") != each || has("provider=github") != 0 || has("provider=gitlab") != receiver {
		t.Error("one more target, another receiver: the series aren't those")
	}
	const want = `
# HELP policysync_config_last_reload_success_timestamp_seconds Unix time at which a config last took effect.
# TYPE policysync_config_last_reload_success_timestamp_seconds gauge
policysync_config_last_reload_success_timestamp_seconds 1.70000006e+09
# HELP policysync_config_reload_success 1 while the config as it is now is in force; 0: it was refused, and the last one goes on.
# TYPE policysync_config_reload_success gauge
policysync_config_reload_success 0
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "policysync_config_reload_success", "policysync_config_last_reload_success_timestamp_seconds"); err != nil {
		t.Error(err)
	}
	m.Emit(event.Configured{Targets: []string{"stage"}})
	if has("target=production") != 0 || has("target=stage") != each || has("provider=generic") != 0 {
		t.Error("what is gone has series")
	}
	m.Emit(event.Configured{Targets: []string{"production"}})
	if n, err := testutil.GatherAndCount(registry, "policysync_runs_total"); err != nil || n != len(event.Triggers())*len(event.Results()) {
		t.Errorf("%d series of runs, %v", n, err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, series := range f.GetMetric() {
			if f.GetName() == "policysync_runs_total" && series.GetCounter().GetValue() != 0 {
				t.Errorf("a target that is back begins with %v", series)
			}
		}
	}
}
