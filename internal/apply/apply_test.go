package apply_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/policysync/policysync/internal/apply"
	"github.com/policysync/policysync/internal/cloudflare"
	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/secret"
	"github.com/policysync/policysync/internal/state"
	"github.com/policysync/policysync/internal/state/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var scope = event.Scope{Target: "production", Run: "run-1", Commit: strings.Repeat("c", 40)}

// bench is an executor with a real store and a simulated account.
type bench struct {
	apply.Executor
	t       *testing.T
	account *simulator.Account
	client  *cloudflare.Client
	store   *sqlite.Store
	events  *events
}

func newBench(t *testing.T) *bench {
	t.Helper()
	return newBenchWith(t, simulator.Options{})
}

func newBenchWith(t *testing.T, options simulator.Options) *bench {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	run := state.Run{ID: scope.Run, Target: scope.Target, Trigger: "manual", Started: time.Now()}
	if err := store.StartRun(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	seen := &events{}
	b := &bench{
		Executor: apply.Executor{Journal: store, Concurrency: 1, Sink: seen},
		t:        t, store: store, events: seen,
	}
	b.connect(options)
	return b
}

// connect has the executor work on a new account.
func (b *bench) connect(options simulator.Options) {
	b.t.Helper()
	b.account = simulator.New(options)
	client, err := cloudflare.New(cloudflare.Options{
		AccountID: simulator.DefaultAccountID, Transport: b.account.Transport(),
		Credentials: func() (cloudflare.Credentials, error) {
			return cloudflare.Credentials{Token: secret.New(simulator.DefaultToken)}, nil
		},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.client, b.Account = client, client
}

// events keeps how changes ended: "key outcome".
type events struct {
	mu  sync.Mutex
	all []string
}

func (e *events) Emit(what event.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if done, ok := what.(event.ChangeDone); ok {
		e.all = append(e.all, fmt.Sprintf("%s %s", done.Change.Key, done.Outcome))
	}
}

// declared returns manifests, one for each name.
func declared(names ...string) []policy.Desired {
	all := make([]policy.Desired, len(names))
	for i, n := range names {
		all[i] = policy.Desired{
			Key: n, File: n + ".yaml", Line: 1, Protect: n == "kept",
			Policy: policy.Policy{
				Name: n, Decision: policy.Allow,
				Include: []policy.Rule{{Kind: "email_domain", Body: map[string]any{"domain": "example.com"}}},
			},
		}
	}
	return all
}

func planFor(desired []policy.Desired, live ...policy.Live) diff.Plan {
	return diff.Compute(diff.Input{
		Desired: desired, Live: live, Mode: diff.CreateOnly, Adopt: diff.AdoptAlways, Drift: diff.DriftReport,
	})
}

func TestRecordsWhatWasSentAndWhatCameBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	desired := declared("kept")
	desired[0].Settings = map[string]any{"mfa_config": map[string]any{"allowed_authenticators": []any{"totp"}}}
	if got := b.Execute(t.Context(), scope, planFor(desired), time.Now()); got.Err != nil {
		t.Fatal(got.Err)
	}
	records, err := b.store.Records(t.Context(), scope.Target)
	if err != nil || len(records) != 1 {
		t.Fatalf("records = %v, %v; want 1", records, err)
	}
	r := records[0]
	if !policy.Equal(r.Sent, desired[0].Policy) || r.Commit != scope.Commit || r.File != "kept.yaml" || !r.Protect || r.ID == "" {
		t.Errorf("record = %+v", r)
	}
	mfa, ok := r.ReadBack.Settings["mfa_config"].(map[string]any)
	if disabled, shown := mfa["mfa_disabled"]; !ok || !shown || disabled != any(false) {
		t.Errorf("read back %v, want the account's default in it", r.ReadBack.Settings)
	}
}

func TestAdoptingAnotherBodyDoesNotCountAsSent(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	desired := declared("a")
	other := policy.Live{ID: "id-1", Policy: desired[0].Policy}
	other.Decision = policy.Deny
	plan := planFor(desired, other)
	got := b.Execute(t.Context(), scope, plan, time.Now())
	if got.Err != nil || got.Outcomes[event.Applied] != 1 {
		t.Fatalf("result = %+v", got)
	}
	records, err := b.store.Records(t.Context(), scope.Target)
	if err != nil || len(records) != 1 {
		t.Fatalf("records = %v, %v; want 1", records, err)
	}
	if records[0].Sent.Name != "" || !policy.Equal(records[0].ReadBack, other.Policy) {
		t.Errorf("record = %+v, want nothing sent, and the live body", records[0])
	}
	if n := len(b.account.Requests()); n != 0 {
		t.Errorf("an adoption led to %d requests", n)
	}
}

// TestEveryActionIsCarriedOut, and one that nobody has told apply of harms
// nothing, least of all the record.
func TestEveryActionIsCarriedOut(t *testing.T) {
	t.Parallel()
	for _, action := range append(diff.Actions(), "nonsense") {
		t.Run(string(action), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			first := b.Execute(t.Context(), scope, planFor(declared("a")), time.Now())
			records, err := b.store.Records(t.Context(), scope.Target)
			if first.Err != nil || err != nil || len(records) != 1 {
				t.Fatal(first.Err, err, records)
			}
			live, err := b.client.Get(t.Context(), records[0].ID)
			if err != nil {
				t.Fatal(err)
			}
			change := diff.Change{Action: action, Key: "a", Name: "a", Desired: &declared("a")[0], Recorded: &records[0]}
			if action != diff.ActionCreate {
				change.ID, change.Live, change.Before = live.ID, &live, &live.Policy
			}
			got := b.Execute(t.Context(), scope, diff.Plan{Changes: []diff.Change{change}}, time.Now())
			left, err := b.store.Records(t.Context(), scope.Target)
			switch {
			case err != nil:
				t.Error(err)
			case action == "nonsense" && (got.Outcomes[event.Refused] != 1 || len(left) != 1):
				t.Errorf("an action that isn't known ended with %+v, and %d records", got, len(left))
			case action != "nonsense" && got.Outcomes[event.Applied] != 1:
				t.Errorf("%+v: carryOut in change.go says how an action is carried out", got)
			}
		})
	}
}

// failing is a store one of whose methods fails from its nth call on.
type failing struct {
	apply.Journal
	method string
	from   int
	calls  int
}

var errDisk = errors.New("disk full")

func (f *failing) fails(method string) error {
	if method != f.method {
		return nil
	}
	f.calls++
	if f.calls >= f.from {
		return errDisk
	}
	return nil
}

func (f *failing) Intend(ctx context.Context, i state.Intent) error {
	if err := f.fails("Intend"); err != nil {
		return err
	}
	return f.Journal.Intend(ctx, i)
}

func (f *failing) Settle(ctx context.Context, r policy.Recorded, c state.Change) error {
	if err := f.fails("Settle"); err != nil {
		return err
	}
	return f.Journal.Settle(ctx, r, c)
}

func (f *failing) Abandon(ctx context.Context, c state.Change) error {
	if err := f.fails("Abandon"); err != nil {
		return err
	}
	return f.Journal.Abandon(ctx, c)
}

func (f *failing) Forget(ctx context.Context, c state.Change) error {
	if err := f.fails("Forget"); err != nil {
		return err
	}
	return f.Journal.Forget(ctx, c)
}

func (f *failing) Refresh(ctx context.Context, target string, r []policy.Recorded) error {
	if err := f.fails("Refresh"); err != nil {
		return err
	}
	return f.Journal.Refresh(ctx, target, r)
}

func TestNothingIsBegunThatCannotBeRecorded(t *testing.T) {
	t.Parallel()
	three := planFor(declared("a", "b", "c"))
	forgetting := diff.Compute(diff.Input{Recorded: []policy.Recorded{{Key: "x", ID: "1"}, {Key: "y", ID: "2"}}})
	settling := three
	settling.Settled = []diff.Settled{{Desired: declared("s")[0], Live: policy.Live{ID: "9", Policy: declared("s")[0].Policy}}}
	lapsing := three
	lapsing.Lapsed = []diff.Lapse{{Key: "z"}}
	for _, tc := range []struct {
		name, method string
		from         int
		refuse       bool // the account refuses the creates
		plan         diff.Plan
		creates      int
		events       []string
	}{
		{"no journal entry, no request", "Intend", 1, false, three, 0, []string{"a failed", "b skipped", "c skipped"}},
		{"from then on", "Intend", 2, false, three, 1, []string{"a success", "b failed", "c skipped"}},
		{"an outcome that can't be kept is in doubt", "Settle", 1, false, three, 1, []string{"a unknown", "b skipped", "c skipped"}},
		{"a refusal too", "Abandon", 1, true, three, 1, []string{"a unknown", "b skipped", "c skipped"}},
		{"forgetting", "Forget", 1, false, forgetting, 0, []string{"x failed", "y skipped"}},
		{"bringing records up to date", "Refresh", 1, false, settling, 0, nil},
		{"closing old journal entries", "Abandon", 1, false, lapsing, 0, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.Journal = &failing{Journal: b.store, method: tc.method, from: tc.from}
			if tc.refuse {
				b.account.Inject(simulator.Fault{Operation: "create", Kind: simulator.Refusal, Times: -1})
			}
			got := b.Execute(t.Context(), scope, tc.plan, time.Now())
			if !errors.Is(got.Err, errDisk) {
				t.Errorf("error = %v", got.Err)
			}
			if n := b.account.Count("create"); n != tc.creates {
				t.Errorf("%d creates, want %d", n, tc.creates)
			}
			if d := cmp.Diff(tc.events, b.events.all); d != "" {
				t.Errorf("outcomes differ (-want +got):\n%s", d)
			}
		})
	}
}

