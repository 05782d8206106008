package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/state"
)

// Records returns the target's records by key.
func (r *Reader) Records(ctx context.Context, target string) ([]policy.Recorded, error) {
	const query = "SELECT " + recordColumns + " FROM records WHERE target = ? ORDER BY key"
	var pool policy.Pool
	places := func(r *policy.Recorded) []any { return recordPlaces(r, &pool) }
	return all(ctx, r, "read records of", places, query, target)
}

// Record returns the target's record of that key, or an error that wraps
// state.ErrNoRecord.
func (r *Reader) Record(ctx context.Context, target, key string) (policy.Recorded, error) {
	const query = "SELECT " + recordColumns + " FROM records WHERE target = ? AND key = ?"
	places := func(r *policy.Recorded) []any { return recordPlaces(r, nil) }
	return one(ctx, r, "read a record of", places, fmt.Errorf("record %q of %s: %w", key, target, state.ErrNoRecord), query, target, key)
}

// Listing returns the target's records without bodies.
func (r *Reader) Listing(ctx context.Context, target string) ([]state.Listed, error) {
	const query = "SELECT " + listedColumns + " FROM records WHERE target = ? ORDER BY key"
	return all(ctx, r, "list records of", listedPlaces, query, target)
}

// Intents returns the target's open intents by key.
func (r *Reader) Intents(ctx context.Context, target string) ([]state.Intent, error) {
	const query = "SELECT " + intentColumns + " FROM intents WHERE target = ? ORDER BY key"
	return all(ctx, r, "read the journal of", intentPlaces, query, target)
}

// Runs returns the runs that are asked for, the newest first.
func (r *Reader) Runs(ctx context.Context, q state.RunQuery) ([]state.Run, error) {
	const query = "SELECT " + runColumns + ` FROM runs WHERE target = ? AND started >= ?
		AND (? = '' OR EXISTS (SELECT 1 FROM changes WHERE run = runs.id AND ? IN (key, name)))
		ORDER BY started DESC, id DESC LIMIT ?`
	return all(ctx, r, "read runs of", runPlaces, query, q.Target, instant{&q.Since}, q.Policy, q.Policy, unlimited(q.Limit))
}

// Run returns the run with that ID, or an error that wraps state.ErrNoRun.
func (r *Reader) Run(ctx context.Context, id string) (state.Run, error) {
	const query = "SELECT " + runColumns + " FROM runs WHERE id = ?"
	return one(ctx, r, "read a run of", runPlaces, fmt.Errorf("run %q: %w", id, state.ErrNoRun), query, id)
}

// Changes returns the run's changes in the order in which they were stored.
func (r *Reader) Changes(ctx context.Context, run string) ([]state.Change, error) {
	const query = "SELECT " + changeColumns + " FROM changes WHERE run = ? ORDER BY seq"
	return all(ctx, r, "read changes of", changePlaces, query, run)
}

// Outcomes returns the run's changes with that result, or all, without bodies.
func (r *Reader) Outcomes(ctx context.Context, run, result string) ([]state.Change, error) {
	const query = "SELECT " + outcomeColumns + " FROM changes WHERE run = ? AND ? IN (result, '') ORDER BY seq"
	return all(ctx, r, "read outcomes of", changePlaces, query, run, result)
}

// History returns the changes of the policy of that key, the last stored first.
func (r *Reader) History(ctx context.Context, target, key string, limit int) ([]state.Change, error) {
	const query = "SELECT " + outcomeColumns + " FROM changes WHERE target = ? AND key = ? ORDER BY seq DESC LIMIT ?"
	return all(ctx, r, "read the history of a policy in", changePlaces, query, target, key, unlimited(limit))
}

// unlimited returns a limit in SQLite's words.
func unlimited(limit int) int {
	if limit <= 0 {
		return -1
	}
	return limit
}

// Suspension returns the target's latest suspension.
func (r *Reader) Suspension(ctx context.Context, target string) (state.Suspension, error) {
	const query = "SELECT " + suspensionColumns + " FROM suspensions WHERE target = ?"
	found, err := all(ctx, r, "read the suspension in", suspensionPlaces, query, target)
	if err != nil || len(found) == 0 {
		return state.Suspension{}, err
	}
	return found[0], nil
}

// Notes returns what happened to the target besides runs, the newest first.
func (r *Reader) Notes(ctx context.Context, target string, limit int) ([]state.Note, error) {
	const query = "SELECT " + noteColumns + " FROM notes WHERE target = ? ORDER BY at DESC, what LIMIT ?"
	return all(ctx, r, "read notes of", notePlaces, query, target, unlimited(limit))
}

// AuditEnd returns where the audit file ends.
func (r *Reader) AuditEnd(ctx context.Context) (state.AuditEnd, error) {
	places := func(e *state.AuditEnd) []any { return []any{&e.Seq, &e.Hash} }
	found, err := all(ctx, r, "read the end of the audit file in", places, "SELECT seq, hash FROM audit_end")
	if err != nil || len(found) == 0 {
		return state.AuditEnd{}, err
	}
	return found[0], nil
}

// Ping reports whether the state answers and is still the file that was
// opened: one that was removed takes writes that nobody will ever read.
func (r *Reader) Ping(ctx context.Context) error {
	if err := look(ctx, r.db); err != nil {
		return explain("look into", r.path, err)
	}
	file, err := os.Stat(r.path)
	if err == nil && !os.SameFile(file, r.file) {
		err = errors.New("another file took its place")
	}
	if err != nil {
		return fmt.Errorf("state %s was removed while open: %w; restart policysync, after putting it back if you can", r.path, err)
	}
	return nil
}

// Close closes the file.
func (r *Reader) Close() error { return explain("close", r.path, r.db.Close()) }

// one returns the row of a query, or none where there is none.
func one[T any](ctx context.Context, r *Reader, doing string, places func(*T) []any, none error, query string, args ...any) (entry T, err error) {
	found, err := all(ctx, r, doing, places, query, args...)
	if err == nil && len(found) == 0 {
		err = none
	}
	if err != nil {
		return entry, err
	}
	return found[0], nil
}

// all returns every row of a query, scanned into what places returns.
func all[T any](ctx context.Context, r *Reader, doing string, places func(*T) []any, query string, args ...any) ([]T, error) {
	entries, err := scan(ctx, r.db, places, query, args)
	if err != nil {
		return nil, explain(doing, r.path, err)
	}
	return entries, nil
}

func scan[T any](ctx context.Context, db *sql.DB, places func(*T) []any, query string, args []any) (entries []T, err error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var entry T
		if err := rows.Scan(places(&entry)...); err != nil {
			return nil, err
		}
		if len(entries) == cap(entries) {
			entries = slices.Grow(entries, len(entries)+1) // by half as append does, there would be four times the garbage
		}
		entries = append(entries, entry)
	}
	return entries, rows.Err()
}
