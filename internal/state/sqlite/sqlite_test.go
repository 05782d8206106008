package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/state"
	"github.com/policysync/policysync/internal/state/sqlite"
	"github.com/policysync/policysync/internal/state/storetest"
)

var (
	_ state.Store  = (*sqlite.Store)(nil)
	_ state.Reader = (*sqlite.Reader)(nil)
)

func TestStoreKeepsTheContract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Opener {
		path := filepath.Join(t.TempDir(), "state.db")
		return func() (state.Store, error) { return sqlite.Open(t.Context(), path) }
	})
}

const target = "production"

// statePath returns where a state file may come, in a folder of its own.
func statePath(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "state", "state.db")
}

func open(t *testing.T, path string) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { check(t, store.Close()) })
	return store
}

// written returns the path of a closed state that holds sample.
func written(t *testing.T) string {
	t.Helper()
	path := statePath(t)
	store := open(t, path)
	check(t, store.Refresh(t.Context(), target, sample()))
	check(t, store.Close())
	return path
}

func sample() []policy.Recorded {
	engineering := policy.Policy{
		Name: "Engineering", Decision: policy.Allow,
		Include: []policy.Rule{{Kind: "email_domain", Body: map[string]any{"domain": "example.com"}}},
	}
	return []policy.Recorded{{Key: "engineering", ID: "0a1b", Sent: engineering, ReadBack: engineering, File: "a.yaml", Line: 3}}
}

// holdsSample fails the test unless the reader returns sample.
func holdsSample(t *testing.T, reader state.Reader) {
	t.Helper()
	got, err := reader.Records(t.Context(), target)
	check(t, err)
	if diff := cmp.Diff(sample(), got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
