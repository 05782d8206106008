package sqlite_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"testing"
	"time"

	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/state/sqlite"
)

// BenchmarkRecords reads 10,000 policies, every other of which the account
// answered with a default added.
func BenchmarkRecords(b *testing.B) {
	store := filled(b, 10000)
	for b.Loop() {
		records, err := store.Records(b.Context(), target)
		if err != nil || len(records) != 10000 {
			b.Fatal(len(records), err)
		}
	}
}

// BenchmarkListing lists 10,000 policies.
func BenchmarkListing(b *testing.B) {
	store := filled(b, 10000)
	for b.Loop() {
		listed, err := store.Listing(b.Context(), target)
		if err != nil || len(listed) != 10000 {
			b.Fatal(len(listed), err)
		}
	}
}

// BenchmarkRefresh writes 1,000 policies in one transaction.
func BenchmarkRefresh(b *testing.B) {
	store, records := filled(b, 0), many(1000)
	for b.Loop() {
		if err := store.Refresh(b.Context(), target, records); err != nil {
			b.Fatal(err)
		}
	}
}

func filled(b *testing.B, n int) *sqlite.Store {
	b.Helper()
	store, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "state.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := store.Close(); err != nil {
			b.Error(err)
		}
	})
	if err := store.Refresh(b.Context(), target, many(n)); err != nil {
		b.Fatal(err)
	}
	return store
}

func many(n int) []policy.Recorded {
	records := make([]policy.Recorded, n)
	for i := range records {
		sent := policy.Policy{
			Name: fmt.Sprintf("Policy %d", i), Decision: policy.Allow,
			Include: []policy.Rule{
				{Kind: "email_domain", Body: map[string]any{"domain": "example.com"}},
				{Kind: "group", Body: map[string]any{"id": "6d0a2f0e-5a2c-4a6e-8f3b-0d1f2c3b4a59"}},
			},
			Require:  []policy.Rule{{Kind: "geo", Body: map[string]any{"country_code": "US"}}},
			Settings: map[string]any{"session_duration": "24h", "approval_required": true},
		}
		answered := sent
		if i%2 == 1 {
			answered.Settings = maps.Clone(sent.Settings)
			answered.Settings["isolation_required"] = false
		}
		records[i] = policy.Recorded{
			Key: fmt.Sprintf("policy-%d", i), ID: fmt.Sprintf("id-%d", i), Sent: sent, ReadBack: answered,
			Commit: "6d0a2f0e5a2c4a6e8f3b0d1f2c3b4a596d0a2f0e", File: "policies/many.yaml", Line: i + 1,
			CreatedAt: time.Unix(int64(i), 0), UpdatedAt: time.Unix(int64(i), 0),
		}
	}
	return records
}
