package reconcile_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/event"
)

// TestAPatientRunSettlesWhatALostAnswerLeft runs again ten seconds after the
// answer to a create was lost: where that took effect meanwhile, or doesn't at
// all.
func TestAPatientRunSettlesWhatALostAnswerLeft(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		arrives time.Duration // after the second run began; 0: never
		waits   time.Duration
		creates int
	}{
		"it comes to nothing":      {waits: 50 * time.Second, creates: 2},
		"it arrives meanwhile":     {arrives: 20 * time.Second, waits: 50 * time.Second, creates: 1},
		"it had arrived all along": {arrives: -time.Second, creates: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, simulator.Options{})
				w.git.declare("a")
				w.account.Inject(simulator.Fault{Operation: "create", Kind: simulator.LostReply, After: tc.arrives < 0})
				w.run(event.Partial)
				time.Sleep(10 * time.Second)
				if tc.arrives > 0 {
					time.AfterFunc(tc.arrives, func() { _, _ = w.account.Seed(body("a", "example.com")) })
				}
				w.Patient = true
				began := time.Now()
				w.runWith(t.Context(), event.Manual, event.Success)
				if waited := time.Since(began); waited != tc.waits {
					t.Errorf("waited %s, want %s", waited, tc.waits)
				}
				if n := w.account.Count("create"); n != tc.creates {
					t.Errorf("%d creates sent, want %d", n, tc.creates)
				}
				if d := cmp.Diff([]string{"a"}, w.names()); d != "" {
					t.Errorf("account differs (-want +got):\n%s", d)
				}
				said := strings.Contains(strings.Join(w.events.warnings(), "\n"), "waiting 50s to see whether they do")
				if said != (tc.waits > 0) {
					t.Errorf("warnings %q, want the wait in them: %v", w.events.warnings(), tc.waits > 0)
				}
			})
		})
	}
}

func TestAPatientRunEndsWhenToldTo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Options{})
		w.git.declare("a")
		w.account.Inject(simulator.Fault{Operation: "create", Kind: simulator.LostReply})
		w.run(event.Partial)
		w.Patient = true
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		began := time.Now()
		w.runWith(ctx, event.Manual, event.Failed)
		if waited := time.Since(began); waited != 10*time.Second || w.account.Count("create") != 1 {
			t.Errorf("waited %s and sent %d creates; want 10s, and none but the one that was lost", waited, w.account.Count("create"))
		}
	})
}
