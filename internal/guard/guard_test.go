package guard_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/guard"
	"github.com/policysync/policysync/internal/impact"
)

func TestFreezeHoldsBackWhatItsSwitchesSay(t *testing.T) {
	t.Parallel()
	plan := diff.Plan{Declared: 4, Changes: []diff.Change{
		{Action: diff.ActionCreate, Key: "wide", Direction: impact.Widens},
		{Action: diff.ActionCreate, Key: "narrow", Direction: impact.Narrows},
		{Action: diff.ActionAdopt, Key: "found", Direction: impact.Neutral},
		{Action: diff.ActionUpdate, Key: "both", Direction: impact.Both},
		{Action: diff.ActionForget, Key: "gone", Direction: impact.Neutral},
		{Action: diff.ActionDelete, Key: "old", Direction: impact.Narrows},
		{Action: diff.ActionDelete, Key: "old deny", Direction: impact.Widens},
	}}
	for _, tc := range []struct {
		name string
		set  []guard.Switch
		held []string
	}{
		{"none", nil, nil},
		{"all", []guard.Switch{guard.FreezeAll}, []string{"wide", "narrow", "both", "old", "old deny"}},
		{"deletes", []guard.Switch{guard.FreezeDeletes}, []string{"old", "old deny"}},
		{"widening", []guard.Switch{guard.FreezeWidening}, []string{"wide", "both", "old deny"}},
		{"two", []guard.Switch{guard.FreezeDeletes, guard.FreezeWidening}, []string{"wide", "both", "old", "old deny"}},
		{"an unknown one holds everything", []guard.Switch{"al"}, []string{"wide", "narrow", "both", "old", "old deny"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := guard.Check(plan, guard.Rules{Freeze: setIn("the config", tc.set...)})
			var held []string
			for _, c := range got.Reported {
				held = append(held, c.Key)
			}
			if d := cmp.Diff(tc.held, held); d != "" {
				t.Errorf("held differs (-want +got):\n%s", d)
			}
			if len(got.Changes)+len(held) != len(plan.Changes) {
				t.Errorf("%d changes go on and %d are held, of %d", len(got.Changes), len(held), len(plan.Changes))
			}
			stop, stopped := errors.AsType[*guard.Stop](err)
			if stopped != (len(held) > 0) || stopped && stop.Held != len(held) {
				t.Errorf("error %v with %d held", err, len(held))
			}
		})
	}
}

// setIn returns switches that are set at a place.
func setIn(where string, switches ...guard.Switch) []guard.Freeze {
	var set []guard.Freeze
	for _, s := range switches {
		set = append(set, guard.Freeze{Switch: s, Where: where})
	}
	return set
}

func TestAFreezeSaysWhereTheSwitchesAreThatHold(t *testing.T) {
	t.Parallel()
	plan := diff.Plan{Declared: 1, Changes: []diff.Change{{Action: diff.ActionCreate, Key: "new", Direction: impact.Widens}}}
	set := append(setIn("POLICYSYNC_FREEZE", guard.FreezeAll), setIn("/state/freeze", guard.FreezeDeletes, guard.FreezeWidening)...)
	_, err := guard.Check(plan, guard.Rules{Freeze: set})
	want := "1 changes held back: freeze is set to all (POLICYSYNC_FREEZE), widening (/state/freeze); lift it there to let them through"
	if err == nil || err.Error() != want {
		t.Errorf("error is\n%v, want\n%s", err, want)
	}
}

// owning returns a plan of so many updates, deletes and creates in an account
// where so many policies are ours.
func owning(owned, updates, deletes, creates int) diff.Plan {
	plan := diff.Plan{Owned: owned, Declared: owned - deletes + creates}
	for action, n := range map[diff.Action]int{diff.ActionUpdate: updates, diff.ActionDelete: deletes, diff.ActionCreate: creates} {
		for range n {
			plan.Changes = append(plan.Changes, diff.Change{Action: action})
		}
	}
	return plan
}

func TestLimits(t *testing.T) {
	t.Parallel()
	limits := guard.Limits{MaxChanges: 50, MaxDeletes: 10, MinPolicies: 10}
	for _, tc := range []struct {
		name   string
		plan   diff.Plan
		reason guard.Reason // empty: let through
	}{
		{"nothing", owning(100, 0, 0, 0), ""},
		{"creates don't count", owning(100, 0, 0, 500), ""},
		{"half may change", owning(100, 50, 0, 0), ""},
		{"more may not", owning(100, 51, 0, 1), guard.TooMany},
		{"a tenth may go", owning(100, 0, 10, 0), ""},
		{"more may not go", owning(100, 0, 11, 0), guard.TooManyGone},
		{"deletes are changes", owning(100, 41, 10, 0), guard.TooMany},
		{"of few policies all may change", owning(9, 9, 0, 0), ""},
		{"but not all may go", owning(9, 0, 9, 0), guard.EmptySource},
		{"most may", owning(9, 0, 8, 0), ""},
		{"from ten on they may not", owning(10, 0, 2, 0), guard.TooManyGone},
		{"not even by rounding", owning(19, 0, 2, 0), guard.TooManyGone},
		{"nothing is ours", owning(0, 0, 0, 3), ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := guard.Check(tc.plan, guard.Rules{Limits: limits})
			stop, stopped := errors.AsType[*guard.Stop](err)
			if !stopped {
				if err != nil || tc.reason != "" || len(got.Changes) != len(tc.plan.Changes) {
					t.Errorf("let through: %v, want %q", err, tc.reason)
				}
				return
			}
			if stop.Reason != tc.reason || stop.Held != len(tc.plan.Changes) || len(got.Changes) != 0 || len(got.Reported) != stop.Held {
				t.Errorf("stopped by %s with %d of %d held, want %q and all", stop.Reason, stop.Held, len(tc.plan.Changes), tc.reason)
			}
		})
	}
}

func TestAnAcceptedPlanPassesItsLimitsAndNoOtherDoes(t *testing.T) {
	t.Parallel()
	plan, other := owning(100, 0, 60, 0), owning(100, 0, 61, 0)
	rules := guard.Rules{Limits: guard.Limits{MaxChanges: 50, MaxDeletes: 10, MinPolicies: 10}}
	_, err := guard.Check(plan, rules)
	if want := "`policysync apply --accept " + plan.Hash() + "`"; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("error %v, want it to end in %s", err, want)
	}
	if want := "60 changes held back: the plan deletes 60 of 100 policies, 60%, and limits.max_deletes is 10%;"; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error %v, want it to begin with %s", err, want)
	}
	rules.Accept = plan.Hash()
	if _, err := guard.Check(plan, rules); err != nil {
		t.Errorf("the accepted plan is stopped: %v", err)
	}
	if _, err := guard.Check(other, rules); err == nil {
		t.Error("another plan passes")
	}
	rules.Freeze = setIn("the config", guard.FreezeDeletes)
	if _, err := guard.Check(plan, rules); err == nil {
		t.Error("an accepted plan passes a freeze")
	}
}
