package state

import (
	"context"
	"time"

	"github.com/policysync/policysync/internal/policy"
)

// Reader is what those need who only look, such as plan, status and the status page. Its methods may be called
// concurrently. Each sees a consistent state, without what a transaction in
// progress has written.
type Reader interface {
	// Records returns the target's records by key, in byte order.
	Records(ctx context.Context, target string) ([]policy.Recorded, error)

	// Record returns the target's record of that key, or an error that wraps
	// ErrNoRecord.
	Record(ctx context.Context, target, key string) (policy.Recorded, error)

	// Listing returns the target's records without bodies, in the order of
	// Records, in a fraction of the time.
	Listing(ctx context.Context, target string) ([]Listed, error)

	// Intents returns the target's open intents by key, in byte order.
	Intents(ctx context.Context, target string) ([]Intent, error)

	// Runs returns the runs that are asked for, the newest first; those begun in
	// the same instant by ID, descending.
	Runs(ctx context.Context, query RunQuery) ([]Run, error)

	// Run returns the run with that ID, or an error that wraps ErrNoRun.
	Run(ctx context.Context, id string) (Run, error)

	// Changes returns the run's changes in the order in which they were
	// stored; none for a run that isn't there.
	Changes(ctx context.Context, run string) ([]Change, error)

	// Outcomes returns the run's changes as Changes does, but without bodies, and
	// only those with that result unless it is empty.
	Outcomes(ctx context.Context, run, result string) ([]Change, error)

	// History returns the changes of the policy of that key without bodies, the
	// last stored first; at most so many, unless the limit is 0 or less.
	History(ctx context.Context, target, key string, limit int) ([]Change, error)

	// Suspension returns the target's latest suspension, though its time may be
	// over; the zero one when there is none, or it was resumed since.
	Suspension(ctx context.Context, target string) (Suspension, error)

	// Notes returns what happened to the target besides runs, the newest first; at
	// most so many, unless the limit is 0 or less.
	Notes(ctx context.Context, target string, limit int) ([]Note, error)

	// AuditEnd returns where the audit file ends, as it was stored last.
	AuditEnd(ctx context.Context) (AuditEnd, error)

	// Ping reports whether the store answers.
	Ping(ctx context.Context) error

	// Close frees what the reader holds. It waits for calls in progress;
	// later calls of other methods fail. Closing twice does no harm.
	Close() error
}

// Store is a Reader that also writes. What a method wrote survives the
// process and the machine once it has returned nil; where it returns an error
// it has written nothing, or (when the storage failed in the last step of a
// commit) all of it. A context that ends has the same effect as an error: to
// record what was done, pass one that doesn't end with the run.
type Store interface {
	Reader

	// StartRun stores the run as begun. Its ID must be new.
	StartRun(ctx context.Context, run Run) error

	// FinishRun stores the run's commit, author, result, error, counts, phases and end. It
	// returns ErrNoRun when the run wasn't started.
	FinishRun(ctx context.Context, run Run) error

	// DropRun removes a run. It returns ErrNoRun when there is none of that ID
	// without a change and an open intent.
	DropRun(ctx context.Context, id string) error

	// Intend notes in the journal that a request is about to leave. It returns
	// ErrIntentOpen when the key has an open intent already, and ErrNoRun when
	// the run wasn't started.
	Intend(ctx context.Context, intent Intent) error

	// Settle stores that a change took effect: the record of the change's key,
	// which must be the record's too, is replaced, the key's intent, if any, is
	// closed, and the change is appended. A policy (an ID of the account) has
	// one record: under a new key it leaves the old one.
	Settle(ctx context.Context, record policy.Recorded, change Change) error

	// Forget stores that the policy is no more: the record and the intent of
	// the change's key, if any, are removed, and the change is appended.
	Forget(ctx context.Context, change Change) error

	// Abandon stores that a request certainly had no effect: the intent of the
	// change's key is closed, and the change is appended. It returns
	// ErrNoIntent when none is open.
	Abandon(ctx context.Context, change Change) error

	// Doubt stores that nobody knows whether a request had an effect: the
	// change is appended, and the intent of its key stays open, with what is
	// to be said of it as Intent.Answered. It returns ErrNoIntent when none is
	// open.
	Doubt(ctx context.Context, change Change, answered bool) error

	// Refresh replaces records without a change, all or none: what Git and the
	// account have come to agree on. As with Settle, a policy under a new key
	// leaves the old one. Intents stay.
	Refresh(ctx context.Context, target string, records []policy.Recorded) error

	// Suspend stores a suspension in the place of the target's last one.
	Suspend(ctx context.Context, suspension Suspension) error

	// Resume removes the target's suspension, if there is one.
	Resume(ctx context.Context, target string) error

	// Note stores notes, but for those that it has: of the same target, time and
	// occasion.
	Note(ctx context.Context, notes []Note) error

	// Prune removes the notes of before that time, and the runs that began before it, with their changes, and
	// returns how many runs that were. Each target's latest run stays, and so does
	// one that an open intent belongs to.
	Prune(ctx context.Context, before time.Time) (int64, error)

	// SetAuditEnd stores where the audit file ends.
	SetAuditEnd(ctx context.Context, end AuditEnd) error
}
