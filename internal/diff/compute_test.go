package diff_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/impact"
	"github.com/policysync/policysync/internal/policy"
)

// body returns an allow policy of that name for one e-mail domain.
func body(name, domain string) policy.Policy {
	return policy.Policy{
		Name: name, Decision: policy.Allow,
		Include: []policy.Rule{{Kind: "email_domain", Body: map[string]any{"domain": domain}}},
	}
}

func desired(domain string) policy.Desired {
	return policy.Desired{Policy: body("Eng", domain), Key: "Eng", File: "eng.yaml", Line: 1}
}

func recorded(domain string) policy.Recorded {
	return policy.Recorded{
		Key: "Eng", ID: "id-1", Sent: body("Eng", domain), ReadBack: body("Eng", domain),
		File: "eng.yaml", Line: 1,
	}
}

// orphan is a record whose policy was absent from Git at the last look too.
func orphan(domain string) policy.Recorded {
	r := recorded(domain)
	r.AbsentSince = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	return r
}

func live(id, name, domain string) policy.Live {
	return policy.Live{Policy: body(name, domain), ID: id}
}

// outcome is what a test says of a plan: "action key id" of each change and
// "action key id: state" of each report, and the counts.
type outcome struct {
	Changes  []string
	Reported []string
	States   map[diff.State]int
}

func outcomeOf(p diff.Plan) outcome {
	o := outcome{States: p.States}
	for _, c := range p.Changes {
		o.Changes = append(o.Changes, fmt.Sprintf("%s %s %s", c.Action, c.Key, c.ID))
	}
	for _, c := range p.Reported {
		o.Reported = append(o.Reported, fmt.Sprintf("%s %s %s: %s", c.Action, c.Key, c.ID, c.State))
	}
	return o
}

// input returns an Input with the defaults of the config file.
func input(mode diff.Mode) diff.Input {
	return diff.Input{
		Mode: mode, Adopt: diff.AdoptIdentical, Drift: diff.DriftReport,
		Now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC),
	}
}

type states = map[diff.State]int

