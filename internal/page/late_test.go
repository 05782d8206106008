package page_test

import (
	"errors"
	"testing"

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
