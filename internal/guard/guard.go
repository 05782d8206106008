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

// Stop is the error that tells what a guard held back.
type Stop struct {
	Held     int      // changes held back
	Switches []Switch // those that are set
}

// Error says what was held back and the way on.
func (s *Stop) Error() string {
	names := make([]string, len(s.Switches))
	for i, name := range s.Switches {
		names[i] = string(name)
	}
	return fmt.Sprintf("%d changes held back by freeze: %s; take the switch out of the config's freeze and of POLICYSYNC_FREEZE to let them through",
		s.Held, strings.Join(names, ", "))
}

// Freeze returns the plan without the changes that a set switch holds back,
// which it reports instead, and a *Stop if there are any.
func Freeze(plan diff.Plan, set []Switch) (diff.Plan, error) {
	before := len(plan.Changes)
	plan = plan.Hold(func(c diff.Change) string {
		for _, s := range set {
			if s.holds(c) {
				return "freeze: " + string(s)
			}
		}
		return ""
	})
	if held := before - len(plan.Changes); held > 0 {
		return plan, &Stop{held, slices.Clone(set)}
	}
	return plan, nil
}

// holds reports whether the switch holds back a change. What only concerns
// our own records is never held back.
func (s Switch) holds(c diff.Change) bool {
	switch {
	case c.Action == diff.ActionAdopt || c.Action == diff.ActionForget:
		return false
	case s == FreezeDeletes:
		return c.Action == diff.ActionDelete
	case s == FreezeWidening:
		return c.Direction == impact.Widens || c.Direction == impact.Both
	default:
		return true
	}
}
