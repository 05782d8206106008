package storetest

import (
	"cmp"
	"slices"
	"testing"

	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/state"
)

func recordByKey(t *testing.T, opener Opener) {
	store := begun(t, opener)
	want := record("b", "2")
	check(t, store.Refresh(t.Context(), target, []policy.Recorded{record("a", "1"), want}))
	got, err := store.Record(t.Context(), target, "b")
	same(t, want, got, err)
	_, err = store.Record(t.Context(), target, "B")
	wantError(t, state.ErrNoRecord, err)
	_, err = store.Record(t.Context(), "staging", "b")
	wantError(t, state.ErrNoRecord, err)
}

// listing is what a store must list of records.
func listing(records []policy.Recorded) []state.Listed {
	var all []state.Listed
	for _, r := range records {
		all = append(all, state.Listed{
			Key: r.Key, ID: r.ID, Name: cmp.Or(r.Sent.Name, r.ReadBack.Name), Protect: r.Protect,
			Commit: r.Commit, File: r.File, Line: r.Line, UpdatedAt: r.UpdatedAt, AbsentSince: r.AbsentSince,
		})
	}
	return all
}

func listingIsLight(t *testing.T, opener Opener) {
	store := begun(t, opener)
	declared, adopted, nameless := record("declared", "1"), record("adopted with another body", "2"), record("z", "3")
	declared.Sent.Name, declared.ReadBack.Name, declared.Protect = "<b>&\"\u2028\U0001f511", "as the account says", false
	adopted.Sent = policy.Policy{}
	nameless.Sent, nameless.ReadBack = policy.Policy{}, policy.Policy{}
	records := []policy.Recorded{adopted, declared, nameless}
	check(t, store.Refresh(t.Context(), target, records))
	got, err := store.Listing(t.Context(), target)
	same(t, listing(records), got, err)
	none, err := store.Listing(t.Context(), "staging")
	same(t, nil, none, err)
}

// light returns changes without their bodies.
func light(changes ...state.Change) []state.Change {
	for i := range changes {
		changes[i].Before, changes[i].After = nil, nil
	}
	return changes
}

func outcomesAreLight(t *testing.T, opener Opener) {
	store := begun(t, opener)
	for _, c := range []state.Change{change("z", "failed"), change("b", "success"), change("a", "failed")} {
		check(t, store.Forget(t.Context(), c))
	}
	for result, want := range map[string][]state.Change{
		"":        light(change("z", "failed"), change("b", "success"), change("a", "failed")),
		"failed":  light(change("z", "failed"), change("a", "failed")),
		"unknown": nil,
	} {
		got, err := store.Outcomes(t.Context(), run, result)
		same(t, want, got, err)
	}
	got, err := store.Outcomes(t.Context(), "another", "")
	same(t, nil, got, err)
}

func historyNewestFirst(t *testing.T, opener Opener) {
	store := begun(t, opener)
	check(t, store.StartRun(t.Context(), startedRun("run-2")))
	later, elsewhere := change("a", "success"), change("a", "elsewhere")
	later.Run, elsewhere.Target = "run-2", "staging"
	for _, c := range []state.Change{change("a", "failed"), change("b", "success"), elsewhere, later} {
		check(t, store.Forget(t.Context(), c))
	}
	all := light(later, change("a", "failed"))
	for limit, want := range map[int][]state.Change{-1: all, 0: all, 1: all[:1], 2: all, 3: all} {
		got, err := store.History(t.Context(), target, "a", limit)
		same(t, slices.Clone(want), got, err)
	}
	got, err := store.History(t.Context(), target, "A", 0)
	same(t, nil, got, err)
}