func TestAsManyRequestsAreUnderWayAsAllowed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBenchWith(t, simulator.Options{Latency: time.Second})
		b.Concurrency = 3
		var names []string
		for i := range 30 {
			names = append(names, fmt.Sprintf("p%02d", i))
		}
		start := time.Now()
		if got := b.Execute(t.Context(), scope, planFor(declared(names...)), time.Now()); got.Err != nil || got.Outcomes[event.Applied] != 30 {
			t.Fatalf("result = %+v", got)
		}
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("30 creates of a second, 3 at a time, took %s", took)
		}
	})
}

func ExampleExecutor_Execute() {
	desired := declared("engineering")
	plan := planFor(desired, policy.Live{ID: "f174e90a", Policy: desired[0].Policy})
	executor := apply.Executor{Journal: printed{}, Concurrency: 10, Sink: event.Sinks{}}
	result := executor.Execute(context.Background(), scope, plan, time.Now())
	fmt.Println(result.Outcomes, result.Err)
	// Output:
	// settle adopt engineering as f174e90a
	// map[success:1] <nil>
}

// printed is a journal on paper.
type printed struct{ apply.Journal }

func (printed) Settle(_ context.Context, r policy.Recorded, c state.Change) error {
	fmt.Println("settle", c.Action, r.Key, "as", r.ID)
	return nil
}
