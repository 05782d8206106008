package tracing_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/guard"
	"github.com/policysync/policysync/internal/impact"
	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/tracing"
	"github.com/policysync/policysync/internal/tracing/tracingtest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// The library reads the variables of the process, so that tests that set them
// can't run in parallel.

// warnings are what Warn was told.
type warnings struct {
	mu  sync.Mutex
	all []string
}

func (w *warnings) add(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, err.Error())
}

func (w *warnings) texts() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.all...)
}

// open returns traces as the environment wants them, and what it warns of.
func open(t *testing.T, inherit bool) (*tracing.Traces, *warnings) {
	t.Helper()
	told := &warnings{}
	return tracing.Open(t.Context(), tracing.Options{Version: "v1", Env: os.LookupEnv, Inherit: inherit, Warn: told.add}), told
}

// compare compares a text with a golden file.
func compare(t *testing.T, got, file string) {
	t.Helper()
	path := filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s differs (-want +got):\n%s", path, d)
	}
}

// errBad is what an error may quote.
var errBad = errors.New("policies/eng.yaml:3:5: ann@example.com isn't known to MARKED")

// aRun is a run with all that may happen in one, most of it long ago.
func aRun(target string) []event.Event {
	scope := event.Scope{Target: target, Run: "run-1"}
	ago := func(seconds int) time.Time { return time.Now().Add(-time.Duration(seconds) * time.Second) }
	change := diff.Change{
		Action: diff.ActionUpdate, Key: "eng", Name: "Engineering", Reason: "ann@example.com left", Direction: impact.Narrows,
		Desired: &policy.Desired{Policy: policy.Policy{Name: "ann@example.com"}},
	}
	all := []event.Event{
		event.RunStarted{Scope: scope, Trigger: event.Webhook, At: ago(60)},
		event.WebhookDone{Provider: "github", Delivery: "d-1", Pusher: "ann@example.com", Woken: []string{target}},
		event.WebhookDone{Provider: "github", Delivery: "d-2", Woken: []string{target}}, // causes another run
		event.PhaseStarted{Scope: scope, Phase: event.Fetch, At: ago(60)},
		event.SourceRewound{Target: target, From: "c0", To: "c1", Refused: true},
	}
	scope.Commit = "c1"
	return append(all,
		event.PhaseDone{Scope: scope, Phase: event.Fetch},
		event.SourceFetched{Scope: scope, Result: event.Changed, Author: "Ann <ann@example.com>", Subject: "MARKED"},
		event.Warned{Scope: scope, Message: errBad.Error()},
		event.PhaseStarted{Scope: scope, Phase: event.List, At: ago(50)},
		event.RequestDone{Target: target, Operation: "list_groups", Code: "error", At: ago(40), Took: 40 * time.Second},
		event.RequestDone{Target: target, Operation: "list", Code: "2xx", Status: 200, Ray: "ray-1", At: ago(30), Took: 30 * time.Second},
		event.PhaseDone{Scope: scope, Phase: event.List},
		event.PhaseStarted{Scope: scope, Phase: event.Guard, At: ago(20)},
		event.PhaseDone{Scope: scope, Phase: event.Guard},
		event.Held{Scope: scope, Reason: guard.Frozen, Err: errBad},
		event.PlanMade{Scope: scope, Plan: diff.Plan{Changes: []diff.Change{change, change}, Reported: []diff.Change{change}}},
		event.PhaseStarted{Scope: scope, Phase: event.Apply, At: ago(10)},
		event.BudgetWaiting{Target: target, Wait: time.Second},
		event.BudgetWaited{Target: target, Waited: time.Second},
		event.RequestDone{Target: target, Operation: "update", PolicyID: "id-1", Code: "4xx", Status: 400, Ray: "ray-2", At: ago(7), Took: 7 * time.Second},
		event.ChangeDone{Scope: scope, Change: change, ID: "id-1", Ray: "ray-2", Outcome: event.Refused, Err: errBad, At: ago(8), Took: 8 * time.Second},
		event.ChangeDone{Scope: scope, Change: change, ID: "id-2", Outcome: event.Applied, At: ago(6), Took: 6 * time.Second},
		event.ChangeDone{Scope: scope, Change: change, Outcome: event.Skipped, Err: errBad},
		event.PhaseDone{Scope: scope, Phase: event.Apply, Err: errBad},
		event.RunDone{
			Scope: scope, Trigger: event.Webhook, Result: event.Partial, Err: errBad, At: ago(0),
			States: map[diff.State]int{diff.InSync: 3, diff.Failed: 1},
		},
	)
}

