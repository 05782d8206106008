package cloudflare_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/policysync/policysync/internal/cloudflare"
	"github.com/policysync/policysync/internal/cloudflare/simulator"
)

const window = 5 * time.Minute

// TestBudgetIsKeptInEveryWindow lets requests arrive in random patterns from
// several goroutines, some of which give up, and looks at all windows.
func TestBudgetIsKeptInEveryWindow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		limit := rapid.IntRange(1, 12).Draw(rt, "limit")
		type request struct{ After, Patience int }
		arrivals := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) request {
			return request{
				After:    rapid.OneOf(rapid.Just(0), rapid.IntRange(0, 30), rapid.IntRange(0, 700)).Draw(rt, "after"),
				Patience: rapid.SampledFrom([]int{0, 1, 100, 100_000}).Draw(rt, "patience"),
			}
		}), 1, 60).Draw(rt, "arrivals")

		var begun []time.Time
		synctest.Test(t, func(t *testing.T) {
			budget := cloudflare.NewBudget(limit)
			var mu sync.Mutex
			var all sync.WaitGroup
			for _, r := range arrivals {
				time.Sleep(time.Duration(r.After) * time.Second)
				all.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(r.Patience)*time.Second)
					defer cancel()
					if _, err := budget.Wait(ctx, nil); err == nil {
						mu.Lock()
						defer mu.Unlock()
						begun = append(begun, time.Now())
					}
				})
			}
			all.Wait()
		})

		slices.SortFunc(begun, time.Time.Compare)
		for i := range begun {
			if i >= limit && begun[i].Sub(begun[i-limit]) < window {
				rt.Fatalf("%d requests within %s, the budget is %d", limit+1, begun[i].Sub(begun[i-limit]), limit)
			}
		}
	})
}

func TestBudgetWastesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		budget, start := cloudflare.NewBudget(3), time.Now()
		var minutes []float64
		for range 7 {
			began := time.Now()
			waited, err := budget.Wait(t.Context(), nil)
			if err != nil || waited != time.Since(began) {
				t.Errorf("waited %s, told %s: %v", time.Since(began), waited, err)
			}
			minutes = append(minutes, time.Since(start).Minutes())
			time.Sleep(time.Minute)
		}
		if want := []float64{0, 1, 2, 5, 6, 7, 10}; !slices.Equal(minutes, want) {
			t.Errorf("requests began at minutes %v, want %v", minutes, want)
		}
	})
}

func TestBudgetServesInTheOrderOfArrival(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		budget := cloudflare.NewBudget(1)
		served := make(chan int, 5)
		for i := range 5 {
			go func() {
				if _, err := budget.Wait(t.Context(), nil); err != nil {
					t.Error(err)
				}
				served <- i
			}()
			synctest.Wait()
		}
		for want := range 5 {
			if got := <-served; got != want {
				t.Errorf("served %d, want %d", got, want)
			}
		}
	})
}

// TestToAskIsNoWait while the budget isn't used up, however many ask at once.
func TestToAskIsNoWait(t *testing.T) {
	t.Parallel()
	const requests = 1000
	budget := cloudflare.NewBudget(requests)
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			for range requests / 10 {
				if waited, err := budget.Wait(t.Context(), nil); waited != 0 || err != nil {
					t.Errorf("waited %s: %v", waited, err)
				}
			}
		})
	}
	all.Wait()
}

func TestBudgetTellsWhatIsLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		budget := cloudflare.NewBudget(3)
		for want := 3; want > 0; want-- {
			if got := budget.Left(); got != want {
				t.Errorf("%d left, want %d", got, want)
			}
			if _, err := budget.Wait(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		for _, want := range []int{0, 0, 1, 2, 3} { // from the third minute on
			if got := budget.Left(); got != want {
				t.Errorf("at minute %d of five %d are left", want, got)
			}
			time.Sleep(time.Minute)
		}
	})
}

func TestBudgetTellsWhenMoreComes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		budget, start := cloudflare.NewBudget(3), time.Now()
		want := func(left int, more time.Time) {
			t.Helper()
			if got := budget.Allowance(); got != (cloudflare.Allowance{Left: left, Limit: 3, More: more}) {
				t.Errorf("after %s: %+v, want %d left and more at %s", time.Since(start), got, left, more)
			}
		}
		want(3, time.Time{})
		for range 3 {
			if _, err := budget.Wait(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		want(0, start.Add(window))
		time.Sleep(2 * time.Minute)
		want(1, start.Add(window+time.Minute))
		time.Sleep(window)
		want(3, time.Time{})
	})
}

func TestNoMoreIsLeftThanTheServerSays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		budget := cloudflare.NewBudget(100)
		client := connect(t, simulator.New(simulator.Options{Limit: 20}), func(o *cloudflare.Options) { o.Budget = budget })
		for want := 19; want >= 0; want-- {
			if _, err := client.List(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := budget.Left(); got != want {
				t.Errorf("%d left, want %d", got, want)
			}
		}
		time.Sleep(window)
		if got := budget.Left(); got != 100 {
			t.Errorf("%d left when all is over, want the whole budget", got)
		}
	})
}

func TestBudgetOfNoneIsOfOne(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, -1} {
		if waited, err := cloudflare.NewBudget(n).Wait(t.Context(), nil); err != nil || waited > time.Second {
			t.Errorf("NewBudget(%d): waited %s: %v", n, waited, err)
		}
	}
}

func TestBudgetWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		budget := cloudflare.NewBudget(1)
		if _, err := budget.Wait(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		reason := errors.New("told to stop")
		ctx, cancel := context.WithCancelCause(t.Context())
		results := make(chan error, 2)
		for range 2 { // one at the head of the queue, one behind it
			go func() {
				_, err := budget.Wait(ctx, nil)
				results <- err
			}()
		}
		time.AfterFunc(time.Minute, func() { cancel(reason) })
		for range 2 {
			if err := <-results; !errors.Is(err, reason) || !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		}
		if _, err := budget.Wait(ctx, nil); !errors.Is(err, reason) {
			t.Errorf("a context that has ended gets nothing: %v", err)
		}
		start := time.Now()
		if _, err := budget.Wait(t.Context(), nil); err != nil || time.Since(start) != 4*time.Minute {
			t.Errorf("who gave up must use nothing up: waited %s: %v", time.Since(start), err)
		}
	})
}
