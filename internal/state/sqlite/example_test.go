package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/state"
	"github.com/policysync/policysync/internal/state/sqlite"
)

// A create is noted before the request leaves, and recorded when the account
// has answered.
func ExampleOpen() {
	folder, err := os.MkdirTemp("", "state")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	ctx, path := context.Background(), filepath.Join(folder, "state.db")
	if err := create(ctx, path); err != nil {
		fmt.Println(err)
		return
	}
	reader, err := sqlite.OpenReader(ctx, path)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer reader.Close()
	records, err := reader.Records(ctx, "production")
	for _, r := range records {
		fmt.Println(r.Key, "is", r.ID)
	}
	fmt.Println(err)
	// Output:
	// engineering is f174e90a
	// <nil>
}

func create(ctx context.Context, path string) error {
	store, err := sqlite.Open(ctx, path)
	if err != nil {
		return err
	}
	defer store.Close()
	body := policy.Policy{Name: "Engineering", Decision: policy.Allow, Include: []policy.Rule{{Kind: "everyone"}}}
	run := state.Run{ID: "1", Target: "production", Trigger: "manual", Started: time.Now()}
	if err := store.StartRun(ctx, run); err != nil {
		return err
	}
	intent := state.Intent{Target: run.Target, Key: "engineering", Action: "create", Body: body, Run: run.ID, At: time.Now()}
	if err := store.Intend(ctx, intent); err != nil {
		return err
	}
	// … the request …
	return store.Settle(ctx,
		policy.Recorded{Key: "engineering", ID: "f174e90a", Sent: body, ReadBack: body},
		state.Change{Run: run.ID, Target: run.Target, Action: "create", Key: "engineering", After: &body, At: time.Now()})
}
