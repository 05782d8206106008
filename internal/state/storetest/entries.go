package storetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/state"
)

func refreshIsAtomic(t *testing.T, opener Opener) {
	store := begun(t, opener)
	first := []policy.Recorded{record("a", "1"), record("b", "2")}
	check(t, store.Refresh(t.Context(), target, first))
	moved := record("a", "1")
	moved.Commit, moved.Protect, moved.Line = "fedcba", false, 0
	unnamed := record("c", "")
	if err := store.Refresh(t.Context(), target, []policy.Recorded{moved, unnamed}); err == nil {
		t.Error("a record without an id was stored")
	}
	holdsRecords(t, store, first...)
	check(t, store.Refresh(t.Context(), target, []policy.Recorded{moved}))
	check(t, store.Refresh(t.Context(), target, nil))
	holdsRecords(t, store, moved, record("b", "2"))
	holdsChanges(t, store)
}

func recordsByKey(t *testing.T, opener Opener) {
	store := begun(t, opener)
	keys := []string{"b", "a", "B", "ä", "a b", "Ω", "a\x00b", "ab", "'; --", "10", "9"}
	var records []policy.Recorded
	for i, key := range keys {
		records = append(records, record(key, fmt.Sprint(i)))
	}
	check(t, store.Refresh(t.Context(), target, records))
	slices.SortFunc(records, func(a, b policy.Recorded) int {
		return slices.Compare([]byte(a.Key), []byte(b.Key))
	})
	holdsRecords(t, store, records...)
}

func bodiesComeBack(t *testing.T, opener Opener) {
	store := begun(t, opener)
	adopted := record("adopted with another body", "1")
	adopted.Sent = policy.Policy{}
	defaulted := record("the account added to it", "2")
	defaulted.ReadBack = policy.Policy{
		Name: "<b>&\u2028\x00\U0001f511", Decision: "a decision of tomorrow",
		Include: []policy.Rule{
			{Kind: "brand_new", Body: map[string]any{"n": json.Number("12345678901234567890.10e5"), "null": nil}},
			{Body: map[string]any{"two": true, "keys": []any{"x", json.Number("1")}}},
			{Body: "not even an object"},
		},
		Exclude:  []policy.Rule{{Kind: "everyone", Body: map[string]any{}}},
		Require:  []policy.Rule{{Kind: "geo", Body: map[string]any{"country_code": "US"}}},
		Settings: map[string]any{"session_duration": nil, "empty": map[string]any{}, "list": []any{}},
	}
	empty := record("nothing at all", "3")
	empty.Sent, empty.ReadBack = policy.Policy{}, policy.Policy{}
	unanswered := record("no answer", "4")
	unanswered.ReadBack = policy.Policy{}
	want := []policy.Recorded{adopted, unanswered, empty, defaulted}
	slices.SortFunc(want, func(a, b policy.Recorded) int { return slices.Compare([]byte(a.Key), []byte(b.Key)) })
	check(t, store.Refresh(t.Context(), target, want))
	holdsRecords(t, store, want...)
	got, err := store.Records(t.Context(), target)
	check(t, err)
	for i := range want {
		if got[i].Sent.Include == nil != (want[i].Sent.Include == nil) {
			t.Errorf("%s: the policy sent came back as %#v", want[i].Key, got[i].Sent)
		}
	}
}

func runsNewestFirst(t *testing.T, opener Opener) {
	store := open(t, opener)
	var runs []state.Run
	for i, started := range []time.Time{
		noon, noon.Add(time.Nanosecond), noon.Add(-time.Hour), noon.In(time.FixedZone("", 3600)).Add(time.Second),
		noon.Truncate(time.Second), noon,
	} {
		r := startedRun(fmt.Sprint(i))
		r.Started = started
		runs = append(runs, r)
		check(t, store.StartRun(t.Context(), r))
	}
	newest := []state.Run{runs[3], runs[1], runs[5], runs[0], runs[4], runs[2]}
	for _, limit := range []int{-1, 0, 1, 3, 6, 7} {
		want := newest
		if limit > 0 {
			want = newest[:min(limit, len(newest))]
		}
		got, err := store.Runs(t.Context(), state.RunQuery{Target: target, Limit: limit})
		same(t, want, got, err)
	}
}

func runsAsAsked(t *testing.T, opener Opener) {
	store := open(t, opener)
	for i, key := range []string{"a", "b", "a"} {
		r := startedRun(fmt.Sprint(i))
		r.Started = noon.Add(time.Duration(i) * time.Hour)
		check(t, store.StartRun(t.Context(), r))
		c := change(key, "done")
		c.Run = r.ID
		check(t, store.Forget(t.Context(), c))
	}
	hour := noon.Add(time.Hour)
	for _, tc := range []struct {
		query state.RunQuery
		want  []string
	}{
		{state.RunQuery{Since: hour}, []string{"2", "1"}},
		{state.RunQuery{Since: hour.Add(time.Nanosecond)}, []string{"2"}},
		{state.RunQuery{Policy: "a"}, []string{"2", "0"}},
		{state.RunQuery{Policy: "Policy b"}, []string{"1"}},
		{state.RunQuery{Policy: "A"}, nil},
		{state.RunQuery{Policy: "a", Limit: 1}, []string{"2"}},
		{state.RunQuery{Policy: "b", Since: hour.Add(1)}, nil},
	} {
		tc.query.Target = target
		runs, err := store.Runs(t.Context(), tc.query)
		var got []string
		for _, r := range runs {
			got = append(got, r.ID)
		}
		same(t, tc.want, got, err)
	}
}

