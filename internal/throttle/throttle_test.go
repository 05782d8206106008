package throttle_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/policysync/policysync/internal/throttle"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func TestABucketTakesItsBurstAndThenItsRate(t *testing.T) {
	t.Parallel()
	b := throttle.NewBucket(throttle.Rate{Burst: 3, PerSecond: 2})
	for i := range 3 {
		if wait := b.Take(noon); wait != 0 {
			t.Errorf("request %d waits %v", i+1, wait)
		}
	}
	for range 2 { // what is refused costs nobody anything
		if wait, asked := b.Take(noon), b.Wait(noon); wait != 500*time.Millisecond || asked != wait {
			t.Errorf("the fourth waits %v, or %v", wait, asked)
		}
	}
	later := noon.Add(500 * time.Millisecond)
	if asked, wait := b.Wait(later), b.Take(later); asked != 0 || wait != 0 {
		t.Errorf("half a second later it waits %v, or %v", asked, wait)
	}
}

func TestEachClientHasABucket(t *testing.T) {
	t.Parallel()
	c := throttle.NewClients(throttle.Rate{Burst: 1, PerSecond: 1})
	if c.Of("a", noon).Take(noon) != 0 || c.Of("b", noon).Take(noon) != 0 {
		t.Error("the first request of a client waits")
	}
	if c.Of("a", noon).Take(noon) == 0 {
		t.Error("the second request of a client is taken")
	}
}

func TestTooManyClientsShareABucketUntilOthersHaveRested(t *testing.T) {
	t.Parallel()
	c := throttle.NewClients(throttle.Rate{Burst: 1, PerSecond: 1})
	for i := range 10_000 {
		c.Of(strconv.Itoa(i), noon).Take(noon)
	}
	if c.Of("x", noon) != c.Of("y", noon) {
		t.Error("two more clients have a bucket each")
	}
	if rested := noon.Add(time.Second); c.Of("x", rested) == c.Of("y", rested) {
		t.Error("two clients share a bucket though all others have rested")
	}
}

func TestRetryAfterIsEnough(t *testing.T) {
	t.Parallel()
	for wait, want := range map[time.Duration]string{time.Millisecond: "1", time.Second: "1", 1001 * time.Millisecond: "2", time.Minute: "60"} {
		if got := throttle.RetryAfter(wait); got != want {
			t.Errorf("%v: %s, want %s", wait, got, want)
		}
	}
}