// TestPlanTellsWhichExpiryComesNext of the policies that Git declares.
func TestPlanTellsWhichExpiryComesNext(t *testing.T) {
	t.Parallel()
	day := func(d int) time.Time { return time.Date(2026, 11, d, 0, 0, 0, 0, time.UTC) }
	var in diff.Input
	in.Now = day(23)
	for i, expires := range []time.Time{{}, day(30), day(22), day(25), {}} {
		d := desired("a.com")
		d.Key, d.Name, d.Expires = string(rune('a'+i)), string(rune('a'+i)), expires
		in.Desired = append(in.Desired, d)
	}
	if got := diff.Compute(in).NextExpiry; !got.Equal(day(26)) {
		t.Errorf("the next expires at %s, want the end of the 25th", got)
	}
	in.Desired = in.Desired[:1]
	if got := diff.Compute(in).NextExpiry; !got.IsZero() {
		t.Errorf("nothing expires, and the next does at %s", got)
	}
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	renamed := desired("a.com")
	renamed.Name, renamed.Key, renamed.Previously = "Engineering", "Engineering", []string{"Eng"}
	keyed := desired("a.com")
	keyed.Key = "engineering"
	expired := desired("a.com")
	expired.Expires = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	lastDay := expired
	lastDay.Expires = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	other := desired("b.com")
	other.Key, other.Name = "Ops", "Ops"
	otherName := desired("a.com")
	otherName.Name = "Ops"
	withDefault := live("id-1", "Eng", "a.com")
	withDefault.Settings = map[string]any{"session_duration": "24h"}
	legacy := live("id-1", "Eng", "a.com")
	legacy.Legacy = true

	for _, tc := range []struct {
		name string
		set  func(*diff.Input)
		want outcome
	}{
		{"a rename keeps the id", func(in *diff.Input) {
			in.Desired, in.Recorded = []policy.Desired{renamed}, []policy.Recorded{recorded("a.com")}
			in.Live = []policy.Live{live("id-1", "Eng", "a.com")}
		}, outcome{Changes: []string{"rename Engineering id-1"}, States: states{diff.Blocked: 1}}},
		{"an earlier name that isn't ours is not duplicated", func(in *diff.Input) {
			in.Desired, in.Live = []policy.Desired{renamed}, []policy.Live{live("id-1", "Eng", "a.com")}
		}, outcome{Reported: []string{"adopt Engineering id-1: conflict"}, States: states{diff.Conflict: 1}}},
		{"of several of an earlier name none is taken", func(in *diff.Input) {
			in.Desired, in.Adopt = []policy.Desired{renamed}, diff.AdoptAlways
			in.Live = []policy.Live{live("id-1", "Eng", "a.com"), live("id-2", "Eng", "b.com")}
		}, outcome{Reported: []string{"adopt Engineering : conflict"}, States: states{diff.Conflict: 1}}},
		{"nor if each bears another of the earlier names", func(in *diff.Input) {
			twice := renamed
			twice.Previously = []string{"Eng", "Dev"}
			in.Desired, in.Adopt = []policy.Desired{twice}, diff.AdoptAlways
			in.Live = []policy.Live{live("id-1", "Eng", "a.com"), live("id-2", "Dev", "b.com")}
		}, outcome{Reported: []string{"adopt Engineering : conflict"}, States: states{diff.Conflict: 1}}},
		{"a rename that the record doesn't know of yet deletes nothing", func(in *diff.Input) {
			again := renamed
			again.Previously = nil
			in.Desired, in.Recorded = []policy.Desired{again}, []policy.Recorded{orphan("a.com")}
			in.Live = []policy.Live{live("id-1", "Engineering", "a.com")}
		}, outcome{States: states{diff.InSync: 1}}},
		{"a manifest that gets a key keeps its policy", func(in *diff.Input) {
			in.Desired, in.Recorded = []policy.Desired{keyed}, []policy.Recorded{recorded("a.com")}
			in.Live = []policy.Live{live("id-1", "Eng", "a.com")}
		}, outcome{States: states{diff.InSync: 1}}},
		{"an expired manifest is absent", func(in *diff.Input) {
			in.Desired, in.Recorded = []policy.Desired{expired}, []policy.Recorded{orphan("a.com")}
			in.Live = []policy.Live{live("id-1", "Eng", "a.com")}
		}, outcome{Changes: []string{"delete Eng id-1"}, States: states{diff.Orphaned: 1}}},
		{"an expired manifest is never created", func(in *diff.Input) {
			in.Desired = []policy.Desired{expired}
		}, outcome{States: states{}}},
		{"a manifest lives through its last day", func(in *diff.Input) {
			in.Desired = []policy.Desired{lastDay}
		}, outcome{Changes: []string{"create Eng "}, States: states{diff.Missing: 1}}},
		{"a policy recorded under another manifest is not taken over", func(in *diff.Input) {
			in.Desired, in.Recorded, in.Adopt = []policy.Desired{desired("a.com"), other}, []policy.Recorded{recorded("a.com")}, diff.AdoptAlways
			in.Live = []policy.Live{live("id-1", "Ops", "a.com")} // renamed behind our back
		}, outcome{
			Reported: []string{"rename Eng id-1: drifted", "adopt Ops : conflict"},
			States:   states{diff.Drifted: 1, diff.Conflict: 1},
		}},
		{"a policy made again by hand is not duplicated", func(in *diff.Input) {
			in.Desired, in.Recorded = []policy.Desired{desired("a.com")}, []policy.Recorded{recorded("a.com")}
			in.Live = []policy.Live{live("id-9", "Eng", "b.com")}
		}, outcome{Reported: []string{"adopt Eng id-9: conflict"}, States: states{diff.Conflict: 1}}},
		{"a default that the account adds is no difference", func(in *diff.Input) {
			r := recorded("a.com")
			r.ReadBack = withDefault.Policy
			in.Desired, in.Recorded, in.Live = []policy.Desired{desired("a.com")}, []policy.Recorded{r}, []policy.Live{withDefault}
		}, outcome{States: states{diff.InSync: 1}}},
		{"an edit of a field that Git leaves out is drift", func(in *diff.Input) {
			in.Desired, in.Recorded = []policy.Desired{desired("a.com")}, []policy.Recorded{recorded("a.com")}
			in.Live = []policy.Live{withDefault}
		}, outcome{Reported: []string{"update Eng id-1: drifted"}, States: states{diff.Drifted: 1}}},
		{"an application's own policy is never adopted", func(in *diff.Input) {
			in.Desired, in.Live, in.Adopt = []policy.Desired{desired("a.com")}, []policy.Live{legacy}, diff.AdoptAlways
		}, outcome{Reported: []string{"adopt Eng id-1: conflict"}, States: states{diff.Conflict: 1}}},
		{"a create whose answer was lost is adopted, whatever the account added", func(in *diff.Input) {
			in.Desired, in.Live, in.Adopt = []policy.Desired{desired("a.com")}, []policy.Live{withDefault}, diff.AdoptNever
			in.Pending = map[string]diff.Pending{"Eng": {Action: diff.ActionCreate, Body: body("Eng", "a.com")}}
		}, outcome{Changes: []string{"adopt Eng id-1"}, States: states{diff.Missing: 1}}},
		{"a create that came to nothing is made again", func(in *diff.Input) {
			in.Desired, in.Pending = []policy.Desired{desired("a.com")}, map[string]diff.Pending{"Eng": {Action: diff.ActionCreate, Body: body("Eng", "a.com")}}
		}, outcome{Changes: []string{"create Eng "}, States: states{diff.Missing: 1}}},
		{"a create that was made twice is a conflict", func(in *diff.Input) {
			in.Desired, in.Pending = []policy.Desired{desired("a.com")}, map[string]diff.Pending{"Eng": {Action: diff.ActionCreate, Body: body("Eng", "a.com")}}
			in.Live = []policy.Live{live("id-1", "Eng", "a.com"), live("id-2", "Eng", "a.com")}
		}, outcome{Reported: []string{"adopt Eng : conflict"}, States: states{diff.Conflict: 1}}},
		{"of several, the one that a lost create made is adopted", func(in *diff.Input) {
			in.Desired, in.Pending = []policy.Desired{desired("a.com")}, map[string]diff.Pending{"Eng": {Action: diff.ActionCreate, Body: body("Eng", "a.com"), At: in.Now}}
			older := live("id-2", "Eng", "a.com")
			older.CreatedAt = in.Now.Add(-time.Hour)
			in.Live = []policy.Live{live("id-1", "Eng", "a.com"), older, live("id-3", "Eng", "b.com")}
		}, outcome{Changes: []string{"adopt Eng id-1"}, States: states{diff.Missing: 1, diff.Unmanaged: 2}}},
		{"what was there before a create is not what it made", func(in *diff.Input) {
			in.Desired, in.Pending = []policy.Desired{desired("a.com")}, map[string]diff.Pending{"Eng": {Action: diff.ActionCreate, Body: body("Eng", "a.com"), At: in.Now}}
			older := live("id-1", "Eng", "a.com")
			older.CreatedAt = in.Now.Add(-time.Hour)
			in.Live, in.Adopt = []policy.Live{older}, diff.AdoptNever
		}, outcome{Reported: []string{"adopt Eng id-1: conflict"}, States: states{diff.Conflict: 1}}},
		{"what a lost create made anew is not forgotten when Git drops it", func(in *diff.Input) {
			in.Recorded, in.Live = []policy.Recorded{recorded("a.com")}, []policy.Live{live("id-2", "Eng", "a.com")}
			in.Pending = map[string]diff.Pending{"Eng": {Action: diff.ActionCreate, Body: body("Eng", "a.com")}}
		}, outcome{Changes: []string{"adopt Eng id-2"}, States: states{diff.Orphaned: 1}}},
		{"a lost create that may still come is waited for before its record is forgotten", func(in *diff.Input) {
			in.Recorded = []policy.Recorded{recorded("a.com")}
			in.Pending = map[string]diff.Pending{"Eng": {Action: diff.ActionCreate, Body: body("Eng", "a.com"), At: in.Now.Add(-59 * time.Second)}}
		}, outcome{States: states{}}},
		{"and not for ever", func(in *diff.Input) {
			in.Recorded = []policy.Recorded{recorded("a.com")}
			in.Pending = map[string]diff.Pending{"Eng": {Action: diff.ActionCreate, Body: body("Eng", "a.com"), At: in.Now.Add(-time.Minute)}}
		}, outcome{Changes: []string{"forget Eng id-1"}, States: states{}}},
		{"a lost create that may still come is not made again", func(in *diff.Input) {
			in.Desired, in.Pending = []policy.Desired{desired("a.com")}, map[string]diff.Pending{"Eng": {Action: diff.ActionCreate, Body: body("Eng", "a.com"), At: in.Now}}
		}, outcome{Reported: []string{"create Eng : missing"}, States: states{diff.Missing: 1}}},
		{"what a lost create made is not forgotten when Git drops it", func(in *diff.Input) {
			in.Live, in.Pending = []policy.Live{withDefault}, map[string]diff.Pending{"Eng": {Action: diff.ActionCreate, Body: body("Eng", "a.com")}}
		}, outcome{Changes: []string{"adopt Eng id-1"}, States: states{diff.Orphaned: 1}}},
		{"where several may be what it made, that is a conflict though Git has dropped it", func(in *diff.Input) {
			in.Pending = map[string]diff.Pending{"Eng": {Action: diff.ActionCreate, Body: body("Eng", "a.com")}}
			in.Live = []policy.Live{live("id-1", "Eng", "a.com"), live("id-2", "Eng", "a.com")}
		}, outcome{Reported: []string{"adopt Eng : conflict"}, States: states{diff.Conflict: 1}}},
		{"what a lost create made is not forgotten when Git renames it", func(in *diff.Input) {
			in.Desired, in.Live = []policy.Desired{otherName}, []policy.Live{live("id-1", "Eng", "a.com")}
			in.Pending = map[string]diff.Pending{"Eng": {Action: diff.ActionCreate, Body: body("Eng", "a.com")}}
		}, outcome{Changes: []string{"adopt Eng id-1"}, States: states{diff.Missing: 1}}},
		{"a lost create that may still come is not made again under another name", func(in *diff.Input) {
			in.Desired = []policy.Desired{otherName}
			in.Pending = map[string]diff.Pending{"Eng": {Action: diff.ActionCreate, Body: body("Eng", "a.com"), At: in.Now}}
		}, outcome{Reported: []string{"create Eng : missing"}, States: states{diff.Missing: 1}}},
		{"nor is a policy adopted in its place", func(in *diff.Input) {
			in.Desired, in.Live = []policy.Desired{otherName}, []policy.Live{live("id-1", "Ops", "a.com")}
			in.Pending = map[string]diff.Pending{"Eng": {Action: diff.ActionCreate, Body: body("Eng", "a.com"), At: in.Now}}
		}, outcome{Reported: []string{"create Eng : missing"}, States: states{diff.Missing: 1}}},
		{"whatever its body", func(in *diff.Input) {
			in.Desired, in.Live = []policy.Desired{otherName}, []policy.Live{live("id-1", "Ops", "b.com")}
			in.Pending = map[string]diff.Pending{"Eng": {Action: diff.ActionCreate, Body: body("Eng", "a.com"), At: in.Now}}
			in.Adopt = diff.AdoptAlways
		}, outcome{Reported: []string{"create Eng : missing"}, States: states{diff.Missing: 1}}},
		{"nor when Git renames it to what is ours already", func(in *diff.Input) {
			was := recorded("a.com")
			was.Key, was.ID, was.Sent.Name, was.ReadBack.Name = "Ops", "id-2", "Ops", "Ops"
			in.Desired, in.Recorded = []policy.Desired{otherName}, []policy.Recorded{was}
			in.Live = []policy.Live{live("id-1", "Eng", "a.com"), live("id-2", "Ops", "a.com")}
			in.Pending = map[string]diff.Pending{"Eng": {Action: diff.ActionCreate, Body: body("Eng", "a.com")}}
		}, outcome{
			Changes: []string{"adopt Eng id-1"}, Reported: []string{"delete Ops id-2: orphaned"},
			States: states{diff.Missing: 1, diff.Orphaned: 1},
		}},
		{"what a lost create made goes to one manifest only", func(in *diff.Input) {
			heir := desired("a.com")
			heir.Key = "heir"
			in.Desired, in.Live = []policy.Desired{otherName, heir}, []policy.Live{live("id-1", "Eng", "a.com")}
			in.Pending = map[string]diff.Pending{"Eng": {Action: diff.ActionCreate, Body: body("Eng", "a.com")}}
		}, outcome{
			Changes: []string{"adopt Eng id-1"}, Reported: []string{"adopt heir : conflict"},
			States: states{diff.Missing: 1, diff.Conflict: 1},
		}},
		{"nor when Git gives it another key", func(in *diff.Input) {
			in.Desired, in.Live, in.Adopt = []policy.Desired{keyed}, []policy.Live{live("id-1", "Eng", "a.com")}, diff.AdoptNever
			in.Pending = map[string]diff.Pending{"Eng": {Action: diff.ActionCreate, Body: body("Eng", "a.com")}}
		}, outcome{
			Changes: []string{"adopt engineering id-1"}, States: states{diff.Missing: 1},
		}},
		{"what a lost update wrote and Git took back is no drift", func(in *diff.Input) {
			in.Desired, in.Recorded = []policy.Desired{desired("a.com")}, []policy.Recorded{recorded("a.com")}
			in.Live = []policy.Live{live("id-1", "Eng", "b.com")}
			in.Pending = map[string]diff.Pending{"Eng": {Action: diff.ActionUpdate, Body: body("Eng", "b.com")}}
		}, outcome{Changes: []string{"update Eng id-1"}, States: states{diff.Blocked: 1}}},
		{"nor where Git gives it another key", func(in *diff.Input) {
			in.Desired, in.Recorded = []policy.Desired{keyed}, []policy.Recorded{recorded("a.com")}
			in.Live = []policy.Live{live("id-1", "Eng", "b.com")}
			in.Pending = map[string]diff.Pending{"Eng": {Action: diff.ActionUpdate, Body: body("Eng", "b.com")}}
		}, outcome{Changes: []string{"update engineering id-1"}, States: states{diff.Blocked: 1}}},
		{"an expired manifest still protects", func(in *diff.Input) {
			d := expired
			d.Protect = true
			in.Desired, in.Recorded = []policy.Desired{d}, []policy.Recorded{orphan("a.com")}
			in.Live = []policy.Live{live("id-1", "Eng", "a.com")}
		}, outcome{Reported: []string{"delete Eng id-1: orphaned"}, States: states{diff.Orphaned: 1}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			in := input(diff.Sync)
			tc.set(&in)
			if d := cmp.Diff(tc.want, outcomeOf(diff.Compute(in))); d != "" {
				t.Errorf("plan differs (-want +got):\n%s", d)
			}
		})
	}
}

