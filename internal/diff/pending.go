package diff

import (
	"maps"
	"slices"
	"time"

	"github.com/policysync/policysync/internal/policy"
)

// Pending is a request whose outcome isn't known.
type Pending struct {
	Action Action
	Body   policy.Policy // that was sent
	At     time.Time     // when, by our clock
}

// settleTime is how long a create that the account doesn't show may still take
// effect: twice as long as an answer is waited for. A process that was killed
// leaves requests on their way, and a gateway gives up on one that goes on
// behind it.
const settleTime = time.Minute

// mayStillCome reports whether a request on its way would create a policy of
// that name, be it under another key.
func (c *computation) mayStillCome(name string) bool {
	for _, p := range c.Pending {
		if p.Body.Name == name && p.young(c.Now) {
			return true
		}
	}
	return false
}

// young reports whether it is a create that may still take effect.
func (p Pending) young(now time.Time) bool {
	return p.Action == ActionCreate && now.Before(p.At.Add(settleTime))
}

// lapse closes the journal entry of a key, if it has one: a complete list
// shows whether the request took effect.
func (c *computation) lapse(key string, done bool) {
	if p, pending := c.Pending[key]; pending {
		c.plan.Lapsed = append(c.plan.Lapsed, Lapse{key, p.Action, done})
	}
}

// pendingWithoutDesired decides about requests whose outcome isn't known and
// that belong to neither a manifest nor a record any more.
func (c *computation) pendingWithoutDesired() {
	for _, key := range slices.Sorted(maps.Keys(c.Pending)) {
		if !c.wanted[key] && c.byKey[key] == nil && !c.pendingMade(key) {
			c.lapse(key, false)
		}
	}
}

// pendingMade adopts what the pending create of a key that Git has dropped
// made, for it is ours. It reports whether it did, or waits for that.
func (c *computation) pendingMade(key string) bool {
	p := c.Pending[key]
	made := c.madeBy(p)
	switch {
	case made != nil:
		step := Change{Key: key, Name: made.Name, Desired: &policy.Desired{Policy: p.Body, Key: key}}
		c.adoptMade(step, made, "an earlier run created it and lost the answer; gone from Git since", Orphaned)
	case p.young(c.Now):
		c.plan.Awaited++
	default:
		return false
	}
	return true
}

// clockSkew is how far the account's clock may be behind ours.
const clockSkew = 5 * time.Minute

// madeBy returns the one live policy that a create whose outcome isn't known
// must have made, or nil: it bears the name, has the body, was created since,
// and is nobody else's.
func (c *computation) madeBy(p Pending) *policy.Live {
	if p.Action != ActionCreate {
		return nil
	}
	var made *policy.Live
	for _, l := range c.named[p.Body.Name] {
		_, taken := c.owner[l.ID]
		older := !l.CreatedAt.IsZero() && l.CreatedAt.Before(p.At.Add(-clockSkew))
		if taken || older || c.claimed[l.ID] || !policy.Fulfils(l.Policy, p.Body) {
			continue
		}
		if made != nil {
			return nil
		}
		made = l
	}
	return made
}

// adoptMade adopts what an earlier create made.
func (c *computation) adoptMade(step Change, made *policy.Live, why string, state State) {
	c.claimed[made.ID] = true
	step.Action, step.ID, step.Live, step.Reason = ActionAdopt, made.ID, made, why
	c.change(step, state)
}
