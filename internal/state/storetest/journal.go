package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/state"
)

func newIsEmpty(t *testing.T, opener Opener) {
	store := open(t, opener)
	check(t, store.Ping(t.Context()))
	holdsRecords(t, store)
	holdsIntents(t, store)
	holdsChanges(t, store)
	runs, err := store.Runs(t.Context(), state.RunQuery{Target: target})
	same(t, nil, runs, err)
}

func targetsAreApart(t *testing.T, opener Opener) {
	store := begun(t, opener)
	elsewhere := intent("a")
	elsewhere.Target = "staging"
	other := change("b", "failed")
	other.Target = "staging"
	check(t, store.Intend(t.Context(), intent("a")))
	check(t, store.Intend(t.Context(), elsewhere))
	check(t, store.Settle(t.Context(), record("b", "1"), other))
	check(t, store.Settle(t.Context(), record("b", "1"), change("b", "done")))
	check(t, store.Forget(t.Context(), other))
	holdsRecords(t, store, record("b", "1"))
	holdsIntents(t, store, intent("a"))
	staging, err := store.Records(t.Context(), "staging")
	same(t, nil, staging, err)
	runs, err := store.Runs(t.Context(), state.RunQuery{Target: "staging"})
	same(t, nil, runs, err)
}

func intentOutlives(t *testing.T, opener Opener) {
	store := begun(t, opener)
	check(t, store.Intend(t.Context(), intent("b")))
	check(t, store.Intend(t.Context(), intent("a")))
	check(t, store.Close())
	holdsIntents(t, open(t, opener), intent("a"), intent("b"))
}

func oneIntentPerKey(t *testing.T, opener Opener) {
	store := begun(t, opener)
	check(t, store.Intend(t.Context(), intent("a")))
	second := intent("a")
	second.Action = "update"
	wantError(t, state.ErrIntentOpen, store.Intend(t.Context(), second))
	holdsIntents(t, store, intent("a"))
}

func runIsNeeded(t *testing.T, opener Opener) {
	store := open(t, opener)
	wantError(t, state.ErrNoRun, store.Intend(t.Context(), intent("a")))
	wantError(t, state.ErrNoRun, store.Settle(t.Context(), record("a", "1"), change("a", "done")))
	wantError(t, state.ErrNoRun, store.Forget(t.Context(), change("a", "done")))
	wantError(t, state.ErrNoRun, store.FinishRun(t.Context(), startedRun(run)))
	holdsRecords(t, store)
	holdsIntents(t, store)
	holdsChanges(t, store)
}

func settleDoesAll(t *testing.T, opener Opener) {
	store := begun(t, opener)
	check(t, store.Intend(t.Context(), intent("a")))
	check(t, store.Intend(t.Context(), intent("b")))
	check(t, store.Settle(t.Context(), record("a", "1"), change("a", "done")))
	check(t, store.Close())
	again := open(t, opener)
	holdsRecords(t, again, record("a", "1"))
	holdsIntents(t, again, intent("b"))
	holdsChanges(t, again, change("a", "done"))
}

func settleWithoutIntent(t *testing.T, opener Opener) {
	store := begun(t, opener)
	check(t, store.Settle(t.Context(), record("a", "1"), change("a", "adopted")))
	check(t, store.Settle(t.Context(), record("a", "2"), change("a", "created again")))
	holdsRecords(t, store, record("a", "2"))
	holdsChanges(t, store, change("a", "adopted"), change("a", "created again"))
}

func settleOtherKey(t *testing.T, opener Opener) {
	store := begun(t, opener)
	if err := store.Settle(t.Context(), record("b", "1"), change("a", "done")); err == nil {
		t.Error("a record was stored under another key than its change's")
	}
	holdsRecords(t, store)
	holdsChanges(t, store)
}

func newKeyReplaces(t *testing.T, opener Opener) {
	store := begun(t, opener)
	check(t, store.Settle(t.Context(), record("old", "1"), change("old", "done")))
	check(t, store.Settle(t.Context(), record("other", "2"), change("other", "done")))
	check(t, store.Settle(t.Context(), record("new", "1"), change("new", "renamed")))
	holdsRecords(t, store, record("new", "1"), record("other", "2"))
}

func keysSwap(t *testing.T, opener Opener) {
	store := begun(t, opener)
	check(t, store.Refresh(t.Context(), target, []policy.Recorded{record("a", "1"), record("b", "2")}))
	check(t, store.Refresh(t.Context(), target, []policy.Recorded{record("b", "1"), record("a", "2")}))
	holdsRecords(t, store, record("a", "2"), record("b", "1"))
	check(t, store.Settle(t.Context(), record("a", "1"), change("a", "renamed")))
	check(t, store.Settle(t.Context(), record("b", "2"), change("b", "renamed")))
	holdsRecords(t, store, record("a", "1"), record("b", "2"))
}

func forgetRemoves(t *testing.T, opener Opener) {
	store := begun(t, opener)
	check(t, store.Refresh(t.Context(), target, []policy.Recorded{record("a", "1"), record("b", "2")}))
	check(t, store.Intend(t.Context(), intent("a")))
	check(t, store.Forget(t.Context(), change("a", "deleted")))
	check(t, store.Forget(t.Context(), change("never there", "deleted")))
	holdsRecords(t, store, record("b", "2"))
	holdsIntents(t, store)
	holdsChanges(t, store, change("a", "deleted"), change("never there", "deleted"))
}

