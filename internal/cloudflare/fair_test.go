package cloudflare_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/policysync/policysync/internal/cloudflare"
	"github.com/policysync/policysync/internal/cloudflare/simulator"
)

// TestNobodyStarvesBesideABusyTarget of the same token: while one creates 1,000
// policies, ten at a time, a list of another waits for those that were before
// it in the queue and for no more.
func TestNobodyStarvesBesideABusyTarget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const creates, atOnce = 1000, 10
		account := simulator.New(simulator.Options{Latency: 100 * time.Millisecond})
		budget := cloudflare.NewBudget(600)
		share := func(o *cloudflare.Options) { o.Budget = budget }
		busy, other := connect(t, account, share), connect(t, account, share)
		todo := make(chan int, creates)
		for i := range creates {
			todo <- i
		}
		close(todo)
		var all sync.WaitGroup
		for range atOnce {
			all.Go(func() {
				for i := range todo {
					if _, err := busy.Create(t.Context(), plain(fmt.Sprint(i)), nil); err != nil {
						t.Error(err)
					}
				}
			})
		}
		for account.Count("create") < creates {
			time.Sleep(time.Second)
			before, start := account.Count("create"), time.Now()
			if _, err := other.List(t.Context()); err != nil {
				t.Fatal(err)
			}
			requests := account.Requests()
			list := slices.IndexFunc(requests, func(r simulator.Request) bool { return r.Operation == "list" && r.At.After(start) })
			meanwhile := 0
			for _, r := range requests[:list] {
				if r.Operation == "create" {
					meanwhile++
				}
			}
			if meanwhile -= before; meanwhile > 2*atOnce { // under way, and queued
				t.Errorf("%d creates went before a list", meanwhile)
			}
			if took := time.Since(start); took > window+time.Second {
				t.Errorf("a list took %s", took)
			}
		}
		all.Wait()
	})
}
