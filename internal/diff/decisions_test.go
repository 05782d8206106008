package diff_test

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/doctest"
	"github.com/policysync/policysync/internal/policy"
)

var update = flag.Bool("update", false, "rewrite the table of docs/decision-table.md")

var modes = []diff.Mode{diff.CreateOnly, diff.Upsert, diff.Sync}

// decision is a row of the decision table, which stands in Compute's doc comment
// too.
type decision struct {
	name string // what Git says, what is recorded, what is live; and under which setting
	set  func(*diff.Input)
	want [3]outcome // of each of modes
}

func decisions() []decision {
	const create, adopt, update, remove, forget = "create Eng ", "adopt Eng id-1", "update Eng id-1", "delete Eng id-1", "forget Eng id-1"
	same := func(o outcome) [3]outcome { return [3]outcome{o, o, o} }
	changes := func(s diff.State, list ...string) outcome { return outcome{Changes: list, States: states{s: 1}} }
	reports := func(s diff.State, step string) outcome {
		return outcome{Reported: []string{fmt.Sprintf("%s: %s", step, s)}, States: states{s: 1}}
	}
	inSync := outcome{States: states{diff.InSync: 1}}
	return []decision{
		{"yes, none, no such name", func(in *diff.Input) {
			in.Desired = []policy.Desired{desired("a.com")}
		}, same(changes(diff.Missing, create))},

		{"yes, none, same name and body", func(in *diff.Input) {
			in.Desired, in.Live = []policy.Desired{desired("a.com")}, []policy.Live{live("id-1", "Eng", "a.com")}
		}, same(changes(diff.InSync, adopt))},
		{"yes, none, same name and body; `adopt: never`", func(in *diff.Input) {
			in.Desired, in.Live, in.Adopt = []policy.Desired{desired("a.com")}, []policy.Live{live("id-1", "Eng", "a.com")}, diff.AdoptNever
		}, same(reports(diff.Conflict, adopt))},

		{"yes, none, same name, other body", func(in *diff.Input) {
			in.Desired, in.Live = []policy.Desired{desired("a.com")}, []policy.Live{live("id-1", "Eng", "b.com")}
		}, same(reports(diff.Conflict, adopt))},
		{"yes, none, same name, other body; `adopt: always`", func(in *diff.Input) {
			in.Desired, in.Live, in.Adopt = []policy.Desired{desired("a.com")}, []policy.Live{live("id-1", "Eng", "b.com")}, diff.AdoptAlways
		}, [3]outcome{
			{Changes: []string{adopt}, Reported: []string{update + ": blocked"}, States: states{diff.Blocked: 1}},
			changes(diff.Blocked, adopt, update), changes(diff.Blocked, adopt, update),
		}},

		{"yes, none, several of that name", func(in *diff.Input) {
			in.Desired = []policy.Desired{desired("a.com")}
			in.Live = []policy.Live{live("id-1", "Eng", "a.com"), live("id-2", "Eng", "a.com")}
		}, same(reports(diff.Conflict, "adopt Eng "))},
		{"yes, none, several of that name; `adopt: always`", func(in *diff.Input) {
			in.Desired, in.Adopt = []policy.Desired{desired("a.com")}, diff.AdoptAlways
			in.Live = []policy.Live{live("id-1", "Eng", "a.com"), live("id-2", "Eng", "a.com")}
		}, same(reports(diff.Conflict, "adopt Eng "))},

		{"yes, yes, same", func(in *diff.Input) {
			in.Desired, in.Recorded = []policy.Desired{desired("a.com")}, []policy.Recorded{recorded("a.com")}
			in.Live = []policy.Live{live("id-1", "Eng", "a.com")}
		}, same(inSync)},
		{"changed, yes, same as what Git says now", func(in *diff.Input) {
			in.Desired, in.Recorded = []policy.Desired{desired("b.com")}, []policy.Recorded{recorded("a.com")}
			in.Live = []policy.Live{live("id-1", "Eng", "b.com")}
		}, same(inSync)},

		{"changed, yes, as recorded", func(in *diff.Input) {
			in.Desired, in.Recorded = []policy.Desired{desired("b.com")}, []policy.Recorded{recorded("a.com")}
			in.Live = []policy.Live{live("id-1", "Eng", "a.com")}
		}, [3]outcome{reports(diff.Blocked, update), changes(diff.Blocked, update), changes(diff.Blocked, update)}},
		{"changed, yes, as recorded; protected", func(in *diff.Input) {
			d := desired("b.com")
			d.Protect = true
			in.Desired, in.Recorded = []policy.Desired{d}, []policy.Recorded{recorded("a.com")}
			in.Live = []policy.Live{live("id-1", "Eng", "a.com")}
		}, same(reports(diff.Blocked, update))},

		{"as recorded, yes, differs; `drift: report`", func(in *diff.Input) {
			in.Desired, in.Recorded = []policy.Desired{desired("a.com")}, []policy.Recorded{recorded("a.com")}
			in.Live = []policy.Live{live("id-1", "Eng", "b.com")}
		}, same(reports(diff.Drifted, update))},
		{"as recorded, yes, differs; `drift: heal`", func(in *diff.Input) {
			in.Desired, in.Recorded = []policy.Desired{desired("a.com")}, []policy.Recorded{recorded("a.com")}
			in.Live, in.Drift = []policy.Live{live("id-1", "Eng", "b.com")}, diff.DriftHeal
		}, [3]outcome{reports(diff.Drifted, update), changes(diff.Drifted, update), changes(diff.Drifted, update)}},

		{"changed, yes, differs too", func(in *diff.Input) {
			in.Desired, in.Recorded = []policy.Desired{desired("c.com")}, []policy.Recorded{recorded("a.com")}
			in.Live = []policy.Live{live("id-1", "Eng", "b.com")}
		}, [3]outcome{reports(diff.Blocked, update), changes(diff.Blocked, update), changes(diff.Blocked, update)}},

		{"yes, yes, gone", func(in *diff.Input) {
			in.Desired, in.Recorded = []policy.Desired{desired("a.com")}, []policy.Recorded{recorded("a.com")}
		}, same(changes(diff.Missing, create))},

		{"none for the first time, yes, there", func(in *diff.Input) {
			in.Recorded, in.Live = []policy.Recorded{recorded("a.com")}, []policy.Live{live("id-1", "Eng", "a.com")}
		}, same(reports(diff.Orphaned, remove))},
		{"none, yes, there", func(in *diff.Input) {
			in.Recorded, in.Live = []policy.Recorded{orphan("a.com")}, []policy.Live{live("id-1", "Eng", "a.com")}
		}, [3]outcome{reports(diff.Orphaned, remove), reports(diff.Orphaned, remove), changes(diff.Orphaned, remove)}},
		{"none, yes, there and in use", func(in *diff.Input) {
			l := live("id-1", "Eng", "a.com")
			l.AppCount = 2
			in.Recorded, in.Live = []policy.Recorded{orphan("a.com")}, []policy.Live{l}
		}, same(reports(diff.Orphaned, remove))},
		{"none, yes, there and protected", func(in *diff.Input) {
			r := orphan("a.com")
			r.Protect = true
			in.Recorded, in.Live = []policy.Recorded{r}, []policy.Live{live("id-1", "Eng", "a.com")}
		}, same(reports(diff.Orphaned, remove))},

		{"none, yes, gone", func(in *diff.Input) {
			in.Recorded = []policy.Recorded{recorded("a.com")}
		}, same(outcome{Changes: []string{forget}, States: states{}})},

		{"none, none, there", func(in *diff.Input) {
			in.Live = []policy.Live{live("id-1", "Eng", "a.com")}
		}, same(outcome{States: states{diff.Unmanaged: 1}})},
	}
}

