package diff

import (
	"cmp"
	"fmt"
	"time"

	"github.com/policysync/policysync/internal/impact"
	"github.com/policysync/policysync/internal/policy"
)

// withDesired decides about one manifest: the rows of the table that begin
// with a yes.
func (c *computation) withDesired(d *policy.Desired) {
	r := c.recordOf(d)
	if r == nil { // yes, -
		c.withoutOwn(d, "not in the account")
		return
	}
	c.matched[r.Key] = true
	l := c.live[r.ID]
	if l == nil { // yes, yes, gone
		if r.Key != d.Key && c.Pending[r.Key].Action != ActionCreate {
			c.lapse(r.Key, c.Pending[r.Key].Action == ActionDelete)
		}
		c.withoutOwn(d, "was deleted from the account behind our back")
		return
	}
	c.claimed[l.ID] = true
	c.plan.Owned++
	if d.Key != r.Key {
		c.lapse(d.Key, false)
	}
	r, news := c.learn(r, l)
	if c.Manual && r.Heals > 0 { // an operator's move ends a fight
		anew := *r
		anew.Heals = 0
		r, news = &anew, true
	}
	settled := len(c.plan.Settled)
	c.withOwn(d, r, l, news)
	if settled == len(c.plan.Settled) {
		c.mark(*r, time.Time{}, d.Protect, news)
	}
}

// withOwn decides about a manifest whose own policy is live; news says that the
// record is newer than the one that is stored.
func (c *computation) withOwn(d *policy.Desired, r *policy.Recorded, l *policy.Live, news bool) {
	changed := !policy.Equal(d.Policy, r.Sent)
	drifted := !policy.Equal(l.Policy, r.ReadBack)
	same := !changed && !drifted || policy.Equal(d.Policy, l.Policy)
	step := Change{Key: d.Key, Name: d.Name, ID: l.ID, File: d.File, Line: d.Line, Desired: d, Recorded: r, Live: l}
	switch {
	case same:
		c.count(InSync, 1)
		if news || changed || drifted || moved(d, r) {
			c.plan.Settled = append(c.plan.Settled, Settled{*d, *r, *l})
		}
	case changed && drifted:
		c.update(step, cause{"changed in Git, and in the account behind our back", Blocked, true})
	case changed:
		c.update(step, cause{"changed in Git", Blocked, true})
	case drifted:
		step.Heal = !c.Manual
		c.update(step, cause{"changed in the account behind our back", Drifted, c.Drift == DriftHeal})
	}
}

// moved reports whether a record says otherwise than its manifest in what the
// account doesn't know of.
func moved(d *policy.Desired, r *policy.Recorded) bool {
	return d.Key != r.Key || d.Protect != r.Protect || !r.AbsentSince.IsZero() || d.File != r.File || d.Line != r.Line
}

// cause is what calls for an update.
type cause struct {
	why   string
	state State // of the policy until it is updated
	heal  bool  // whether the drift setting lets it be updated
}

// maxHeals is how often in a row a policy is put back before that counts as a
// fight with somebody.
const maxHeals = 3

// update adds a change of a live policy's body, or reports it where the mode,
// the drift setting or the manifest's protection holds it back.
func (c *computation) update(step Change, because cause) {
	step.Action, step.Reason, step.State = ActionUpdate, because.why, because.state
	if step.Desired.Name != step.Live.Name {
		step.Action = ActionRename
	}
	switch {
	case step.Desired.Protect:
		c.report(step, "protected by its manifest")
	case !because.heal:
		c.report(step, "drift: report")
	case c.Mode == CreateOnly:
		c.report(step, "mode: create-only")
	case step.Heal && step.Recorded.Heals >= maxHeals:
		c.report(step, fmt.Sprintf("a fight: it was put back %d times and changed again each time; change it in Git, or run `policysync apply`", maxHeals))
	default:
		c.change(step, step.State)
	}
}

// withoutDesired decides about a record that no manifest takes: the rows of
// the table that begin with -, yes.
func (c *computation) withoutDesired(r policy.Recorded) {
	step := Change{Key: r.Key, Name: cmp.Or(r.Sent.Name, r.ReadBack.Name), ID: r.ID, Recorded: &r, Reason: "gone from Git"}
	protect := r.Protect
	if d, expired := c.expired[r.Key]; expired {
		step.File, step.Line, protect = d.File, d.Line, d.Protect
		step.Reason = "expired in Git after " + d.Expires.Format(time.DateOnly)
	}
	if l := c.live[r.ID]; l != nil {
		c.orphaned(step, l, protect)
		return
	}
	if !c.pendingMade(r.Key) {
		step.Action, step.Reason, step.Direction = ActionForget, step.Reason+", and gone from the account", impact.Neutral
		c.plan.Changes = append(c.plan.Changes, step)
	}
}

// orphaned decides about a live policy of ours that Git doesn't declare.
func (c *computation) orphaned(step Change, l *policy.Live, protect bool) {
	if step.Recorded.Undeclared() { // Git can't have dropped what it never had
		return
	}
	c.claimed[l.ID] = true
	c.plan.Owned++
	r, news := c.learn(step.Recorded, l)
	first := r.AbsentSince.IsZero()
	absentSince := r.AbsentSince
	if first {
		absentSince = c.Now
	}
	c.mark(*r, absentSince, protect, news)
	step.Action, step.State, step.Recorded, step.Live, step.Name = ActionDelete, Orphaned, r, l, l.Name
	switch {
	case protect:
		c.report(step, "protected by its last manifest")
	case c.Mode != Sync:
		c.report(step, "mode: "+string(c.Mode))
	case l.AppCount > 0:
		c.plan.InUse = append(c.plan.InUse, l.ID)
		c.report(step, fmt.Sprintf("its use by %d applications", l.AppCount))
	case first:
		c.report(step, "a second look: the next run deletes it if it is still gone")
	default:
		c.change(step, Orphaned)
	}
}

// mark notes since when a record's policy has been absent from Git and whether
// it is protected, if the record says otherwise or there is other news of it.
func (c *computation) mark(r policy.Recorded, absentSince time.Time, protect, news bool) {
	if r.AbsentSince.Equal(absentSince) && r.Protect == protect && !news {
		return
	}
	r.AbsentSince, r.Protect = absentSince, protect
	c.plan.Marked = append(c.plan.Marked, r)
}