// TestWhatTheAccountAddsIsNoPartOfAChange sees that a setting which the account
// chose by itself is neither shown nor undone by a change of something else.
func TestWhatTheAccountAddsIsNoPartOfAChange(t *testing.T) {
	t.Parallel()
	with := func(domain string, settings map[string]any) policy.Policy {
		p := body("Eng", domain)
		p.Settings = settings
		return p
	}
	added := map[string]any{"session_duration": "24h", "future": map[string]any{"x": true}}
	for _, tc := range []struct {
		name    string
		desired map[string]any
		live    map[string]any
		want    []string
	}{
		{"as it was added", nil, added, []string{"include", "include"}},
		{"but Git states it now", map[string]any{"session_duration": "8h"}, added, []string{"include", "include", "session_duration"}},
		{"but somebody changed it", nil, map[string]any{"session_duration": "1h", "future": map[string]any{"x": false}}, []string{"include", "include", "session_duration", "future.x"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			in := input(diff.Upsert)
			in.Desired = []policy.Desired{{Policy: with("b.com", tc.desired), Key: "Eng"}}
			in.Recorded = []policy.Recorded{{Key: "Eng", ID: "id-1", Sent: with("a.com", nil), ReadBack: with("a.com", added), Written: true}}
			in.Live = []policy.Live{{ID: "id-1", Policy: with("a.com", tc.live)}}
			plan := diff.Compute(in)
			if len(plan.Changes) != 1 {
				t.Fatalf("plan = %+v", plan)
			}
			var paths []string
			for _, f := range plan.Changes[0].Fields {
				paths = append(paths, f.Path)
			}
			if d := cmp.Diff(tc.want, paths); d != "" {
				t.Errorf("fields differ (-want +got):\n%s", d)
			}
		})
	}
}