func TestARunIsATraceOfPhasesAndRequests(t *testing.T) {
	c := tracingtest.New(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL)
	traces, told := open(t, false)
	for _, e := range aRun("production") {
		traces.Emit(e)
	}
	scope := event.Scope{Target: "production", Run: "run-2"}
	traces.Emit(event.RequestDone{Target: "production", Operation: "list"}) // of no run
	traces.Emit(event.RunStarted{Scope: scope, Trigger: event.Webhook, At: time.Now()})
	traces.Emit(event.RunDone{Scope: scope, Result: event.Noop, At: time.Now()})
	traces.Close(t.Context())
	compare(t, tracingtest.Tree(c.Spans("policysync")), "run.txt")
	for _, secret := range []string{"ann@", "MARKED"} {
		if bytes.Contains(c.Raw(), []byte(secret)) {
			t.Errorf("traces tell of %q: %q", secret, c.Raw())
		}
	}
	if len(told.texts()) > 0 {
		t.Errorf("warned of %q", told.texts())
	}
}

func TestAPlanIsATraceToo(t *testing.T) {
	c := tracingtest.New(t)
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", c.URL+"/v1/traces")
	traces, _ := open(t, false)
	for target, err := range map[string]error{"a": nil, "b": errBad} {
		scope := event.Scope{Target: target}
		for _, phase := range []event.Phase{event.Fetch, event.List, event.Plan} {
			traces.Emit(event.PhaseStarted{Scope: scope, Phase: phase, At: time.Now()})
			traces.Emit(event.RequestDone{Target: target, Operation: "list", Code: "2xx", At: time.Now()})
			if err != nil {
				traces.Emit(event.PhaseDone{Scope: scope, Phase: phase, Err: err})
				break
			}
			traces.Emit(event.PhaseDone{Scope: scope, Phase: phase})
		}
	}
	traces.Close(t.Context())
	got := tracingtest.Tree(c.Spans("policysync"))
	for _, want := range []string{
		"plan target=a (0s)\n    fetch (0s)\n        cloudflare list (0s)\n    list (0s)\n        cloudflare list (0s)\n    plan (0s)\n        cloudflare list (0s)\n",
		"plan target=b (0s)\n    fetch (0s, error)\n        cloudflare list (0s)\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no trace is\n%s\nin\n%s", want, got)
		}
	}
}

func TestRunsOfTargetsDontMix(t *testing.T) {
	c := tracingtest.New(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL)
	traces, _ := open(t, false)
	var all sync.WaitGroup
	for n := range 10 {
		all.Go(func() {
			for _, e := range aRun(fmt.Sprint("target-", n)) {
				traces.Emit(e)
			}
		})
	}
	all.Wait()
	traces.Close(t.Context())
	got := tracingtest.Tree(c.Spans("policysync"))
	for n := range 10 {
		_, trace, _ := strings.Cut(got, fmt.Sprintf("target=target-%d ", n))
		trace, _, _ = strings.Cut(trace, "\nrun ")
		if count := strings.Count(trace, "cloudflare "); count != 3 {
			t.Errorf("target %d has %d requests:\n%s", n, count, trace)
		}
	}
}

func TestVariablesSayWhoTracesWhatAndWithWhatAbove(t *testing.T) {
	c := tracingtest.New(t)
	t.Setenv("OTEL_TRACES_EXPORTER", "otlp")
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL)
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "tenant=blue%20team")
	t.Setenv("OTEL_SERVICE_NAME", "access")
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=not-this,place=here")
	t.Setenv("TRACEPARENT", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	t.Setenv("TRACESTATE", "x=y")
	traces, told := open(t, true)
	for _, e := range aRun("production") {
		traces.Emit(e)
	}
	traces.Close(t.Context())
	spans := c.Spans("access")
	if len(spans) == 0 || !bytes.Contains(c.Raw(), []byte("Tenant: blue team\r\n")) {
		t.Errorf("%d spans with %q", len(spans), c.Raw())
	}
	for _, s := range spans {
		if got := fmt.Sprintf("%x", s.GetTraceId()); got != "0af7651916cd43dd8448eb211c80319c" || s.GetTraceState() != "x=y" {
			t.Errorf("%s is of trace %s, %q", s.GetName(), got, s.GetTraceState())
		}
		if got := fmt.Sprintf("%x", s.GetParentSpanId()); (s.GetName() == "run") != (got == "b7ad6b7169203331") {
			t.Errorf("%s is below %s", s.GetName(), got)
		}
	}
	if len(told.texts()) > 0 {
		t.Errorf("warned of %q", told.texts())
	}
}

func TestSamplersAreHeeded(t *testing.T) {
	c := tracingtest.New(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL)
	t.Setenv("OTEL_TRACES_SAMPLER", "traceidratio")
	t.Setenv("OTEL_TRACES_SAMPLER_ARG", "0")
	traces, _ := open(t, false)
	for _, e := range aRun("production") {
		traces.Emit(e)
	}
	traces.Close(t.Context())
	if got := c.Spans("policysync"); len(got) > 0 {
		t.Errorf("%d spans", len(got))
	}
}

