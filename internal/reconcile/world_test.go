package reconcile_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"go.uber.org/goleak"

	"github.com/policysync/policysync/internal/apply"
	"github.com/policysync/policysync/internal/cloudflare"
	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/guard"
	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/reconcile"
	"github.com/policysync/policysync/internal/secret"
	"github.com/policysync/policysync/internal/source"
	"github.com/policysync/policysync/internal/state"
	"github.com/policysync/policysync/internal/state/sqlite"
)

// TestMain has properties tested on the same random values each time, so that a
// change is judged by what it changes. `make soak` takes others each time, as
// -rapid.seed=0 does.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.seed", "1"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// world is a target with a real store and a simulated account.
type world struct {
	*reconcile.Reconciler
	t       *testing.T
	account *simulator.Account
	store   *sqlite.Store
	path    string // of the state
	events  *recorder
	git     *repository
}

// inMode sets how the target is reconciled, until the next start.
func (w *world) inMode(mode diff.Mode, drift diff.Drift) *world {
	w.Mode, w.Drift = mode, drift
	return w
}

// newWorld returns a world in which Git is empty and so is the account.
func newWorld(t *testing.T, options simulator.Options) *world {
	t.Helper()
	w := &world{
		t: t, account: simulator.New(options), path: filepath.Join(t.TempDir(), "state.db"),
		events: &recorder{}, git: &repository{},
	}
	w.git.commit(fstest.MapFS{})
	w.start()
	return w
}

// start begins as a new process would, with nothing but the state.
func (w *world) start() {
	w.t.Helper()
	store, err := sqlite.Open(w.t.Context(), w.path)
	if err != nil {
		w.t.Fatal(err)
	}
	client := w.client(nil)
	w.store = store
	w.Reconciler = &reconcile.Reconciler{
		Planner: reconcile.Planner{
			Target: "production", Source: w.git, Account: client, Names: client, Records: store,
			Mode: diff.CreateOnly, Adopt: diff.AdoptIdentical, Drift: diff.DriftReport, Sink: w.events,
		},
		Executor: apply.Executor{Account: client, Journal: store, Concurrency: 4, Sink: w.events},
		Runs:     store, FullListEvery: 10 * time.Minute,
		Rules: guard.Rules{Limits: guard.Limits{MaxChanges: 50, MaxDeletes: 10, MinPolicies: 10}},
	}
	w.t.Cleanup(w.stop)
}

// client returns a client of the account with that budget, nil being the default.
func (w *world) client(budget *cloudflare.Budget) *cloudflare.Client {
	w.t.Helper()
	client, err := cloudflare.New(cloudflare.Options{
		AccountID: simulator.DefaultAccountID, Transport: w.account.Transport(), Budget: budget,
		Credentials: func() (cloudflare.Credentials, error) {
			return cloudflare.Credentials{Token: secret.New(simulator.DefaultToken)}, nil
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return client
}

// stop ends as a process does that is told to.
func (w *world) stop() {
	if err := w.store.Close(); err != nil {
		w.t.Error(err)
	}
}

// run runs once and checks the result.
func (w *world) run(want event.Result) event.RunDone {
	w.t.Helper()
	return w.runWith(w.t.Context(), event.Schedule, want)
}

func (w *world) runWith(ctx context.Context, trigger event.Trigger, want event.Result) event.RunDone {
	w.t.Helper()
	done := w.Run(ctx, trigger)
	if done.Result != want {
		w.t.Errorf("run ended with %s (%v), want %s", done.Result, done.Err, want)
	}
	return done
}

// names returns the account's policies by name, sorted.
func (w *world) names() []string {
	w.t.Helper()
	all, err := w.account.Policies()
	if err != nil {
		w.t.Fatal(err)
	}
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.Name
	}
	slices.Sort(names)
	return names
}

// writes returns how many requests the account got that could alter it.
func (w *world) writes() int {
	return w.account.Count("create") + w.account.Count("update") + w.account.Count("delete")
}

// startedRun begins a run by hand and returns its id.
func startedRun(t *testing.T, w *world) string {
	t.Helper()
	run := state.Run{ID: "by hand", Target: "production", Trigger: "manual", Started: time.Now()}
	if err := w.store.StartRun(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	return run.ID
}

// recorded returns the keys of what is recorded.
func (w *world) recorded() []string {
	w.t.Helper()
	records, err := w.store.Records(w.t.Context(), "production")
	if err != nil {
		w.t.Fatal(err)
	}
	keys := []string{}
	for _, r := range records {
		keys = append(keys, r.Key)
	}
	return keys
}

// repository is a Source: a folder that changes as the test says, with the
// promise that nothing changed as long as it is the same snapshot.
type repository struct {
	snapshot *source.Snapshot
	last     *source.Snapshot
	err      error
	commits  int
}

func (r *repository) Fetch(context.Context) (*source.Snapshot, error) {
	if r.err != nil {
		return nil, r.err
	}
	r.last = r.snapshot
	return r.snapshot, nil
}

func (r *repository) Last(context.Context) *source.Snapshot { return r.last }

func (r *repository) commit(files fstest.MapFS) {
	r.commits++
	r.snapshot = &source.Snapshot{Commit: fmt.Sprintf("%040d", r.commits), FS: files}
}

// declare commits manifests, one for each name.
func (r *repository) declare(names ...string) {
	files := fstest.MapFS{}
	for _, n := range names {
		files[n+".yaml"] = &fstest.MapFile{Data: []byte(manifest(n, "example.com"))}
	}
	r.commit(files)
}

func manifest(name, domain string) string {
	return fmt.Sprintf("name: %s\ndecision: allow\ninclude:\n  - email_domain: {domain: %s}\n", name, domain)
}

func body(name, domain string) policy.Policy {
	return policy.Policy{
		Name: name, Decision: policy.Allow,
		Include: []policy.Rule{{Kind: "email_domain", Body: map[string]any{"domain": domain}}},
	}
}

// recorder is a Sink that keeps what it is told.
type recorder struct {
	mu  sync.Mutex
	all []event.Event
}

func (r *recorder) Emit(e event.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, e)
}

// phases returns the phases that ended since the last call, those that failed
// with a "!", and those that didn't begin before with a "?".
func (r *recorder) phases() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var names []string
	var begun event.Phase
	for _, e := range r.all {
		if p, ok := e.(event.PhaseStarted); ok {
			begun = p.Phase
		}
		if p, ok := e.(event.PhaseDone); ok {
			name := string(p.Phase)
			if begun != p.Phase {
				name += "?"
			}
			begun = ""
			if p.Err != nil {
				name += "!"
			}
			names = append(names, name)
		}
	}
	r.all = nil
	return names
}

// warnings returns the warnings so far.
func (r *recorder) warnings() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for _, e := range r.all {
		if w, ok := e.(event.Warned); ok {
			all = append(all, w.Message)
		}
	}
	return all
}

// plan returns the plan that was made last.
func (r *recorder) plan() (last diff.Plan) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.all {
		if made, ok := e.(event.PlanMade); ok {
			last = made.Plan
		}
	}
	return last
}

var errDown = errors.New("git is down")
