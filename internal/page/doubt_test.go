package page_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/state"
)

func TestAPolicysPageTellsOfARequestInDoubt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(t, policy.Recorded{Key: "eng", ID: "id-1", Sent: engineering(), ReadBack: engineering()})
	w.ran(t, "run-1", noon.Add(-time.Hour), diff.Plan{}, event.Partial, nil)
	for key, action := range map[string]string{"eng": "update", "new": "create"} {
		body := policy.Policy{Name: "Policy " + key}
		if err := w.Intend(t.Context(), state.Intent{Target: "production", Key: key, Action: action, Body: body, Run: "run-1", At: noon.Add(-time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	for key, want := range map[string]string{
		"eng": "nobody knows yet whether the update of 1 hour ago ( 2026-11-23 11:00:00 UTC ) took effect",
		"new": "nobody knows yet whether the create of 1 hour ago ( 2026-11-23 11:00:00 UTC ) took effect",
	} {
		answer := w.get("/targets/production/policy?key=" + key)
		text := answer.Body.String()
		if got := words(t, text); answer.Code != http.StatusOK || !strings.Contains(got, want) {
			t.Errorf("%s: %d %s", key, answer.Code, got)
		}
		inspect(t, text)
	}
	w.record(t, policy.Recorded{Key: "other", ID: "id-2", Sent: engineering(), ReadBack: engineering()})
	if got := words(t, w.get("/targets/production/policy?key=other").Body.String()); strings.Contains(got, "in doubt") {
		t.Errorf("another's request is told of: %s", got)
	}
}
