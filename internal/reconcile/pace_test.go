package reconcile_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/event"
)

// TestFirstApplyIsAsFastAsItMayBe compares, in virtual time, in which only
// waiting takes any, with what the latency or the budget alone would take.
func TestFirstApplyIsAsFastAsItMayBe(t *testing.T) {
	t.Parallel()
	const latency, atOnce, budget, window = 50 * time.Millisecond, 4, 600, 5 * time.Minute // as newWorld and the client have it
	for _, tc := range []struct {
		policies int
		least    time.Duration
		atMost   float64 // times least
	}{
		{500, 500 * latency / atOnce, 1.3},
		{1210, 1210 / budget * window, 1.02}, // more than two windows hold
	} {
		t.Run(fmt.Sprint(tc.policies), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, simulator.Options{Latency: latency})
				var names []string
				for i := range tc.policies {
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
				if n := w.account.Count("create"); n != tc.policies {
					t.Errorf("%d creates, want %d", n, tc.policies)
				}
			})
		})
	}
}
