package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/state"
)

func TestFullStorageRefusesWritesAndKeepsWhatItHas(t *testing.T) {
	t.Parallel()
	path := statePath(t)
	store := open(t, path)
	check(t, store.StartRun(t.Context(), state.Run{ID: "run", Target: target}))
	check(t, store.Pragma(t.Context(), "max_page_count = 1"))
	stored, err := fill(t.Context(), store)
	wantError(t, err, state.ErrFull, path, "free some space")
	holdsKeys(t, store, stored)
	check(t, store.Pragma(t.Context(), "max_page_count = 1000000"))
	check(t, settle(t.Context(), store, "once more"))
	holdsKeys(t, store, append(stored, "once more"))
	check(t, store.Close())
	isSound(t, path)
}

// fill settles policies until that fails, and returns the keys settled.
func fill(ctx context.Context, store state.Store) ([]string, error) {
	for keys := []string(nil); ; {
		key := fmt.Sprintf("key %06d", len(keys))
		if err := settle(ctx, store, key); err != nil {
			return keys, err
		}
		if keys = append(keys, key); len(keys) > 10000 {
			return keys, errors.New("it never fills up")
		}
	}
}

func settle(ctx context.Context, store state.Store, key string) error {
	return store.Settle(ctx,
		policy.Recorded{Key: key, ID: "id of " + key, Sent: policy.Policy{Name: key}},
		state.Change{Run: "run", Target: target, Key: key, Action: "create"})
}

// holdsKeys fails the test unless the state has just these keys' records and
// one change for each.
func holdsKeys(t *testing.T, reader state.Reader, keys []string) {
	t.Helper()
	records, err := reader.Records(t.Context(), target)
	check(t, err)
	changes, err := reader.Changes(t.Context(), "run")
	check(t, err)
	if len(records) != len(keys) || len(changes) != len(keys) {
		t.Fatalf("%d records and %d changes of %d keys", len(records), len(changes), len(keys))
	}
	for i, key := range keys {
		if records[i].Key != key || changes[i].Key != key {
			t.Fatalf("key %d is %q in the records, %q in the changes, want %q", i, records[i].Key, changes[i].Key, key)
		}
	}
}