func TestAFieldThatThisVersionDoesNotKnowIsNoReasonNotToAdopt(t *testing.T) {
	t.Parallel()
	in := input(diff.CreateOnly)
	l := live("id-1", "Eng", "a.com")
	l.Settings = map[string]any{"future": "x"}
	in.Desired, in.Live = []policy.Desired{desired("a.com")}, []policy.Live{l}
	if plan := diff.Compute(in); plan.Count(diff.ActionAdopt) != 1 {
		t.Errorf("plan = %+v, want an adoption", plan)
	}
}

// TestWhatAnUpdateMayTakeAwayCounts sees that a setting which this version
// doesn't know, and which the account has shown to keep by no answer to a write
// of ours, isn't taken for what stays as it is.
func TestWhatAnUpdateMayTakeAwayCounts(t *testing.T) {
	t.Parallel()
	l := live("id-1", "Eng", "a.com")
	l.Settings = map[string]any{"future": true}
	stricter := desired("a.com")
	stricter.Include = []policy.Rule{{Kind: "email", Body: map[string]any{"email": "ann@a.com"}}}
	adopted := recorded("a.com")
	adopted.ReadBack = l.Policy
	written := adopted
	written.Written = true
	for name, tc := range map[string]struct {
		recorded []policy.Recorded
		want     impact.Direction
	}{
		"adopted now":    {nil, impact.Both},
		"adopted before": {[]policy.Recorded{adopted}, impact.Both},
		"written by us":  {[]policy.Recorded{written}, impact.Narrows},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := input(diff.Upsert)
			in.Desired, in.Recorded, in.Live, in.Adopt = []policy.Desired{stricter}, tc.recorded, []policy.Live{l}, diff.AdoptAlways
			for _, c := range diff.Compute(in).Changes {
				shown := slices.ContainsFunc(c.Fields, func(f diff.FieldChange) bool { return f.Path == "future" })
				if c.Action == diff.ActionUpdate && (c.Direction != tc.want || shown != (tc.want == impact.Both)) {
					t.Errorf("%s, fields %+v; want %s", c.Direction, c.Fields, tc.want)
				}
			}
		})
	}
}

