package main

import (
	"cmp"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/apply"
	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/reconcile"
	"github.com/policysync/policysync/internal/state/sqlite"
)

// TestKilledAtAnyStep does each work once to learn its steps, and then once for
// each of them, at which the process is killed and started again.
func TestKilledAtAnyStep(t *testing.T) {
	t.Parallel()
	left := writing()
	for _, w := range []work{everything(), failing(), several()} {
		e := w.prepare(t)
		for n, step := range e.steps(t) {
			delete(left, step)
			t.Run(fmt.Sprintf("%s/%d %s", w.name, n, step), func(t *testing.T) {
				t.Parallel()
				e.survive(t, n)
			})
		}
	}
	if len(left) > 0 {
		t.Errorf("no process is killed at %v: what else is there to do that calls them?", left)
	}
}

// writing returns the calls that write to the state in a run.
func writing() map[string]bool {
	calls := map[string]bool{}
	for _, of := range []reflect.Type{reflect.TypeFor[apply.Journal](), reflect.TypeFor[reconcile.Runs]()} {
		for method := range of.Methods() {
			calls[method.Name] = true
		}
	}
	return calls
}

// TestKilledAgainDuringRecovery kills a process that leaves a request in
// doubt, be it one that was carried out or one that wasn't, and the next one
// at each of its steps. A first process that leaves none leaves a plain start,
// from which TestKilledAtAnyStep goes.
func TestKilledAgainDuringRecovery(t *testing.T) {
	t.Parallel()
	for _, w := range single() {
		e := w.prepare(t)
		for n, step := range e.steps(t) {
			method, what, _ := strings.Cut(step, " ")
			if method == "GET" || what != arrived && what != carriedOut {
				continue
			}
			for m, again := range e.survive(t, n) {
				t.Run(fmt.Sprintf("%s/%d %s, then %d %s", w.name, n, step, m, again), func(t *testing.T) {
					t.Parallel()
					e.survive(t, n, m)
				})
			}
		}
	}
}

// eve is how things stand when a work begins.
type eve struct {
	work
	account *simulator.Account
	before  []policy.Live
	dir     string
}

// prepare brings about how things stand when the work begins.
func (w work) prepare(t *testing.T) eve {
	t.Helper()
	e := eve{work: w, account: simulator.New(simulator.Options{}), dir: t.TempDir()}
	e.configure(t)
	e.declare(t, e.earlier)
	e.live(t, never)
	e.before = e.held(t)
	for name, domain := range w.hands {
		at := slices.IndexFunc(e.before, func(p policy.Live) bool { return p.Name == name })
		var err error
		switch {
		case domain == "":
			e.account.Remove(e.before[at].ID)
		case at < 0:
			_, err = e.account.Seed(lettingIn(name, domain))
		default:
			err = e.account.Edit(e.before[at].ID, lettingIn(name, domain))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	e.before = e.held(t)
	e.declare(t, e.now)
	return e
}

// steps returns the steps of a process that isn't killed.
func (e eve) steps(t *testing.T) []string {
	t.Helper()
	steps := e.survive(t)
	t.Logf("%s: %d steps to be killed at: %s", e.name, len(steps), strings.Join(steps, ", "))
	if len(steps) < e.least {
		t.Errorf("%s: %d steps, want at least %d: at what isn't counted nothing is killed", e.name, len(steps), e.least)
	}
	return steps
}

// survive does the work by one process after the other, each killed at the step
// given for it, and a last one that isn't, whose steps it returns. Then all
// must be as if there had been a single one.
func (e eve) survive(t *testing.T, deaths ...int) []string {
	t.Helper()
	was := e.dir
	e.account, e.dir = e.account.Copy(), t.TempDir()
	if err := os.CopyFS(e.dir, os.DirFS(was)); err != nil {
		t.Fatal(err)
	}
	for _, f := range e.faults {
		e.account.Inject(f)
	}
	for _, n := range deaths {
		if _, killed := e.live(t, n); !killed {
			t.Errorf("the process ended before its step %d", n)
		}
	}
	steps, _ := e.live(t, never)
	if d := gocmp.Diff(e.writes, e.effects(t)); d != "" {
		t.Errorf("writes that took effect (-want +got):\n%s", d)
	}
	e.converged(t)
	return steps
}

// converged fails the test unless the account has what is declared, under the
// ids of before, and what was never ours as it was; unless the records say the
// same and nothing is in doubt; and unless the next run has nothing to do.
func (e eve) converged(t *testing.T) {
	t.Helper()
	ids, want := map[string]string{}, map[string]string{}
	for _, p := range e.before {
		ids[p.Name] = p.ID
	}
	after := e.held(t)
	for name, domain := range e.now {
		at := slices.IndexFunc(after, func(p policy.Live) bool { return p.Name == name })
		if at < 0 || !policy.Equal(after[at].Policy, lettingIn(name, domain)) {
			t.Errorf("the account has %+v, want %s for %s", after, name, domain)
			continue
		}
		want[name] = after[at].ID
		if id := ids[cmp.Or(e.previously[name], name)]; id != "" && id != want[name] {
			t.Errorf("%s is %s, was %s", name, want[name], id)
		}
		after = slices.Delete(after, at, at+1)
	}
	if d := gocmp.Diff(e.unmanaged(e.before), after); d != "" {
		t.Errorf("besides what is declared the account has (-want +got):\n%s", d)
	}
	if d := gocmp.Diff(want, e.recorded(t)); d != "" {
		t.Errorf("records (-want +got):\n%s", d)
	}
	if e.audited {
		e.chained(t)
	}
	if got := e.plan(t); !strings.HasPrefix(got, "No changes.") {
		t.Errorf("the next run would do this:\n%s", got)
	}
}

// chained fails the test unless the audit file is whole, and has a request for
// each write, before its outcome.
func (e eve) chained(t *testing.T) {
	t.Helper()
	output(t, e.environment(""), "history", "--verify", "--config", filepath.Join(e.dir, "policysync.yaml"))
	text, err := os.ReadFile(filepath.Join(e.dir, "audit.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, write := range e.writes {
		action, key, _ := strings.Cut(write, " ")
		request := fmt.Sprintf(`"event":"request",.*"action":%q,"key":%q,`, action, key)
		outcome := fmt.Sprintf(`"event":"outcome",.*"key":%q,.*"result":"success"`, key)
		if !regexp.MustCompile(request + `(.|\n)*` + outcome).Match(text) {
			t.Errorf("the audit file doesn't have %s and its outcome:\n%s", write, text)
		}
	}
}

// plan returns what `policysync plan` says.
func (e eve) plan(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(e.account)
	defer server.Close()
	return output(t, e.environment(server.URL), "plan",
		"--config", filepath.Join(e.dir, "policysync.yaml"), "--dir", filepath.Join(e.dir, "policies"))
}

// recorded returns the ids of what is recorded, by key.
func (e eve) recorded(t *testing.T) map[string]string {
	t.Helper()
	reader, err := sqlite.OpenReader(t.Context(), filepath.Join(e.dir, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := reader.Close(); err != nil {
			t.Error(err)
		}
	}()
	intents, err := reader.Intents(t.Context(), "production")
	if err != nil || len(intents) != 0 {
		t.Errorf("in doubt: %v, %v", intents, err)
	}
	records, err := reader.Records(t.Context(), "production")
	if err != nil {
		t.Error(err)
	}
	ids := map[string]string{}
	for _, r := range records {
		ids[r.Key] = r.ID
	}
	return ids
}
