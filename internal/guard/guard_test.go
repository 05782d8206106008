package guard_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/guard"
	"github.com/policysync/policysync/internal/impact"
)

func TestFreezeHoldsBackWhatItsSwitchesSay(t *testing.T) {
	t.Parallel()
	plan := diff.Plan{Changes: []diff.Change{
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
			got, err := guard.Freeze(plan, tc.set)
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
