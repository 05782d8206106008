// Package apply carries a plan out: each change once, with a journal entry
// durable before each request leaves, a bounded number at a time.
//
//	create, update, rename, delete:
//	    intend ─► request ─► answered    settle  (record, or forget; close the intent)
//	                      ├► no effect   abandon (close the intent)
//	                      └► don't know  doubt   (leave the intent: the next plan looks)
//	adopt, forget:
//	    a record only, no request
//
// Changes of one stage of the plan end before those of the next begin.
package apply

import (
	"context"
	"time"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/state"
)

// Account is where changes are made. It must be safe for concurrent use. Once
// a request that writes has left, it must be seen to its end though ctx has
// ended. It may leave only right after leave was called and returned nil. Any
// error but an unambiguous *cloudflare.Error leaves in doubt whether a write
// took effect.
type Account interface {
	Get(ctx context.Context, id string) (policy.Live, error)
	Create(ctx context.Context, p policy.Policy, leave func() error) (policy.Live, error)
	Update(ctx context.Context, id string, p policy.Policy, leave func() error) (policy.Live, error)
	Delete(ctx context.Context, id string, leave func() error) error

	// Users returns the applications that use policies, by the policies' ids.
	Users(ctx context.Context) (map[string][]policy.App, error)
}

// Journal is where changes are written down; state.Store is one.
type Journal interface {
	Intend(ctx context.Context, intent state.Intent) error
	Settle(ctx context.Context, record policy.Recorded, change state.Change) error
	Abandon(ctx context.Context, change state.Change) error
	Doubt(ctx context.Context, change state.Change, answered bool) error
	Forget(ctx context.Context, change state.Change) error
	Refresh(ctx context.Context, target string, records []policy.Recorded) error
}

// Executor carries plans out. It is a value of settings and may be used
// concurrently for different targets.
type Executor struct {
	Account     Account
	Journal     Journal
	Concurrency int        // requests under way at a time, at least 1
	Sink        event.Sink // takes a ChangeDone for each change
}

// Result counts how the changes of a plan ended.
type Result struct {
	Outcomes map[event.Outcome]int
	States   map[diff.State]int // how the policies stand now
	Failed   map[string]bool    // keys of the changes that were refused or are in doubt
	Err      error              // joins what went wrong; nil when every change was applied
}

// Execute carries out the plan's changes, in its order, and brings the records
// of what is settled up to date. The account was listed for the plan at that
// time. When ctx ends, no further request leaves; those under way come to
// their end and are recorded. When the journal can't be written, or the
// account refuses the credentials, nothing further is begun.
func (e Executor) Execute(ctx context.Context, scope event.Scope, plan diff.Plan, listed time.Time) Result {
	x := newExecution(e, scope, plan, listed)
	if err := x.prepare(ctx); err != nil {
		return x.result(err)
	}
	x.each(ctx)
	return x.result(nil)
}
