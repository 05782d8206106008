package diff_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/policy"
)

func TestTakeOverRecordsWhatIsClaimedOnce(t *testing.T) {
	t.Parallel()
	in := input(diff.Sync)
	legacy := live("legacy", "Legacy", "a.com")
	legacy.Legacy = true
	in.Live = []policy.Live{
		live("id-1", "Eng", "a.com"), live("id-2", "Ops", "a.com"), live("id-3", "Twin", "a.com"), live("id-4", "Twin", "a.com"),
		live("id-5", "Renamed since", "a.com"), live("id-6", "Doubt", "a.com"), live("id-7", "Taken", "a.com"), live("id-8", "Free", "a.com"), legacy,
	}
	ours := recorded("a.com")
	ours.Key, ours.ID = "Taken", "id-2"
	in.Recorded = []policy.Recorded{ours}
	in.Pending = map[string]diff.Pending{"Doubt": {Action: diff.ActionCreate}}
	claims := []diff.Claim{
		{"id-1", "Eng"},
		{"id-1", "Eng"},
		{"id-2", "Ops"},
		{"id-3", "Twin"},
		{"id-4", "Twin"},
		{"id-5", "Old name"},
		{"id-6", "Doubt"},
		{"id-7", "Taken"},
		{"id-8", "Taken"},
		{"gone", "Gone"},
		{"legacy", "Legacy"},
	}
	for range 2 {
		plan, refused := diff.TakeOver(in, claims)
		var got []string
		for _, c := range plan.Changes {
			got = append(got, fmt.Sprintf("%s %s as %s", c.Action, c.ID, c.Key))
			if !c.Desired.Protect || !policy.Equal(c.Desired.Policy, c.Live.Policy) {
				t.Errorf("%s is to be recorded as %+v", c.ID, c.Desired)
			}
		}
		for _, r := range refused {
			got = append(got, r.ID+": "+r.Why)
		}
		slices.Sort(got)
		if d := cmp.Diff([]string{
			"adopt id-1 as Eng", "adopt id-5 as Old name", "adopt id-8 as Free",
			"gone: the account has no policy of that id",
			`id-3: 2 policies would be known as "Twin": rename all but one, or take over one of them`,
			`id-4: 2 policies would be known as "Twin": rename all but one, or take over one of them`,
			"id-6: \"Doubt\" is what another policy is known as in the recorded state, see `policysync status`: rename one of them",
			"id-7: \"Taken\" is what another policy is known as in the recorded state, see `policysync status`: rename one of them",
			"legacy: it belongs to one application and isn't reusable",
		}, got); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		slices.Reverse(claims)
	}
}

// undeclared is a record as TakeOver makes it.
func undeclared(domain string) policy.Recorded {
	r := recorded(domain)
	r.Protect, r.File, r.Line = true, "", 0
	return r
}

func TestWhatIsTakenOverIsLeftAloneUntilGitDeclaresIt(t *testing.T) {
	t.Parallel()
	in := input(diff.Sync)
	in.Recorded, in.Live = []policy.Recorded{undeclared("a.com")}, []policy.Live{live("id-1", "Eng", "a.com")}
	for range 2 { // there is no second look
		got := outcomeOf(diff.Compute(in))
		if d := cmp.Diff(outcome{States: states{diff.Unmanaged: 1}}, got); d != "" {
			t.Errorf("while no manifest declares it (-want +got):\n%s", d)
		}
		in.Now = in.Now.Add(time.Hour)
	}
	in.Desired = []policy.Desired{desired("a.com")}
	if d := cmp.Diff(outcome{States: states{diff.InSync: 1}}, outcomeOf(diff.Compute(in))); d != "" {
		t.Errorf("once one does (-want +got):\n%s", d)
	}
	in.Live = append(in.Live, live("id-2", "Eng", "b.com")) // the id decides, not the name
	if d := cmp.Diff(outcome{States: states{diff.InSync: 1, diff.Unmanaged: 1}}, outcomeOf(diff.Compute(in))); d != "" {
		t.Errorf("beside a namesake (-want +got):\n%s", d)
	}
	in.Desired[0].Name, in.Desired[0].Key, in.Desired[0].Previously = "Engineers", "Engineers", []string{"Eng"}
	if d := cmp.Diff([]string{"rename Engineers id-1"}, outcomeOf(diff.Compute(in)).Changes); d != "" {
		t.Errorf("under another name (-want +got):\n%s", d)
	}
}
