// Package guard says what a plan may not do.
package guard

import (
	"fmt"
	"slices"
	"strings"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/enum"
	"github.com/policysync/policysync/internal/impact"
)

// Switch is a freeze switch: while it is set, changes of its sort are held
// back.
type Switch string

// The freeze switches.
const (
	FreezeAll      Switch = "all"      // nothing is written to the account
	FreezeDeletes  Switch = "deletes"  // nothing is deleted from the account
	FreezeWidening Switch = "widening" // nothing that may let someone new in
)

// Switches returns all freeze switches.
func Switches() []Switch { return []Switch{FreezeAll, FreezeDeletes, FreezeWidening} }

// UnmarshalText accepts all, deletes and widening; its error lists them.
func (s *Switch) UnmarshalText(text []byte) error {
	return enum.Parse(s, text, "freeze", Switches()...)
}

// Freeze is a freeze switch that is set.
type Freeze struct {
	Switch Switch
	Where  string // where it is set, for the one who is to lift it
}

// String names the switch and where it is set.
func (f Freeze) String() string { return fmt.Sprintf("%s (%s)", f.Switch, f.Where) }

// Reason is why a guard held changes back; a label of metrics.
type Reason string

// The reasons.
const (
	Frozen      Reason = "frozen"       // a freeze switch is set
	TooMany     Reason = "max_changes"  // the plan alters too large a part of what is ours
	TooManyGone Reason = "max_deletes"  // the plan deletes too large a part of what is ours
	EmptySource Reason = "empty_source" // Git declares nothing at all, and the plan deletes
)

// Reasons returns all reasons.
func Reasons() []Reason { return []Reason{Frozen, TooMany, TooManyGone, EmptySource} }

// Limits say how much of what is ours one plan may touch. Creates don't count:
// they touch nothing that is there.
type Limits struct {
	MaxChanges  int // percent of our live policies that may be updated, renamed or deleted
	MaxDeletes  int // percent of our live policies that may be deleted
	MinPolicies int // with fewer live policies of ours the limits don't count
}

// Rules are all that a plan must keep to. The zero value of Limits allows no
// change of what is there once MinPolicies is reached.
type Rules struct {
	Freeze []Freeze
	Limits Limits
	Accept string // the hash of the one plan that Limits don't stop
}

// Stop is the error that tells what a guard held back.
type Stop struct {
	Reason Reason
	Held   int    // changes held back
	text   string // why, and the way on
}

// Error says what was held back, why, and the way on.
func (s *Stop) Error() string { return fmt.Sprintf("%d changes held back: %s", s.Held, s.text) }

// stop returns why the whole plan is held back, nil if it isn't.
func (l Limits) stop(plan diff.Plan) *Stop {
	if plan.Declared == 0 && plan.Count(diff.ActionDelete) > 0 {
		return &Stop{Reason: EmptySource, text: fmt.Sprintf(
			"Git declares no policy at all, and the plan deletes %d; if that is meant, let it through once with `policysync apply --accept %s`",
			plan.Count(diff.ActionDelete), plan.Hash())}
	}
	return l.exceeded(plan)
}

// Check returns the plan without the changes that the rules hold back, which
// it reports instead, and a *Stop if there are any. A plan beyond a limit is
// held back whole.
func Check(plan diff.Plan, rules Rules) (diff.Plan, error) {
	if stop := rules.Limits.stop(plan); stop != nil && plan.Hash() != rules.Accept {
		held := plan.Hold(func(diff.Change) string { return "limits: " + string(stop.Reason) })
		stop.Held = len(plan.Changes)
		return held, stop
	}
	held := plan.Hold(func(c diff.Change) string { return frozen(rules.Freeze, c) })
	if n := len(plan.Changes) - len(held.Changes); n > 0 {
		return held, &Stop{Frozen, n, fmt.Sprintf(
			"freeze is set to %s; lift it there to let them through", joined(rules.Freeze, plan.Changes))}
	}
	return held, nil
}

// exceeded returns the first limit that the plan exceeds, nil if it is none.
func (l Limits) exceeded(plan diff.Plan) *Stop {
	if plan.Owned == 0 || plan.Owned < l.MinPolicies {
		return nil
	}
	deletes := plan.Count(diff.ActionDelete)
	changes := deletes + plan.Count(diff.ActionUpdate) + plan.Count(diff.ActionRename)
	for _, check := range []struct {
		reason         Reason
		what           string
		count, percent int
	}{
		{TooManyGone, "deletes", deletes, l.MaxDeletes},
		{TooMany, "changes", changes, l.MaxChanges},
	} {
		if check.count*100 > check.percent*plan.Owned {
			return &Stop{Reason: check.reason, text: fmt.Sprintf(
				"the plan %s %d of %d policies, %d%%, and limits.%s is %d%%; look at it with `policysync plan`, and if it is right let it through once with `policysync apply --accept %s`",
				check.what, check.count, plan.Owned, check.count*100/plan.Owned, check.reason, check.percent, plan.Hash())}
		}
	}
	return nil
}

// frozen returns the switch that holds back a change, if there is one.
func frozen(set []Freeze, c diff.Change) string {
	for _, f := range set {
		if f.Switch.holds(c) {
			return "freeze: " + string(f.Switch)
		}
	}
	return ""
}

// holds reports whether the switch holds back a change. What only concerns our
// own records is never held back.
func (s Switch) holds(c diff.Change) bool {
	switch {
	case c.Action.RecordsOnly():
		return false
	case s == FreezeDeletes:
		return c.Action == diff.ActionDelete
	case s == FreezeWidening:
		return c.Direction == impact.Widens || c.Direction == impact.Both
	default:
		return true
	}
}

// joined names those of the switches that hold back any of the changes.
func joined(set []Freeze, changes []diff.Change) string {
	var names []string
	for _, f := range set {
		if slices.ContainsFunc(changes, f.Switch.holds) {
			names = append(names, f.String())
		}
	}
	return strings.Join(names, ", ")
}
