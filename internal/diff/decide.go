package diff

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/policysync/policysync/internal/impact"
	"github.com/policysync/policysync/internal/policy"
)

// withDesired decides about one manifest.
func (c *computation) withDesired(d *policy.Desired) {
	r := c.recordOf(d)
	if r == nil {
		c.withoutOwn(d, "not in the account")
		return
	}
	c.matched[r.Key] = true
	l := c.live[r.ID]
	if l == nil {
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
	settled := len(c.plan.Settled)
	c.withOwn(d, r, l, news)
	if settled == len(c.plan.Settled) {
		c.mark(*r, time.Time{}, d.Protect, news)
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

// recordOf returns the record of a manifest: that of its key, or else one of
// an earlier key or of its name, there or in the account, that no other
// manifest has a right to.
func (c *computation) recordOf(d *policy.Desired) *policy.Recorded {
	if r := c.byKey[d.Key]; r != nil {
		return r
	}
	if p := c.Pending[d.Key]; p.young(c.Now) || len(c.madeBy(p)) > 0 { // it has one of its own, or may get it
		return nil
	}
	for _, earlier := range d.Previously {
		for _, r := range []*policy.Recorded{c.byKey[earlier], c.byName[earlier]} {
			if r != nil && c.free(r) {
				return r
			}
		}
	}
	if r := c.byName[d.Name]; r != nil && c.free(r) {
		return r
	}
	for _, l := range c.named[d.Name] {
		if r := c.byKey[c.owner[l.ID]]; r != nil && c.free(r) { // renamed after the record was made
			return r
		}
	}
	return nil
}

func (c *computation) free(r *policy.Recorded) bool { return !c.wanted[r.Key] && !c.matched[r.Key] }

// withoutOwn decides about a manifest that has no live policy of its own;
// gone says why.
func (c *computation) withoutOwn(d *policy.Desired, gone string) {
	step := Change{Key: d.Key, Name: d.Name, File: d.File, Line: d.Line, Desired: d, Reason: gone}
	if from := c.madeUnder(step); from != "" {
		c.adoptMade(step, c.Pending[from], "an earlier run created it and lost the answer", Missing)
		return
	}
	same := c.named[d.Name]
	if len(same) == 0 {
		c.withoutName(step)
		return
	}
	for _, l := range same {
		if c.claimed[l.ID] && c.owner[l.ID] == "" {
			c.contested(step, l)
			return
		}
		if owner, taken := c.owner[l.ID]; taken {
			c.conflict(step, fmt.Sprintf("the live policy %s bears this name, and belongs to the manifest with key %q", l.ID, owner))
			return
		}
		c.claimed[l.ID] = true
	}
	if len(same) > 1 {
		c.several(step, same)
		return
	}
	c.withNamesake(step, *same[0])
}

// contested reports that another manifest, or a create of a key that Git has
// dropped, has taken the live policy that bears a manifest's name.
func (c *computation) contested(step Change, l *policy.Live) {
	why := "may be what another manifest means too"
	if slices.ContainsFunc(c.plan.Changes, func(other Change) bool { return other.Action == ActionAdopt && other.ID == l.ID }) {
		why = "this run records it under another key"
		c.plan.Awaited++ // the next run finds it recorded
	}
	c.conflict(step, fmt.Sprintf("the live policy %s bears this name, and %s", l.ID, why))
}

// withoutName decides about a manifest whose name no live policy bears.
func (c *computation) withoutName(step Change) {
	for _, earlier := range step.Desired.Previously {
		for _, l := range c.named[earlier] {
			if _, taken := c.owner[l.ID]; !taken {
				step.Live, step.ID = l, l.ID
				c.claimed[l.ID] = true
				c.adoptOther(step, fmt.Sprintf("the live policy %s bears the earlier name %q and isn't ours", l.ID, earlier))
				return
			}
		}
	}
	if c.awaits(step) {
		return
	}
	step.Action, step.State = ActionCreate, Missing
	c.lapse(step.Key, c.Pending[step.Key].Action == ActionDelete)
	c.change(step, Missing)
}

// awaits reports whether a manifest waits for a create whose answer was lost,
// and holds its own back if it does.
func (c *computation) awaits(step Change) bool {
	if !c.mayStillCome(step) {
		return false
	}
	c.plan.Awaited++
	step.Action, step.State, step.Live, step.ID = ActionCreate, Missing, nil, ""
	c.report(step, "an earlier request whose answer was lost: it may still take effect")
	return true
}

// withNamesake decides about a manifest whose name one live policy bears that
// isn't ours. It is not adopted while a create may still take effect, whose
// journal entry that would close.
func (c *computation) withNamesake(step Change, l policy.Live) {
	step.Live, step.ID = &l, l.ID
	switch {
	case c.Adopt == AdoptNever:
		c.conflict(step, fmt.Sprintf("the live policy %s bears this name and isn't ours (adopt: never)", l.ID))
	case !l.Legacy && policy.Equal(step.Desired.Policy, stated(l.Policy, step.Desired, nil)):
		if c.awaits(step) {
			return
		}
		step.Action, step.Reason = ActionAdopt, "the account has this policy already"
		c.change(step, InSync)
	default:
		c.adoptOther(step, fmt.Sprintf("the live policy %s bears this name, has another body and isn't ours", l.ID))
	}
}

// adoptOther decides about a manifest whose one candidate for adoption has
// another body.
func (c *computation) adoptOther(step Change, why string) {
	switch {
	case step.Live.Legacy:
		c.conflict(step, why+": it belongs to one application; make it reusable or rename it")
		return
	case c.Adopt != AdoptAlways:
		c.conflict(step, why+" (adopt: "+string(c.Adopt)+")")
		return
	case c.awaits(step):
		return
	}
	c.plan.Owned++ // else what is changed of it would count against nothing
	adopt := step
	adopt.Action, adopt.Reason = ActionAdopt, why+" (adopt: always)"
	adopt.Direction = impact.Neutral
	c.plan.Changes = append(c.plan.Changes, adopt)
	c.update(step, cause{"Git says otherwise than the adopted policy", Blocked, true})
}

// withOwn decides about a manifest whose own policy is live; news says that the
// record is newer than the one that is stored.
func (c *computation) withOwn(d *policy.Desired, r *policy.Recorded, l *policy.Live, news bool) {
	changed := !policy.Equal(d.Policy, r.Sent)
	drifted := !policy.Equal(l.Policy, r.ReadBack)
	if !changed && !drifted || policy.Equal(d.Policy, l.Policy) {
		c.count(InSync, 1)
		if news || changed || drifted || d.Key != r.Key || d.Protect != r.Protect || !r.AbsentSince.IsZero() || d.File != r.File || d.Line != r.Line {
			c.plan.Settled = append(c.plan.Settled, Settled{*d, *r, *l})
		}
		return
	}
	step := Change{Key: d.Key, Name: d.Name, ID: l.ID, File: d.File, Line: d.Line, Desired: d, Recorded: r, Live: l}
	switch {
	case changed && drifted:
		c.update(step, cause{"changed in Git, and in the account behind our back", Blocked, true})
	case changed:
		c.update(step, cause{"changed in Git", Blocked, true})
	default:
		step.Heal = true
		c.update(step, cause{"changed in the account behind our back", Drifted, c.Drift == DriftHeal})
	}
}

// maxHeals is how often in a row a policy is put back before that counts as a
// fight with somebody.
const maxHeals = 3

// cause is what calls for an update.
type cause struct {
	why   string
	state State // of the policy until it is updated
	heal  bool  // whether the drift setting lets it be updated
}

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
	case step.Heal && step.Recorded.Heals >= maxHeals && !c.Manual:
		c.report(step, fmt.Sprintf("a fight: it was put back %d times and changed again each time; change it in Git, or run `policysync apply`", maxHeals))
	default:
		c.change(step, step.State)
	}
}

// withoutDesired decides about a record that no manifest takes.
func (c *computation) withoutDesired(r policy.Recorded) {
	step := Change{Key: r.Key, Name: cmp.Or(r.Sent.Name, r.ReadBack.Name), ID: r.ID, Recorded: &r}
	why, protect := "gone from Git", r.Protect
	if d, expired := c.expired[r.Key]; expired {
		step.File, step.Line, protect = d.File, d.Line, d.Protect
		why = "expired in Git after " + d.Expires.Format(time.DateOnly)
	}
	l := c.live[r.ID]
	if l == nil && c.pendingMade(r.Key) {
		return
	}
	if l == nil {
		step.Action, step.Reason, step.Direction = ActionForget, why+", and gone from the account", impact.Neutral
		c.plan.Changes = append(c.plan.Changes, step)
		return
	}
	c.claimed[l.ID] = true
	c.plan.Owned++
	learned, news := c.learn(&r, l)
	r = *learned
	step.Action, step.Reason, step.State, step.Live, step.Name = ActionDelete, why, Orphaned, l, l.Name
	first := r.AbsentSince.IsZero()
	if first {
		c.mark(r, c.Now, protect, news)
	} else {
		c.mark(r, r.AbsentSince, protect, news)
	}
	switch {
	case protect:
		c.report(step, "protected by its last manifest")
	case c.Mode != Sync:
		c.report(step, "mode: "+string(c.Mode))
	case l.AppCount > 0:
		c.report(step, fmt.Sprintf("its use by %d applications", l.AppCount))
	case first:
		c.report(step, "a second look: the next run deletes it if it is still gone")
	default:
		c.change(step, Orphaned)
	}
}

// change adds a step to carry out.
func (c *computation) change(step Change, state State) {
	step.State = state
	describe(&step)
	c.plan.Changes = append(c.plan.Changes, step)
	c.count(state, 1)
}

// report adds a step that is held back.
func (c *computation) report(step Change, held string) {
	step.Reason += "; held back by " + held
	describe(&step)
	c.plan.Reported = append(c.plan.Reported, step)
	c.count(step.State, 1)
}

func (c *computation) conflict(step Change, why string) {
	describe(&step)
	step.Action, step.Reason, step.State, step.Direction = ActionAdopt, why, Conflict, impact.Neutral
	if step.Live == nil {
		step.Fields = nil
	}
	c.plan.Reported = append(c.plan.Reported, step)
	c.count(Conflict, 1)
}

// several reports that nobody can tell which of several policies is meant.
func (c *computation) several(step Change, same []*policy.Live) {
	for _, l := range same {
		c.claimed[l.ID] = true
	}
	c.conflict(step, fmt.Sprintf("%d live policies bear the name %q: %s; delete or rename all but one", len(same), same[0].Name, ids(same)))
}

// describe fills in what a step does to the policy.
func describe(step *Change) {
	if step.Live != nil {
		before := stated(step.Live.Policy, step.Desired, step.Recorded)
		step.Before = &before
	}
	if step.Action == ActionAdopt {
		step.Direction = impact.Neutral
		return
	}
	var after *policy.Policy
	if step.Desired != nil {
		after = &step.Desired.Policy
	}
	step.Direction, step.Fields = impact.Of(step.Before, after), Compare(step.Before, after)
}

// stated returns a live body without what only the account states: settings
// that Git leaves out and that are as the account answered when a request left
// them out, or, where we have sent nothing yet, that this version doesn't know
// and Git therefore can't say.
func stated(live policy.Policy, d *policy.Desired, r *policy.Recorded) policy.Policy {
	var now, answered map[string]any
	known := r != nil && r.Sent.Name != ""
	if known {
		now, answered = canonicalSettings(live), canonicalSettings(r.ReadBack)
	}
	live.Settings = maps.Clone(live.Settings)
	maps.DeleteFunc(live.Settings, func(name string, _ any) bool {
		if d != nil {
			if _, wanted := d.Settings[name]; wanted {
				return false
			}
		}
		if !known {
			return !isField(name)
		}
		_, sent := r.Sent.Settings[name]
		return !sent && reflect.DeepEqual(now[name], answered[name])
	})
	return live
}

// canonicalSettings spares the rules, which may be many.
func canonicalSettings(p policy.Policy) map[string]any {
	return policy.Canonical(policy.Policy{Settings: p.Settings}).Settings
}

func isField(name string) bool {
	return slices.ContainsFunc(policy.Fields(), func(f policy.Field) bool { return f.Name == name })
}

func (c *computation) count(s State, n int) {
	if n > 0 {
		c.plan.States[s] += n
	}
}

func ids(live []*policy.Live) string {
	all := make([]string, len(live))
	for i, l := range live {
		all[i] = l.ID
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}
