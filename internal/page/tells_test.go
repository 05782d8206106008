package page_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/page"
	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/state"
)

func TestVerdict(t *testing.T) {
	t.Parallel()
	sync, off := diff.Plan{States: map[diff.State]int{diff.InSync: 3, diff.Unmanaged: 1}}, diff.Plan{States: map[diff.State]int{diff.InSync: 2, diff.Orphaned: 1}}
	failure := errors.New("fetch: it is gone")
	for name, tc := range map[string]struct {
		happens func(t *testing.T, w *world)
		want    string
	}{
		"nothing yet": {func(*testing.T, *world) {}, "Not looked at yet"},
		"in sync since the first of its runs": {func(t *testing.T, w *world) {
			w.ran(t, "1", noon.Add(-3*time.Hour), off, event.Noop, nil)
			w.ran(t, "2", noon.Add(-2*time.Hour), sync, event.Success, nil)
			w.ran(t, "3", noon.Add(-time.Hour), sync, event.Noop, nil)
		}, "In sync for 2 hours"},
		"a failure in between tells nothing of the account": {func(t *testing.T, w *world) {
			w.ran(t, "1", noon.Add(-2*time.Hour), sync, event.Noop, nil)
			w.ran(t, "2", noon.Add(-time.Hour), diff.Plan{}, event.Failed, failure)
			w.ran(t, "3", noon.Add(-time.Minute), sync, event.Noop, nil)
		}, "In sync for 2 hours"},
		"out of sync": {func(t *testing.T, w *world) {
			w.ran(t, "1", noon.Add(-2*time.Hour), sync, event.Noop, nil)
			w.ran(t, "2", noon.Add(-time.Hour), off, event.Noop, nil)
		}, "Out of sync for 1 hour"},
		"failing": {func(t *testing.T, w *world) {
			w.ran(t, "1", noon.Add(-2*time.Hour), sync, event.Noop, nil)
			w.ran(t, "2", noon.Add(-30*time.Minute), diff.Plan{}, event.Failed, failure)
			w.ran(t, "3", noon.Add(-time.Minute), diff.Plan{}, event.Failed, failure)
		}, "Failing for 30 minutes"},
		"blocked": {func(t *testing.T, w *world) {
			w.ran(t, "1", noon.Add(-time.Minute), sync, event.Blocked, failure)
		}, "Unfinished for 1 minute"},
		"stalled": {func(t *testing.T, w *world) {
			w.ran(t, "1", noon.Add(-time.Minute), sync, event.Noop, nil)
			w.stalled = []string{"production"}
		}, "Stalled"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			tc.happens(t, w)
			if got := words(t, w.get("/").Body.String()); !strings.Contains(got, tc.want) {
				t.Errorf("the page says %q, want %q", got, tc.want)
			}
		})
	}
}

func TestBudget(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for want, budget := range map[string]page.Budget{
		"API requests left 412 412 of 600 more in 3 minutes Mode": {Left: 412, Limit: 600, More: noon.Add(3 * time.Minute)},
		"API requests left 0 0 of 600 low more in 5 seconds Mode": {Limit: 600, More: noon.Add(5 * time.Second)},
		"API requests left 60 60 of 600 Mode":                     {Left: 60, Limit: 600},
		"":                                                        {},
	} {
		w.budget = budget
		if got := words(t, w.get("/").Body.String()); !strings.Contains(got, want) || want == "" && strings.Contains(got, "API requests") {
			t.Errorf("%+v: the page says %q, want %q", budget, got, want)
		}
	}
}

func TestWhatIsDoneIsListedNoMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	create := diff.Change{Action: diff.ActionCreate, Key: "new", Name: "New", State: diff.Missing}
	adopt := diff.Change{Action: diff.ActionAdopt, Key: "old", Name: "Old", State: diff.InSync}
	w.ran(t, "1", noon, diff.Plan{Changes: []diff.Change{create, adopt}, States: map[diff.State]int{diff.Missing: 1}}, event.Success, nil)
	if got := words(t, w.get("/targets/production").Body.String()); !strings.Contains(got, "New missing") || strings.Contains(got, "Old") {
		t.Errorf("before: %s", got)
	}
	w.record(t, policy.Recorded{Key: "new", ID: "1", Sent: policy.Policy{Name: "New"}})
	w.watch.Emit(event.ChangeDone{Scope: event.Scope{Target: "production", Run: "1"}, Change: create, Outcome: event.Applied})
	if got := words(t, w.get("/targets/production").Body.String()); !strings.Contains(got, "New in sync") {
		t.Errorf("after: %s", got)
	}
}

func TestBeforeTheFirstPlanRecordsTellWhatTheyCan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(t,
		policy.Recorded{Key: "a", ID: "1", Sent: policy.Policy{Name: "Aged"}},
		policy.Recorded{Key: "b", ID: "2", Sent: policy.Policy{Name: "Bereft"}, AbsentSince: noon},
	)
	got := words(t, w.get("/targets/production").Body.String())
	if !strings.Contains(got, "Aged not known yet") || !strings.Contains(got, "Bereft orphaned") {
		t.Errorf("the page says %q", got)
	}
}

func TestPhasesAreShownOfTheRunUnderWayToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	scope := event.Scope{Target: "production", Run: "run-1"}
	if err := w.StartRun(t.Context(), state.Run{ID: scope.Run, Target: scope.Target, Started: noon}); err != nil {
		t.Fatal(err)
	}
	w.watch.Emit(event.RunStarted{Scope: scope, At: noon})
	w.watch.Emit(event.PhaseDone{Scope: scope, Phase: event.Fetch, Took: 210 * time.Millisecond})
	if got := words(t, w.get("/runs/run-1").Body.String()); !strings.Contains(got, "fetch 210ms well") {
		t.Errorf("the page says %q", got)
	}
	w.watch.Emit(event.RunDone{Scope: scope, Result: event.Failed})
	if got := words(t, w.get("/runs/run-1").Body.String()); strings.Contains(got, "210ms") {
		t.Errorf("of a run that is over the page shows what the store doesn't have: %q", got)
	}
}

func TestTargetsThatNeedALookComeFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.targets = nil
	for i := range 60 {
		name := fmt.Sprintf("t%02d", i)
		w.targets = append(w.targets, page.Target{Name: name})
		states := map[diff.State]int{diff.InSync: 1}
		if i == 59 {
			states = map[diff.State]int{diff.Drifted: 1}
		}
		w.watch.Emit(event.RunDone{Scope: event.Scope{Target: name}, Result: event.Noop, States: states, At: noon})
	}
	got := words(t, w.get("/").Body.String())
	if first, second := strings.Index(got, "t59"), strings.Index(got, "t00"); first < 0 || second < first || !strings.Contains(got, "Page 1 of 3") {
		t.Errorf("the page says %q", got)
	}
}

func TestAStoreThatFailsIsSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/targets/production", "/targets/production/policy?key=x", "/targets/production/runs", "/runs/x"} {
		if answer := w.get(path); answer.Code != http.StatusInternalServerError || !strings.Contains(answer.Body.String(), "Internal Server Error") {
			t.Errorf("GET %s: %d %s", path, answer.Code, answer.Body)
		}
	}
}

// words returns the text of a page.
func words(t *testing.T, text string) string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for n := range root.Descendants() {
		if n.Type == html.TextNode {
			all.WriteString(" " + n.Data)
		}
	}
	return strings.Join(strings.Fields(all.String()), " ")
}