func abandonCloses(t *testing.T, opener Opener) {
	store := begun(t, opener)
	check(t, store.Refresh(t.Context(), target, []policy.Recorded{record("a", "1")}))
	check(t, store.Intend(t.Context(), intent("a")))
	check(t, store.Abandon(t.Context(), change("a", "failed")))
	holdsRecords(t, store, record("a", "1"))
	holdsIntents(t, store)
	holdsChanges(t, store, change("a", "failed"))
	check(t, store.Intend(t.Context(), intent("a")))
}

func doubtKeeps(t *testing.T, opener Opener) {
	store := begun(t, opener)
	check(t, store.Intend(t.Context(), intent("a")))
	check(t, store.Doubt(t.Context(), change("a", "unknown"), false))
	holdsIntents(t, store, intent("a"))
	holdsChanges(t, store, change("a", "unknown"))
	wantError(t, state.ErrIntentOpen, store.Intend(t.Context(), intent("a")))
	check(t, store.Doubt(t.Context(), change("a", "unknown"), true))
	answered := intent("a")
	answered.Answered = true
	holdsIntents(t, store, answered)
}

func intentIsNeeded(t *testing.T, opener Opener) {
	store := begun(t, opener)
	check(t, store.Intend(t.Context(), intent("b")))
	wantError(t, state.ErrNoIntent, store.Abandon(t.Context(), change("a", "failed")))
	wantError(t, state.ErrNoIntent, store.Doubt(t.Context(), change("a", "unknown"), true))
	holdsIntents(t, store, intent("b"))
	holdsChanges(t, store)
}

func refusedIsUndone(t *testing.T, opener Opener) {
	store := begun(t, opener)
	check(t, store.Intend(t.Context(), intent("a")))
	orphan := change("a", "done")
	orphan.Run = "never started"
	wantError(t, state.ErrNoRun, store.Settle(t.Context(), record("a", "1"), orphan))
	wantError(t, state.ErrNoRun, store.Abandon(t.Context(), orphan))
	wantError(t, state.ErrNoRun, store.Forget(t.Context(), orphan))
	holdsRecords(t, store)
	holdsIntents(t, store, intent("a"))
}

func endedContextIsUndone(t *testing.T, opener Opener) {
	store := begun(t, opener)
	check(t, store.Intend(t.Context(), intent("a")))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	wantError(t, context.Canceled, store.Settle(ended, record("a", "1"), change("a", "done")))
	wantError(t, context.Canceled, store.Intend(ended, intent("b")))
	_, err := store.Records(ended, target)
	wantError(t, context.Canceled, err)
	holdsRecords(t, store)
	holdsIntents(t, store, intent("a"))
}

func suspensionHolds(t *testing.T, opener Opener) {
	store := open(t, opener)
	want := state.Suspension{Target: target, Reason: "incident 7", By: "ann@example.com", Since: noon}
	check(t, store.Suspend(t.Context(), state.Suspension{Target: target, Reason: "first", Since: noon, Until: noon.Add(time.Hour)}))
	check(t, store.Suspend(t.Context(), want))
	other := state.Suspension{Target: "staging", Reason: "a migration", Since: noon, Until: noon.Add(time.Hour)}
	check(t, store.Suspend(t.Context(), other))
	check(t, store.Close())
	store = open(t, opener)
	holdsSuspension(t, store, target, want)
	holdsSuspension(t, store, "staging", other)
	check(t, store.Resume(t.Context(), target))
	check(t, store.Resume(t.Context(), target))
	holdsSuspension(t, store, target, state.Suspension{})
	holdsSuspension(t, store, "staging", other)
}

func notesNewestFirst(t *testing.T, opener Opener) {
	store := open(t, opener)
	first := state.Note{Target: target, At: noon, What: state.WasSuspended, By: "ann@example.com", Text: "incident 7"}
	later := state.Note{Target: target, At: noon.Add(time.Hour), What: state.WasResumed}
	check(t, store.Note(t.Context(), []state.Note{first, later}))
	check(t, store.Note(t.Context(), []state.Note{first, {Target: "staging", At: noon, What: state.WasStarted}}))
	check(t, store.Close())
	store = open(t, opener)
	got, err := store.Notes(t.Context(), target, 0)
	same(t, []state.Note{later, first}, got, err)
	got, err = store.Notes(t.Context(), target, 1)
	same(t, []state.Note{later}, got, err)
	_, err = store.Prune(t.Context(), noon.Add(time.Minute))
	check(t, err)
	got, err = store.Notes(t.Context(), target, 0)
	same(t, []state.Note{later}, got, err)
}

func manyWriters(t *testing.T, opener Opener) {
	store := begun(t, opener)
	var writers sync.WaitGroup
	var want []policy.Recorded
	for i := range 20 {
		key := fmt.Sprintf("key-%02d", i)
		want = append(want, record(key, key))
		writers.Go(func() {
			if err := errors.Join(
				store.Intend(t.Context(), intent(key)),
				store.Settle(t.Context(), record(key, key), change(key, "done")),
			); err != nil {
				t.Error(err)
			}
			if _, err := store.Records(t.Context(), target); err != nil {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	holdsRecords(t, store, want...)
	holdsIntents(t, store)
}

func closedIsClosed(t *testing.T, opener Opener) {
	store := begun(t, opener)
	check(t, store.Close())
	if _, err := store.Records(t.Context(), target); err == nil {
		t.Error("a closed store answered")
	}
	if err := store.Intend(t.Context(), intent("a")); err == nil {
		t.Error("a closed store took an intent")
	}
	if err := store.Ping(t.Context()); err == nil {
		t.Error("a closed store answers a ping")
	}
}

func wantError(t *testing.T, want, got error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("error is %v, want %v", got, want)
	}
}