func TestSettledBringsTheRecordUpToDate(t *testing.T) {
	t.Parallel()
	moved := desired("b.com")
	moved.File = "other.yaml"
	in := input(diff.CreateOnly)
	in.Desired, in.Recorded = []policy.Desired{moved}, []policy.Recorded{recorded("a.com")}
	in.Live = []policy.Live{live("id-1", "Eng", "b.com")}
	want := []diff.Settled{{Desired: moved, Recorded: in.Recorded[0], Live: in.Live[0]}}
	if d := cmp.Diff(want, diff.Compute(in).Settled); d != "" {
		t.Errorf("settled differs (-want +got):\n%s", d)
	}

	in.Desired = []policy.Desired{{Policy: body("Eng", "b.com"), Key: "new", File: "eng.yaml", Line: 1}}
	if got := diff.Compute(in).Settled; len(got) != 1 || got[0].Recorded.Key != "Eng" {
		t.Errorf("settled = %+v, want one recorded as Eng so far", got)
	}
}

func TestMarksSinceWhenAPolicyIsAbsentFromGit(t *testing.T) {
	t.Parallel()
	in := input(diff.CreateOnly)
	in.Recorded, in.Live = []policy.Recorded{recorded("a.com")}, []policy.Live{live("id-1", "Eng", "a.com")}
	marked := func() []time.Time {
		var since []time.Time
		for _, r := range diff.Compute(in).Marked {
			since = append(since, r.AbsentSince)
		}
		return since
	}
	if d := cmp.Diff([]time.Time{in.Now}, marked()); d != "" {
		t.Errorf("at the first look (-want +got):\n%s", d)
	}
	in.Recorded[0] = orphan("a.com")
	if d := cmp.Diff([]time.Time(nil), marked()); d != "" {
		t.Errorf("at the second look (-want +got):\n%s", d)
	}
	in.Desired = []policy.Desired{desired("b.com")} // back, and changed, which the mode holds back
	if d := cmp.Diff([]time.Time{{}}, marked()); d != "" {
		t.Errorf("when it is back (-want +got):\n%s", d)
	}
	in.Desired = []policy.Desired{desired("a.com")}
	if got := diff.Compute(in); len(got.Marked) != 0 || len(got.Settled) != 1 {
		t.Errorf("when it is back as it was: %+v", got)
	}
}

