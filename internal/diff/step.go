package diff

import (
	"maps"
	"reflect"
	"slices"

	"github.com/policysync/policysync/internal/impact"
	"github.com/policysync/policysync/internal/policy"
)

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

func (c *computation) count(s State, n int) {
	if n > 0 {
		c.plan.States[s] += n
	}
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

// stated returns a live body without what only the account states and will go on
// to: settings that Git leaves out and that are as the account answered when a
// request left them out.
func stated(live policy.Policy, d *policy.Desired, r *policy.Recorded) policy.Policy {
	if r == nil || r.Sent.Name == "" {
		return live
	}
	now, answered := canonicalSettings(live), canonicalSettings(r.ReadBack)
	live.Settings = maps.Clone(live.Settings)
	maps.DeleteFunc(live.Settings, func(name string, _ any) bool {
		_, sent := r.Sent.Settings[name]
		asAnswered := reflect.DeepEqual(now[name], answered[name]) && (r.Written || isField(name))
		return !sent && !states(d, name) && asAnswered
	})
	return live
}

// states reports whether a manifest, if there is one, states a setting.
func states(d *policy.Desired, name string) bool {
	if d == nil {
		return false
	}
	_, stated := d.Settings[name]
	return stated
}

// canonicalSettings spares the rules, which may be many.
func canonicalSettings(p policy.Policy) map[string]any {
	return policy.Canonical(policy.Policy{Settings: p.Settings}).Settings
}

func isField(name string) bool {
	return slices.ContainsFunc(policy.Fields(), func(f policy.Field) bool { return f.Name == name })
}
