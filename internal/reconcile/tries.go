package reconcile

import (
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/policy"
)

// A change that failed is tried again in the next run; when it fails again,
// after firstPause, then ever later, up to lastPause apart, with some jitter.
const (
	firstPause = 30 * time.Second
	lastPause  = time.Hour
)

// tries remembers the changes that failed, by key, so that a policy that the
// account refuses isn't sent to it over and over.
type tries map[string]*try

type try struct {
	change string // which change failed: the same one waits, another one doesn't
	next   time.Time
	pauses *backoff.ExponentialBackOff
}

// hold returns the plan without the changes whose next try isn't due yet, and
// how many they are.
func (t tries) hold(plan diff.Plan, now time.Time) (diff.Plan, int) {
	held := plan.Hold(func(c diff.Change) string {
		last := t[c.Key]
		if last == nil || last.change != changeOf(c) || !now.Before(last.next) {
			return ""
		}
		return "its last try, which failed; the next is due at " + last.next.UTC().Format(time.TimeOnly) + " UTC"
	})
	return held, len(plan.Changes) - len(held.Changes)
}

// note remembers which of the plan's changes failed and forgets the others.
func (t tries) note(plan diff.Plan, failed map[string]bool, now time.Time) {
	for _, c := range plan.Changes {
		if !failed[c.Key] {
			delete(t, c.Key)
			continue
		}
		last := t[c.Key]
		if last == nil || last.change != changeOf(c) {
			last = &try{change: changeOf(c), pauses: &backoff.ExponentialBackOff{
				InitialInterval: firstPause, MaxInterval: lastPause, Multiplier: 2, RandomizationFactor: 0.2,
			}}
			t[c.Key] = last
			continue
		}
		last.next = now.Add(last.pauses.NextBackOff())
	}
}

// changeOf names a change by what it would write.
func changeOf(c diff.Change) string {
	if c.Desired == nil {
		return string(c.Action)
	}
	return string(c.Action) + " " + policy.Fingerprint(c.Desired.Policy)
}