func TestNothingHappensUnlessTheEnvironmentAsks(t *testing.T) {
	c := tracingtest.New(t)
	for _, off := range []struct{ name, value string }{
		{"OTEL_EXPORTER_OTLP_ENDPOINT", ""},
		{"OTEL_SDK_DISABLED", "TRUE"},
		{"OTEL_TRACES_EXPORTER", "none"},
	} {
		t.Run(off.name, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL)
			t.Setenv(off.name, off.value)
			traces, told := open(t, true)
			goleak.VerifyNone(t, before)
			for _, e := range aRun("production") {
				traces.Emit(e)
			}
			traces.Close(t.Context())
			if n := testing.AllocsPerRun(100, func() { traces.Emit(event.RequestDone{}) }); n > 1 { // making it an event.Event
				t.Errorf("an event costs %v allocations", n)
			}
			if got := c.Spans(""); len(got) > 0 || len(told.texts()) > 0 {
				t.Errorf("%d spans, warned of %q", len(got), told.texts())
			}
		})
	}
}

func TestMistakesInVariablesAreToldAndNothingElseHappens(t *testing.T) {
	for _, tc := range []struct{ name, value, want string }{
		{"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", `no traces are sent: OTEL_EXPORTER_OTLP_PROTOCOL is "grpc": set it to http/protobuf, for which most collectors have port 4318`},
		{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc", `no traces are sent: OTEL_EXPORTER_OTLP_TRACES_PROTOCOL is "grpc": set it to http/protobuf, for which most collectors have port 4318`},
		{"OTEL_TRACES_EXPORTER", "zipkin", `no traces are sent: OTEL_TRACES_EXPORTER is "zipkin": policysync knows otlp and none`},
		{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "localhost:4318", "no traces are sent: OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is no address such as http://localhost:4318: a login belongs into OTEL_EXPORTER_OTLP_HEADERS"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://u:MARKED@[::1", "no traces are sent: OTEL_EXPORTER_OTLP_ENDPOINT is no address such as http://localhost:4318: a login belongs into OTEL_EXPORTER_OTLP_HEADERS"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://u:MARKED@localhost", "no traces are sent: OTEL_EXPORTER_OTLP_ENDPOINT is no address such as http://localhost:4318: a login belongs into OTEL_EXPORTER_OTLP_HEADERS"},
		{"OTEL_EXPORTER_OTLP_HEADERS", "MARKED", "no traces are sent: OTEL_EXPORTER_OTLP_HEADERS: it must be a list such as authorization=Bearer%20abc,tenant=security"},
		{"OTEL_EXPORTER_OTLP_TRACES_HEADERS", "a=MARKED%2", "no traces are sent: OTEL_EXPORTER_OTLP_TRACES_HEADERS: it must be a list such as authorization=Bearer%20abc,tenant=security"},
	} {
		t.Run(tc.name+"="+tc.value, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
			t.Setenv(tc.name, tc.value)
			traces, told := open(t, false)
			traces.Emit(event.RunStarted{})
			traces.Close(t.Context())
			goleak.VerifyNone(t, before)
			if d := cmp.Diff([]string{tc.want}, told.texts()); d != "" {
				t.Errorf("warnings differ (-want +got):\n%s", d)
			}
		})
	}
}

func TestWhatTheLibraryMakesOfVariablesIsToldWithoutTheirValues(t *testing.T) {
	c := tracingtest.New(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL)
	t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "soon")
	t.Setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", filepath.Join(t.TempDir(), "none.pem"))
	traces, told := open(t, false)
	traces.Close(t.Context())
	got := strings.Join(told.texts(), "\n")
	if !strings.Contains(got, "OpenTelemetry: parse duration: ") || !strings.Contains(got, "OpenTelemetry: read tls ca cert file: ") {
		t.Errorf("warned of %s", got)
	}
}

func TestLostTracesAreToldOfNowAndThenWithoutSecrets(t *testing.T) {
	indiscreet := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		http.Error(w, "no:\n"+r.Header.Get("Authorization")+" nor "+token+strings.Repeat(" nor ä", 100), http.StatusForbidden)
	}))
	t.Cleanup(indiscreet.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", indiscreet.URL)
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20MARKED,x=")
	t.Setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1")
	traces, told := open(t, false)
	for _, e := range aRun("production") {
		traces.Emit(e)
	}
	traces.Close(t.Context())
	if len(told.texts()) != 3 {
		t.Errorf("%d warnings", len(told.texts()))
	}
	for _, text := range told.texts() {
		if !strings.HasPrefix(text, "OpenTelemetry: ") || !strings.Contains(text, "403 Forbidden (body: no: [redacted] nor [redacted] nor") ||
			strings.ContainsAny(text, "\n") || len(text) > 310 || strings.Contains(text, "MARKED") {
			t.Errorf("warned of %q", text)
		}
	}
}

func TestADeadCollectorHoldsNobodyUp(t *testing.T) {
	before := goleak.IgnoreCurrent()
	silent, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+silent.Addr().String())
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
	traces, _ := open(t, false)
	start := time.Now()
	for range 500 { // more than the queue takes
		for _, e := range aRun("production") {
			traces.Emit(e)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	traces.Close(ctx)
	if took := time.Since(start); took > 5*time.Second { // one export is waited for for 10 s
		t.Errorf("took %s", took)
	}
	if err := silent.Close(); err != nil {
		t.Error(err)
	}
	goleak.VerifyNone(t, before)
}
