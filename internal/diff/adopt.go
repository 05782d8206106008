package diff

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/policysync/policysync/internal/impact"
	"github.com/policysync/policysync/internal/policy"
)

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

// withNamesake decides about a manifest whose name one live policy bears that
// isn't ours. It is not adopted while a create may still take effect, whose
// journal entry that would close.
func (c *computation) withNamesake(step Change, l policy.Live) {
	step.Live, step.ID = &l, l.ID
	switch {
	case c.Adopt == AdoptNever:
		c.conflict(step, fmt.Sprintf("the live policy %s bears this name and isn't ours (adopt: never)", l.ID))
	case !l.Legacy && policy.Equal(step.Desired.Policy, l.Known()):
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

// withoutName decides about a manifest whose name no live policy bears.
func (c *computation) withoutName(step Change) {
	switch earlier := c.formerly(step.Desired); {
	case len(earlier) > 1:
		c.several(step, earlier)
	case len(earlier) == 1:
		l := earlier[0]
		step.Live, step.ID = l, l.ID
		c.claimed[l.ID] = true
		c.adoptOther(step, fmt.Sprintf("the live policy %s bears the earlier name %q and isn't ours", l.ID, l.Name))
	case !c.awaits(step):
		step.Action, step.State = ActionCreate, Missing
		c.lapse(step.Key, c.Pending[step.Key].Action == ActionDelete)
		c.change(step, Missing)
	}
}

// formerly returns the live policies that bear an earlier name of a manifest
// and aren't ours.
func (c *computation) formerly(d *policy.Desired) []*policy.Live {
	var all []*policy.Live
	for _, earlier := range d.Previously {
		for _, l := range c.named[earlier] {
			if _, taken := c.owner[l.ID]; !taken {
				all = append(all, l)
			}
		}
	}
	return all
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

// several reports that nobody can tell which of several policies is meant.
func (c *computation) several(step Change, same []*policy.Live) {
	for _, l := range same {
		c.claimed[l.ID] = true
	}
	c.conflict(step, fmt.Sprintf("%d live policies bear the name %s: %s; delete or rename all but one",
		len(same), each(same, func(l *policy.Live) string { return strconv.Quote(l.Name) }, " or "),
		each(same, func(l *policy.Live) string { return l.ID }, ", ")))
}

// each returns what there is to say of live policies, each thing once, sorted.
func each(live []*policy.Live, say func(*policy.Live) string, between string) string {
	all := make([]string, len(live))
	for i, l := range live {
		all[i] = say(l)
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), between)
}
