package reconcile_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/policysync/policysync/internal/cloudflare"
	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/event"
)

// TestFirstApplyIsAsFastAsItMayBe compares, in virtual time, in which only
// waiting takes any, with what the latency or the budget alone would take.
func TestFirstApplyIsAsFastAsItMayBe(t *testing.T) {
	t.Parallel()
	const policies, latency, atOnce, window = 150, 50 * time.Millisecond, 4, 5 * time.Minute
	for budget, tc := range map[int]struct {
		least  time.Duration
		atMost float64 // times least
	}{
		600: {policies * latency / atOnce, 1.3},
		60:  {policies / 60 * window, 1.02},
	} {
		t.Run(fmt.Sprint(budget), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, simulator.Options{Latency: latency})
				client := w.client(cloudflare.NewBudget(budget))
				w.Account, w.Executor.Account, w.Executor.Concurrency = client, client, atOnce
				var names []string
				for i := range policies {
					names = append(names, fmt.Sprintf("policy %d", i))
				}
				w.git.declare(names...)
				start := time.Now()
				w.run(event.Success)
				took := time.Since(start)
				ratio := took.Seconds() / tc.least.Seconds()
				t.Logf("took %.4f times the least of %s", ratio, tc.least)
				if ratio < 1 || ratio > tc.atMost {
					t.Errorf("took %s, want %s to %g times that", took, tc.least, tc.atMost)
				}
				if n := w.account.Count("create"); n != policies {
					t.Errorf("%d creates, want %d", n, policies)
				}
			})
		})
	}
}