func TestMarksWhatGitProtectsThoughItIsNotInSync(t *testing.T) {
	t.Parallel()
	in := input(diff.Sync)
	d := desired("a.com")
	d.Protect = true
	in.Desired, in.Recorded = []policy.Desired{d}, []policy.Recorded{recorded("a.com")}
	in.Live = []policy.Live{live("id-1", "Eng", "edited.com")}
	got := diff.Compute(in).Marked
	if len(got) != 1 || !got[0].Protect {
		t.Fatalf("marked %+v, want the record, protected", got)
	}
	in.Recorded = got
	if got := diff.Compute(in).Marked; len(got) != 0 {
		t.Errorf("marked again: %+v", got)
	}
}

// TestWhatIsAdoptedToBeChangedCountsAsOurs because the guard's limits are parts
// of what is ours: whoever turns `adopt: always` on could else overwrite an
// account at once.
func TestWhatIsAdoptedToBeChangedCountsAsOurs(t *testing.T) {
	t.Parallel()
	in := input(diff.Upsert)
	in.Adopt = diff.AdoptAlways
	in.Desired, in.Live = []policy.Desired{desired("a.com")}, []policy.Live{live("id-1", "Eng", "b.com")}
	if plan := diff.Compute(in); plan.Owned != 1 || plan.Count(diff.ActionUpdate) != 1 {
		t.Errorf("%d ours with %d updates, want 1 and 1", plan.Owned, plan.Count(diff.ActionUpdate))
	}
}

