package reconcile_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/policysync/policysync/internal/cloudflare"
	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/event"
)

// overdue returns a world whose next run by hand updates or deletes "old" by a
// request that has to wait for 5 minutes.
func overdue(t *testing.T, operation string, budget int) *world {
	t.Helper()
	w := withOrphan(t, simulator.Options{})
	if operation == "update" {
		w.commitText(manifest("old", "new.example") + "---\n" + manifest("kept", "example.com"))
	} else {
		w.run(event.Noop)
	}
	if budget == 0 {
		w.account.Inject(simulator.Fault{Operation: operation, Kind: simulator.TooManyRequests, RetryAfter: 300 * time.Second})
		return w
	}
	client := w.client(cloudflare.NewBudget(budget))
	w.Account, w.Executor.Account = client, client
	for range budget - 1 { // and the last one for the run's list
		if _, err := client.List(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// TestAWriteThatHadToWaitLooksAgain sees that what somebody did while a request
// waited, be it for the budget or after a 429, is neither overwritten nor
// deleted; and that the request is sent where nobody did anything.
func TestAWriteThatHadToWaitLooksAgain(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{"update", "delete"} {
		for why, budget := range map[string]int{"the server's": 0, "the budget's": 3} {
			for _, meddled := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/meddled=%v", operation, why, meddled), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						w := overdue(t, operation, budget)
						ended := make(chan event.RunDone)
						began, before := time.Now(), w.account.Count(operation)
						go func() { ended <- w.Run(t.Context(), event.Manual) }()
						time.Sleep(time.Minute)
						if meddled {
							if err := w.account.Edit(w.id("old"), body("old", "edited.example")); err != nil {
								t.Error(err)
							}
						}
						done := <-ended
						sent := w.account.Count(operation) - before
						if budget == 0 {
							sent-- // the one that was refused
						}
						if meddled != (sent == 0) || meddled != (done.Err != nil) || time.Since(began) < 5*time.Minute {
							t.Errorf("%d requests within %s, error %v", sent, time.Since(began), done.Err)
						}
						if meddled && !strings.Contains(fmt.Sprint(done.Err), "somebody has changed the policy since it was listed") {
							t.Errorf("error %v", done.Err)
						}
						intents, err := w.store.Intents(t.Context(), "production")
						if err != nil || len(intents) != 0 {
							t.Errorf("in doubt: %v, %v", intents, err)
						}
					})
				})
			}
		}
	}
}

// TestWritesGetThroughThoughTheBudgetIsSmall has every one of several updates
// at a time look again because it had to wait.
func TestWritesGetThroughThoughTheBudgetIsSmall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const policies = 6 // fewer than the limits count for
		w := withMany(t, policies)
		client := w.client(cloudflare.NewBudget(4))
		w.Account, w.Executor.Account = client, client
		w.run(event.Success)
		if n := w.account.Count("update"); n != policies {
			t.Errorf("%d updates, want %d", n, policies)
		}
	})
}
