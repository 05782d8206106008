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

	Answered bool // the account has ended its work on it: it has no effect later
}

// settleTime is how long a create that the account doesn't show may still take
// effect: twice as long as an answer is waited for. A process that was killed
// leaves requests on their way, and a gateway gives up on one that goes on
// behind it.
const settleTime = time.Minute

// awaits reports whether a request on its way would create the policy that the
// step would: for its key, or of its name, be it under another key. If so, it
// holds the step back.
func (c *computation) awaits(step Change) bool {
	settles := time.Time{}
	for key, p := range c.Pending {
		if (key == step.Key || p.Body.Name == step.Name) && p.young(c.Now) {
			settles = later(settles, p.settles())
		}
	}
	if settles.IsZero() {
		return false
	}
	c.await(settles)
	step.Action, step.State, step.Live, step.ID = ActionCreate, Missing, nil, ""
	c.report(step, "an earlier request whose answer was lost: it may still take effect")
	return true
}

// await counts a create that may take effect until then.
func (c *computation) await(settles time.Time) {
	c.plan.Awaited++
	c.plan.Settles = later(c.plan.Settles, settles)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// settles returns from when on a create that the account doesn't show has come
// to nothing.
func (p Pending) settles() time.Time { return p.At.Add(settleTime) }

// young reports whether it is a create that may still take effect.
func (p Pending) young(now time.Time) bool {
	return p.Action == ActionCreate && !p.Answered && now.Before(p.settles())
}

// lapse closes the journal entry of a key, if it has one: a complete list
// shows whether the request took effect.
func (c *computation) lapse(key string, done bool) {
	if p, pending := c.Pending[key]; pending {
		c.plan.Lapsed = append(c.plan.Lapsed, Lapse{key, p.Action, done})
	}
}

// learn returns the record of a live policy, brought up to date by what the
// pending request of its key did if the policy shows that it took effect, and
// whether it did. It closes the journal entry.
func (c *computation) learn(r *policy.Recorded, l *policy.Live) (*policy.Recorded, bool) {
	p, pending := c.Pending[r.Key]
	done := pending && policy.Fulfils(l.Policy, p.Body)
	c.lapse(r.Key, done)
	if !done {
		return r, false
	}
	now := *r
	now.Sent, now.ReadBack, now.Written = p.Body, l.Policy, true
	return &now, true
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
	switch {
	case c.passedOn[key]: // the next run closes the journal entry
	case len(c.madeBy(p)) > 0:
		step := Change{Key: key, Name: p.Body.Name, Desired: &policy.Desired{Policy: p.Body, Key: key}}
		c.adoptMade(step, p, "an earlier run created it and lost the answer; gone from Git since", Orphaned)
	case p.young(c.Now):
		c.await(p.settles())
	default:
		return false
	}
	return true
}

// madeUnder returns the key whose pending create may have made the policy of
// the step's manifest: its own, or one that Git has dropped, when the policy
// bears the manifest's name. It is empty where there is none.
func (c *computation) madeUnder(step Change) string {
	if len(c.madeBy(c.Pending[step.Key])) > 0 {
		return step.Key
	}
	for _, key := range slices.Sorted(maps.Keys(c.Pending)) {
		if p := c.Pending[key]; !c.wanted[key] && p.Body.Name == step.Name && len(c.madeBy(p)) > 0 {
			c.passedOn[key] = true
			return key
		}
	}
	return ""
}

// clockSkew is how far the account's clock may be behind ours.
const clockSkew = 5 * time.Minute

// madeBy returns the live policies any of which a create whose outcome isn't
// known may have made: they bear the name, have the body, were created since,
// and are nobody else's.
func (c *computation) madeBy(p Pending) []*policy.Live {
	if p.Action != ActionCreate {
		return nil
	}
	var made []*policy.Live
	for _, l := range c.named[p.Body.Name] {
		_, taken := c.owner[l.ID]
		older := !l.CreatedAt.IsZero() && l.CreatedAt.Before(p.At.Add(-clockSkew))
		if !taken && !older && !c.claimed[l.ID] && policy.Fulfils(l.Policy, p.Body) {
			made = append(made, l)
		}
	}
	return made
}

// adoptMade adopts the one policy that a pending create must have made. Of
// several it takes none, which is a conflict.
func (c *computation) adoptMade(step Change, p Pending, why string, state State) {
	made := c.madeBy(p)
	if len(made) > 1 {
		c.several(step, made)
		return
	}
	c.claimed[made[0].ID] = true
	step.Action, step.ID, step.Live, step.Reason = ActionAdopt, made[0].ID, made[0], why
	c.change(step, state)
}
