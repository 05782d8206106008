package main

import (
	"runtime"
	"syscall"
	"testing"
	"time"
)

// TestPlanGrowsWithTheRulesOfAPolicy wants a policy of 32 times the rules to
// cost as much as 32 policies: what grows with the square costs 32 times that.
// It goes by the processor's time, which a busy machine doesn't lengthen.
func TestPlanGrowsWithTheRulesOfAPolicy(t *testing.T) {
	t.Parallel()
	const times, allowed = 32, 8
	few := cheapest(t, func() {
		for range times {
			planOf(t, 100)
		}
	})
	many := cheapest(t, func() { planOf(t, 100*times) })
	if many > allowed*few {
		t.Errorf("the plan for %d e-mail addresses took %s, %d plans for 100 took %s", 100*times, many, times, few)
	}
}

// cheapest returns the processor time that the cheapest of some calls took.
func cheapest(t *testing.T, do func()) time.Duration {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	least := time.Duration(1<<63 - 1)
	for range 3 {
		before := threadTime(t)
		do()
		least = min(least, threadTime(t)-before)
	}
	return least
}

// threadTime returns the processor time that this thread has taken.
func threadTime(t *testing.T) time.Duration {
	t.Helper()
	const ofThread = 1 // RUSAGE_THREAD, which package syscall doesn't name
	var used syscall.Rusage
	if err := syscall.Getrusage(ofThread, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