// TestWhatALostUpdateWroteIsNoDrift though the manifest, which Git has changed
// back since, can't be carried out.
func TestWhatALostUpdateWroteIsNoDrift(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(*diff.Input){
		"protected":   func(in *diff.Input) { in.Desired[0].Protect = true },
		"create-only": func(in *diff.Input) { in.Mode = diff.CreateOnly },
		"dropped":     func(in *diff.Input) { in.Desired, in.Mode = nil, diff.Upsert },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := input(diff.Sync)
			in.Desired, in.Recorded = []policy.Desired{desired("a.com")}, []policy.Recorded{recorded("a.com")}
			in.Live = []policy.Live{live("id-1", "Eng", "b.com")}
			in.Pending = map[string]diff.Pending{"Eng": {Action: diff.ActionUpdate, Body: body("Eng", "b.com")}}
			set(&in)
			plan := diff.Compute(in)
			if len(plan.Marked) != 1 || len(plan.Reported) != 1 || plan.States[diff.Drifted] != 0 {
				t.Fatalf("plan = %+v", plan)
			}
			if got := plan.Marked[0]; !policy.Equal(got.Sent, body("Eng", "b.com")) || !policy.Equal(got.ReadBack, body("Eng", "b.com")) {
				t.Errorf("the record becomes %+v", got)
			}
		})
	}
}

func TestAConflictIsNotAwaited(t *testing.T) {
	t.Parallel()
	in := input(diff.Sync)
	moved := desired("a.com")
	moved.Key = "moved"
	in.Desired = []policy.Desired{moved}
	in.Pending = map[string]diff.Pending{"Eng": {Action: diff.ActionCreate, Body: body("Eng", "a.com")}}
	in.Live = []policy.Live{live("id-1", "Eng", "a.com"), live("id-2", "Eng", "a.com")}
	if got := diff.Compute(in); got.Awaited != 0 || got.States[diff.Conflict] == 0 {
		t.Errorf("%d awaited, states %v; want a conflict that nothing but a person ends", got.Awaited, got.States)
	}
}

func TestLapsedNamesCreatesThatMadeNothing(t *testing.T) {
	t.Parallel()
	in := input(diff.CreateOnly)
	in.Pending = map[string]diff.Pending{"Eng": {Action: diff.ActionCreate, Body: body("Eng", "a.com")}}
	in.Live = []policy.Live{live("id-1", "Eng", "b.com")}
	plan := diff.Compute(in)
	if d := cmp.Diff([]diff.Lapse{{Key: "Eng", Action: diff.ActionCreate}}, plan.Lapsed); d != "" {
		t.Errorf("lapsed differs (-want +got):\n%s", d)
	}
	in.Desired, in.Live = []policy.Desired{desired("a.com")}, nil
	if d := cmp.Diff([]diff.Lapse{{Key: "Eng", Action: diff.ActionCreate}}, diff.Compute(in).Lapsed); d != "" {
		t.Errorf("lapsed before another create differs (-want +got):\n%s", d)
	}
	moved := desired("a.com")
	moved.Key = "moved"
	in.Desired, in.Recorded = []policy.Desired{moved}, []policy.Recorded{recorded("a.com")}
	for _, in.Live = range [][]policy.Live{nil, {live("id-1", "Eng", "a.com")}} {
		in.Pending = map[string]diff.Pending{"Eng": {Action: diff.ActionUpdate, Body: body("Eng", "b.com")}}
		if d := cmp.Diff([]diff.Lapse{{Key: "Eng", Action: diff.ActionUpdate}}, diff.Compute(in).Lapsed); d != "" {
			t.Errorf("lapsed under another key differs (-want +got):\n%s", d)
		}
	}
	if !plan.Empty() || plan.States[diff.Unmanaged] != 1 {
		t.Errorf("plan = %+v, want no change and the live policy unmanaged", plan)
	}
}