// TestDecisionTable has one row for each row, and each setting, of the table in
// Compute's doc comment.
func TestDecisionTable(t *testing.T) {
	t.Parallel()
	for _, row := range decisions() {
		for i, mode := range modes {
			t.Run(row.name+"/"+string(mode), func(t *testing.T) {
				t.Parallel()
				in := input(mode)
				row.set(&in)
				if d := cmp.Diff(row.want[i], outcomeOf(diff.Compute(in))); d != "" {
					t.Errorf("plan differs (-want +got):\n%s", d)
				}
			})
		}
	}
}

// The page shows the rows that are tested.
func TestDecisionTableIsDocumented(t *testing.T) {
	t.Parallel()
	var table strings.Builder
	table.WriteString("| Git | recorded | account | with | create-only | upsert | sync |\n|---|---|---|---|---|---|---|\n")
	for _, row := range decisions() {
		situation, setting, _ := strings.Cut(row.name, "; ")
		columns := strings.SplitN(situation, ", ", 3)
		columns = append(columns, setting)
		for _, want := range row.want {
			columns = append(columns, inWords(want))
		}
		table.WriteString("| " + strings.Join(columns, " | ") + " |\n")
	}
	doctest.Part(t, "../../docs/decision-table.md", "decisions", table.String(), *update)
}

// inWords is an outcome as the page tells it.
func inWords(o outcome) string {
	var all []string
	for _, change := range o.Changes {
		action, _, _ := strings.Cut(change, " ")
		all = append(all, "**"+action+"**")
	}
	for _, report := range o.Reported {
		action, _, _ := strings.Cut(report, " ")
		_, state, _ := strings.Cut(report, ": ")
		if state == string(diff.Conflict) {
			action = "conflict"
		}
		all = append(all, "report: "+action)
	}
	for state := range o.States {
		if len(all) == 0 {
			all = append(all, strings.ReplaceAll(string(state), "_", " "))
		}
	}
	return strings.Join(all, ", ")
}
