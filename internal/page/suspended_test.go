package page_test

import (
	"strings"
	"testing"
	"time"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/state"
)

func TestASuspendedTargetIsNotSaidToBeInSync(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		found     diff.State
		says, not string
	}{
		{diff.InSync, "Suspended for 3 hours (since 2026-11-23 09:00:00 UTC )", "In sync"},
		{diff.Drifted, "Out of sync for", "Suspended for"},
	} {
		w := newWorld(t)
		w.ran(t, "run-1", noon.Add(-5*time.Hour), diff.Plan{States: map[diff.State]int{tc.found: 1}}, event.Noop, nil)
		if err := w.Suspend(t.Context(), state.Suspension{Target: "production", Reason: "incident 7", Since: noon.Add(-3 * time.Hour)}); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/", "/targets/production"} {
			got := words(t, w.get(path).Body.String())
			if !strings.Contains(got, tc.says) || strings.Contains(got, tc.not) {
				t.Errorf("%s: %s, where %s was found last", path, got, tc.found)
			}
		}
	}
}
