// Package storetest holds the tests that every store of the state must pass.
package storetest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/state"
)

// Opener opens one and the same store, also again after it was closed.
type Opener func() (state.Store, error)

// Run tests a kind of store. Each call of fresh makes a place for one that
// holds nothing yet.
func Run(t *testing.T, fresh func(t *testing.T) Opener) {
	t.Helper()
	tests := map[string]func(*testing.T, Opener){
		"a new store holds nothing":                        newIsEmpty,
		"targets don't see each other":                     targetsAreApart,
		"an intent outlives its writer":                    intentOutlives,
		"a key has one open intent":                        oneIntentPerKey,
		"what belongs to a run needs the run":              runIsNeeded,
		"settling records, closes and appends":             settleDoesAll,
		"settling needs no intent":                         settleWithoutIntent,
		"settling under another key is refused":            settleOtherKey,
		"a policy under a new key leaves the old one":      newKeyReplaces,
		"policies may swap their keys":                     keysSwap,
		"forgetting removes record and intent":             forgetRemoves,
		"abandoning closes the intent and keeps records":   abandonCloses,
		"doubt keeps the intent open":                      doubtKeeps,
		"abandon and doubt need an intent":                 intentIsNeeded,
		"a refused write leaves no trace":                  refusedIsUndone,
		"an ended context leaves no trace":                 endedContextIsUndone,
		"refresh replaces all or none":                     refreshIsAtomic,
		"records come by key":                              recordsByKey,
		"a record comes by its key":                        recordByKey,
		"a listing is the records without bodies":          listingIsLight,
		"outcomes are changes without bodies":              outcomesAreLight,
		"a policy's history comes newest first":            historyNewestFirst,
		"bodies come back whole":                           bodiesComeBack,
		"runs come newest first, as many as asked":         runsNewestFirst,
		"runs come as asked for":                           runsAsAsked,
		"pruning keeps what is needed":                     pruneKeepsWhatIsNeeded,
		"the end of the audit file comes back":             auditEndHolds,
		"a run is open until it is finished":               runFinishes,
		"a run can't be started twice or finished unbegun": runOnce,
		"a run that came to nothing can be dropped":        runDrops,
		"changes come in order and whole":                  changesInOrder,
		"a suspension holds until it is resumed":           suspensionHolds,
		"notes come newest first, and once":                notesNewestFirst,
		"many may write at once":                           manyWriters,
		"closed is closed":                                 closedIsClosed,
		"any sequence equals a simple model":               equalsModel,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, fresh(t))
		})
	}
}

// open opens the store and closes it with the test.
func open(t *testing.T, opener Opener) state.Store {
	t.Helper()
	store, err := opener()
	if err != nil {
		t.Fatalf("open the store: %v", err)
	}
	t.Cleanup(func() { check(t, store.Close()) })
	return store
}

// begun opens the store and starts a run, named run, of target, named target.
func begun(t *testing.T, opener Opener) state.Store {
	t.Helper()
	store := open(t, opener)
	check(t, store.StartRun(t.Context(), startedRun(run)))
	return store
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// same fails the test unless what the store returned is what was wanted. Nil
// and empty are the same, as they are in the JSON that a store keeps.
func same[T any](t *testing.T, want, got T, err error) {
	t.Helper()
	check(t, err)
	if diff := difference(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func difference[T any](want, got T) string { return cmp.Diff(want, got, cmpopts.EquateEmpty()) }

func holdsRecords(t *testing.T, store state.Reader, want ...policy.Recorded) {
	t.Helper()
	got, err := store.Records(t.Context(), target)
	same(t, want, got, err)
}

func holdsIntents(t *testing.T, store state.Reader, want ...state.Intent) {
	t.Helper()
	got, err := store.Intents(t.Context(), target)
	same(t, want, got, err)
}

func holdsChanges(t *testing.T, store state.Reader, want ...state.Change) {
	t.Helper()
	got, err := store.Changes(t.Context(), run)
	same(t, want, got, err)
}

func holdsSuspension(t *testing.T, store state.Reader, of string, want state.Suspension) {
	t.Helper()
	got, err := store.Suspension(t.Context(), of)
	same(t, want, got, err)
}
