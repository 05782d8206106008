package page_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/page"
)

// TestWhatATargetSaysAfterItsRemovalDoesNoHarm sends what the last run of a
// target may still send when the target is already forgotten.
func TestWhatATargetSaysAfterItsRemovalDoesNoHarm(t *testing.T) {
	t.Parallel()
	scope := event.Scope{Target: "production", Run: "1"}
	w := newWorld(t)
	watch := w.watch
	watch.Emit(event.RunStarted{Scope: scope})
	watch.Emit(event.PlanMade{Scope: scope})
	watch.Emit(event.Configured{Removed: []string{"production"}})
	for _, outcome := range event.Outcomes() {
		watch.Emit(event.ChangeDone{Scope: scope, Change: diff.Change{Key: "a"}, Outcome: outcome, Err: errors.New("refused")})
	}
	watch.Emit(event.RunDone{Scope: scope, Result: event.Partial})
	if got := w.get("/").Code; got != http.StatusOK {
		t.Errorf("the page is %d", got)
	}
}

// TestATargetThatIsRemovedMeanwhileIsNotMistakenForAnother has the config reloaded
// while its page is made.
func TestATargetThatIsRemovedMeanwhileIsNotMistakenForAnother(t *testing.T) {
	t.Parallel()
	store := newWorld(t).Store
	all := [][]page.Target{{{Name: "production"}, {Name: "staging"}}, {{Name: "staging"}}}
	h := page.Handler(page.Options{
		Targets: func() []page.Target {
			now := all[0]
			all = all[min(1, len(all)-1):]
			return now
		},
		State: store, Watch: &page.Watch{}, Now: func() time.Time { return noon },
	})
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/targets/production", http.NoBody))
	if answer.Code != http.StatusNotFound {
		t.Errorf("it is %d:\n%s", answer.Code, answer.Body)
	}
}

// TestARunThatIsCutShortTellsNothingOfItsTarget has one begin and be told to end.
func TestARunThatIsCutShortTellsNothingOfItsTarget(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ran(t, "run-1", noon.Add(-time.Minute), diff.Plan{States: map[diff.State]int{diff.InSync: 1}}, event.Success, nil)
	since := regexp.MustCompile(`data-since="\d+"`)
	look := func() string { return since.ReplaceAllString(w.get("/").Body.String(), "") }
	before := look()
	scope := event.Scope{Target: "production", Run: "run-2"}
	w.watch.Emit(event.RunStarted{Scope: scope, Trigger: event.Schedule, At: noon})
	if during := look(); during == before {
		t.Error("the page doesn't tell that a run is under way")
	}
	w.watch.Emit(event.RunDone{Scope: scope, Trigger: event.Schedule, Result: event.Failed, Cut: true, Err: errors.New("context canceled"), At: noon})
	if d := cmp.Diff(before, look()); d != "" {
		t.Errorf("the page differs:\n%s", d)
	}
}
