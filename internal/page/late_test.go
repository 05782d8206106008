package page_test

import (
	"errors"
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
	var watch page.Watch
	watch.Emit(event.RunStarted{Scope: scope})
	watch.Emit(event.PlanMade{Scope: scope})
	watch.Emit(event.Configured{Removed: []string{"production"}})
	for _, outcome := range event.Outcomes() {
		watch.Emit(event.ChangeDone{Scope: scope, Change: diff.Change{Key: "a"}, Outcome: outcome, Err: errors.New("refused")})
	}
	watch.Emit(event.RunDone{Scope: scope, Result: event.Partial})
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