func pruneKeepsWhatIsNeeded(t *testing.T, opener Opener) {
	store := open(t, opener)
	begin := func(id, of string, at time.Time) {
		r := startedRun(id)
		r.Target, r.Started = of, at
		check(t, store.StartRun(t.Context(), r))
		c := change(id, "done")
		c.Run, c.Target = id, of
		check(t, store.Settle(t.Context(), record(id, id), c))
	}
	begin("old", target, noon.Add(-3*time.Hour))
	begin("in doubt", target, noon.Add(-2*time.Hour))
	begin("at that time", target, noon)
	begin("latest", target, noon.Add(time.Hour))
	begin("older", "staging", noon.Add(-5*time.Hour))
	begin("the latest of all", "staging", noon.Add(-4*time.Hour))
	open := intent("a")
	open.Run = "in doubt"
	check(t, store.Intend(t.Context(), open))
	for _, want := range []int64{2, 0} {
		pruned, err := store.Prune(t.Context(), noon)
		same(t, want, pruned, err)
	}
	for of, want := range map[string][]string{target: {"latest", "at that time", "in doubt"}, "staging": {"the latest of all"}} {
		runs, err := store.Runs(t.Context(), state.RunQuery{Target: of})
		var got []string
		for _, r := range runs {
			got = append(got, r.ID)
			changes, err := store.Changes(t.Context(), r.ID)
			same(t, 1, len(changes), err)
		}
		same(t, want, got, err)
	}
	changes, err := store.Changes(t.Context(), "old")
	same(t, nil, changes, err)
	records, err := store.Records(t.Context(), target)
	same(t, 4, len(records), err)
	holdsIntents(t, store, open)
}

func auditEndHolds(t *testing.T, opener Opener) {
	store := open(t, opener)
	none, err := store.AuditEnd(t.Context())
	same(t, state.AuditEnd{}, none, err)
	want := state.AuditEnd{Seq: 2, Hash: "beef"}
	check(t, store.SetAuditEnd(t.Context(), state.AuditEnd{Seq: 1, Hash: "cafe"}))
	check(t, store.SetAuditEnd(t.Context(), want))
	check(t, store.Close())
	got, err := open(t, opener).AuditEnd(t.Context())
	same(t, want, got, err)
}

func runFinishes(t *testing.T, opener Opener) {
	store := begun(t, opener)
	runs, err := store.Runs(t.Context(), state.RunQuery{Target: target, Limit: 1})
	same(t, []state.Run{startedRun(run)}, runs, err)
	if !runs[0].Finished.IsZero() {
		t.Errorf("a run in progress finished at %v", runs[0].Finished)
	}
	finished := startedRun(run)
	finished.Commit, finished.Author, finished.Result, finished.Error = "abc", "Ann <ann@example.com>", "partial", "1 of 3 failed"
	finished.Counts = map[string]int{"created": 2, "failed": 1}
	finished.Phases = []state.Phase{{Name: "fetch", Took: 1234567 * time.Nanosecond}, {Name: "apply", Took: 2 * time.Hour, Failed: true}}
	finished.Finished = noon.Add(3 * time.Second)
	check(t, store.FinishRun(t.Context(), finished))
	check(t, store.Close())
	store = open(t, opener)
	runs, err = store.Runs(t.Context(), state.RunQuery{Target: target, Limit: 1})
	same(t, []state.Run{finished}, runs, err)
	found, err := store.Run(t.Context(), run)
	same(t, finished, found, err)
	_, err = store.Run(t.Context(), "unbegun")
	wantError(t, state.ErrNoRun, err)
}

func runOnce(t *testing.T, opener Opener) {
	store := begun(t, opener)
	again := startedRun(run)
	again.Trigger = "webhook"
	if err := store.StartRun(t.Context(), again); err == nil {
		t.Error("a run was started twice")
	}
	wantError(t, state.ErrNoRun, store.FinishRun(t.Context(), startedRun("unbegun")))
	runs, err := store.Runs(t.Context(), state.RunQuery{Target: target})
	same(t, []state.Run{startedRun(run)}, runs, err)
}

func runDrops(t *testing.T, opener Opener) {
	store := begun(t, opener)
	check(t, store.DropRun(t.Context(), run))
	wantError(t, state.ErrNoRun, store.DropRun(t.Context(), run))
	runs, err := store.Runs(t.Context(), state.RunQuery{Target: target})
	same(t, nil, runs, err)
	for id, needed := range map[string]func(state.Run){
		"intent": func(r state.Run) { i := intent("a"); i.Run = r.ID; check(t, store.Intend(t.Context(), i)) },
		"change": func(r state.Run) { c := change("b", "done"); c.Run = r.ID; check(t, store.Forget(t.Context(), c)) },
	} {
		r := startedRun(id)
		check(t, store.StartRun(t.Context(), r))
		needed(r)
		wantError(t, state.ErrNoRun, store.DropRun(t.Context(), id))
	}
}

func changesInOrder(t *testing.T, opener Opener) {
	store := begun(t, opener)
	check(t, store.StartRun(t.Context(), startedRun("run-2")))
	update := change("b", "done")
	before, after := body("before"), policy.Policy{}
	update.Before, update.After, update.At = &before, &after, noon.Add(-time.Hour)
	plain := state.Change{Run: run, Target: target, Key: "c", At: noon}
	elsewhere := change("a", "done")
	elsewhere.Run = "run-2"
	for _, c := range []state.Change{change("z", "done"), update, elsewhere, plain, change("a", "done")} {
		check(t, store.Forget(t.Context(), c))
	}
	holdsChanges(t, store, change("z", "done"), update, plain, change("a", "done"))
	second, err := store.Changes(t.Context(), "run-2")
	same(t, []state.Change{elsewhere}, second, err)
}