func TestOrderPutsWhatLetsPeopleInLate(t *testing.T) {
	t.Parallel()
	named := func(name string, decision policy.Decision, domain string) policy.Policy {
		p := body(name, domain)
		p.Decision = decision
		return p
	}
	in := input(diff.Sync)
	in.Desired = []policy.Desired{
		{Policy: named("changed", policy.Allow, "b.com"), Key: "changed", File: "a.yaml"},
		{Policy: named("new", policy.Allow, "a.com"), Key: "new", File: "z.yaml"},
		{Policy: named("there", policy.Allow, "a.com"), Key: "there", File: "b.yaml"},
	}
	in.Recorded = []policy.Recorded{
		{Key: "changed", ID: "1", Sent: named("changed", policy.Allow, "a.com"), ReadBack: named("changed", policy.Allow, "a.com")},
		{Key: "old", ID: "2", AbsentSince: in.Now, Sent: named("old", policy.Allow, "a.com"), ReadBack: named("old", policy.Allow, "a.com")},
		{Key: "past", ID: "3", Sent: named("past", policy.Allow, "a.com"), ReadBack: named("past", policy.Allow, "a.com")},
	}
	in.Live = []policy.Live{live("1", "changed", "a.com"), live("2", "old", "a.com"), live("4", "there", "a.com")}
	plan := diff.Compute(in)
	want := []string{"create new ", "forget past 3", "adopt there 4", "update changed 1", "delete old 2"}
	if d := cmp.Diff(want, outcomeOf(plan).Changes); d != "" {
		t.Errorf("order differs (-want +got):\n%s", d)
	}
	if plan.Changes[0].Direction != impact.Widens || plan.Changes[4].Direction != impact.Narrows {
		t.Errorf("directions = %s, %s", plan.Changes[0].Direction, plan.Changes[4].Direction)
	}
}

func TestHashNamesWhatThePlanDoes(t *testing.T) {
	t.Parallel()
	plan := func(domain, liveDomain string) diff.Plan {
		in := input(diff.Upsert)
		in.Desired, in.Recorded = []policy.Desired{desired(domain)}, []policy.Recorded{recorded("a.com")}
		in.Live = []policy.Live{live("id-1", "Eng", liveDomain)}
		return diff.Compute(in)
	}
	base := plan("b.com", "a.com").Hash()
	if base != plan("b.com", "a.com").Hash() {
		t.Error("the same plan has two hashes")
	}
	for name, other := range map[string]diff.Plan{
		"another body": plan("c.com", "a.com"), "another live body": plan("b.com", "d.com"), "nothing to do": plan("a.com", "a.com"),
	} {
		if other.Hash() == base {
			t.Errorf("a plan with %s has the same hash", name)
		}
	}
}

func TestModesAreReadStrictly(t *testing.T) {
	t.Parallel()
	var settings struct {
		Mode  diff.Mode
		Adopt diff.Adoption
		Drift diff.Drift
	}
	if err := json.Unmarshal([]byte(`{"Mode":"sync","Adopt":"always","Drift":"heal"}`), &settings); err != nil {
		t.Fatal(err)
	}
	if settings.Mode != diff.Sync || settings.Adopt != diff.AdoptAlways || settings.Drift != diff.DriftHeal {
		t.Errorf("settings = %+v", settings)
	}
	err := settings.Mode.UnmarshalText([]byte("Sync"))
	if want := `mode is "Sync": want one of create-only, upsert, sync`; err == nil || err.Error() != want {
		t.Errorf("error = %v, want %s", err, want)
	}
}

func ExampleCompute() {
	plan := diff.Compute(diff.Input{
		Desired: []policy.Desired{{Key: "Eng", Policy: policy.Policy{
			Name: "Eng", Decision: policy.Allow,
			Include: []policy.Rule{{Kind: "email_domain", Body: map[string]any{"domain": "example.com"}}},
		}}},
		Mode: diff.CreateOnly, Adopt: diff.AdoptIdentical, Drift: diff.DriftReport,
	})
	for _, change := range plan.Changes {
		fmt.Println(change.Action, change.Name, change.Reason)
	}
	// Output: create Eng not in the account
}
