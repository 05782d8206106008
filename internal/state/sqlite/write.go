package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/state"
)

const (
	insertRun    = "INSERT INTO runs (" + runColumns + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
	insertIntent = "INSERT INTO intents (" + intentColumns + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
	insertChange = "INSERT INTO changes (" + changeColumns + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

	// A record of the same key, and one of the same id, makes way.
	replaceRecord = "INSERT OR REPLACE INTO records (target, " + recordColumns + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

	replaceSuspension = "INSERT OR REPLACE INTO suspensions (" + suspensionColumns + ") VALUES (?, ?, ?, ?, ?)"
	deleteSuspension  = "DELETE FROM suspensions WHERE target = ?"

	insertNote = "INSERT OR IGNORE INTO notes (" + noteColumns + ") VALUES (?, ?, ?, ?, ?)"
	pruneNotes = "DELETE FROM notes WHERE at < ?"

	replaceAuditEnd = "INSERT OR REPLACE INTO audit_end (only, seq, hash) VALUES (1, ?, ?)"

	// Outdated are the runs before a time that nothing needs any more.
	outdated = `FROM runs WHERE started < ? AND id NOT IN (SELECT run FROM intents) AND EXISTS
		(SELECT 1 FROM runs later WHERE later.target = runs.target AND (later.started, later.id) > (runs.started, runs.id))`
	pruneChanges = "DELETE FROM changes WHERE run IN (SELECT id " + outdated + ")"
	pruneRuns    = "DELETE " + outdated

	dropRun = `DELETE FROM runs WHERE id = ? AND NOT EXISTS (SELECT 1 FROM intents WHERE run = runs.id)
		AND NOT EXISTS (SELECT 1 FROM changes WHERE run = runs.id)`
	finishRun    = `UPDATE runs SET "commit" = ?, author = ?, result = ?, error = ?, counts = ?, phases = ?, finished = ? WHERE id = ?`
	deleteRecord = "DELETE FROM records WHERE target = ? AND key = ?"
	deleteIntent = "DELETE FROM intents WHERE target = ? AND key = ?"
	answerIntent = "UPDATE intents SET answered = ? WHERE target = ? AND key = ?"
)

// StartRun stores the run as begun, unless the file was removed meanwhile.
func (s *Store) StartRun(ctx context.Context, run state.Run) error {
	if err := s.Ping(ctx); err != nil {
		return err
	}
	return s.write(ctx, "start run "+run.ID+" in", func(tx transaction) error {
		_, err := tx.exec(ctx, insertRun, runPlaces(&run)...)
		return err
	})
}

// FinishRun stores how the run ended.
func (s *Store) FinishRun(ctx context.Context, run state.Run) error {
	return s.write(ctx, "finish run "+run.ID+" in", func(tx transaction) error {
		found, err := tx.exec(ctx, finishRun,
			run.Commit, run.Author, run.Result, run.Error, counts{&run.Counts}, phases{&run.Phases}, ending{&run.Finished}, run.ID)
		if err == nil && found == 0 {
			return state.ErrNoRun
		}
		return err
	})
}

// DropRun removes a run that came to nothing.
func (s *Store) DropRun(ctx context.Context, id string) error {
	return s.write(ctx, "drop run "+id+" in", func(tx transaction) error {
		found, err := tx.exec(ctx, dropRun, id)
		if err == nil && found == 0 {
			return state.ErrNoRun
		}
		return err
	})
}

// Intend notes in the journal that a request is about to leave.
func (s *Store) Intend(ctx context.Context, intent state.Intent) error {
	return s.write(ctx, fmt.Sprintf("note the %s of %q in", intent.Action, intent.Key), func(tx transaction) error {
		_, err := tx.exec(ctx, insertIntent, intentPlaces(&intent)...)
		if _, code := sqliteCode(err); code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY {
			return fmt.Errorf("%w: %w", state.ErrIntentOpen, err)
		}
		return err
	})
}

// Settle stores that a change took effect.
func (s *Store) Settle(ctx context.Context, record policy.Recorded, change state.Change) error {
	return s.append(ctx, change, func(tx transaction) error {
		if record.Key != change.Key {
			return fmt.Errorf("the record is of another key, %q", record.Key)
		}
		if _, err := tx.exec(ctx, deleteIntent, change.Target, change.Key); err != nil {
			return err
		}
		return tx.replace(ctx, change.Target, record)
	})
}

// Forget stores that the policy is no more.
func (s *Store) Forget(ctx context.Context, change state.Change) error {
	return s.append(ctx, change, func(tx transaction) error {
		if _, err := tx.exec(ctx, deleteIntent, change.Target, change.Key); err != nil {
			return err
		}
		_, err := tx.exec(ctx, deleteRecord, change.Target, change.Key)
		return err
	})
}

// Abandon stores that a request certainly had no effect.
func (s *Store) Abandon(ctx context.Context, change state.Change) error {
	return s.append(ctx, change, func(tx transaction) error {
		found, err := tx.exec(ctx, deleteIntent, change.Target, change.Key)
		if err == nil && found == 0 {
			return state.ErrNoIntent
		}
		return err
	})
}

// Doubt stores that nobody knows whether a request had an effect.
func (s *Store) Doubt(ctx context.Context, change state.Change, answered bool) error {
	return s.append(ctx, change, func(tx transaction) error {
		open, err := tx.exec(ctx, answerIntent, answered, change.Target, change.Key)
		if err == nil && open == 0 {
			return state.ErrNoIntent
		}
		return err
	})
}

// Refresh replaces records without a change.
func (s *Store) Refresh(ctx context.Context, target string, records []policy.Recorded) error {
	return s.write(ctx, "refresh records of", func(tx transaction) error {
		for _, record := range records {
			if err := tx.replace(ctx, target, record); err != nil {
				return fmt.Errorf("record of %q: %w", record.Key, err)
			}
		}
		return nil
	})
}

// Suspend stores a suspension.
func (s *Store) Suspend(ctx context.Context, suspension state.Suspension) error {
	return s.write(ctx, "suspend "+suspension.Target+" in", func(tx transaction) error {
		_, err := tx.exec(ctx, replaceSuspension, suspensionPlaces(&suspension)...)
		return err
	})
}

// Resume removes the target's suspension.
func (s *Store) Resume(ctx context.Context, target string) error {
	return s.write(ctx, "resume "+target+" in", func(tx transaction) error {
		_, err := tx.exec(ctx, deleteSuspension, target)
		return err
	})
}

// Note stores notes that it hasn't yet.
func (s *Store) Note(ctx context.Context, notes []state.Note) error {
	return s.write(ctx, "note what happened in", func(tx transaction) error {
		for i := range notes {
			if _, err := tx.exec(ctx, insertNote, notePlaces(&notes[i])...); err != nil {
				return err
			}
		}
		return nil
	})
}

// Prune removes the notes and the runs of before that time that aren't needed any more.
func (s *Store) Prune(ctx context.Context, before time.Time) (runs int64, err error) {
	err = s.write(ctx, "prune", func(tx transaction) error {
		if _, err := tx.exec(ctx, pruneNotes, instant{&before}); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, pruneChanges, instant{&before}); err != nil {
			return err
		}
		runs, err = tx.exec(ctx, pruneRuns, instant{&before})
		return err
	})
	return runs, err
}

// SetAuditEnd stores where the audit file ends.
func (s *Store) SetAuditEnd(ctx context.Context, end state.AuditEnd) error {
	return s.write(ctx, "store the end of the audit file in", func(tx transaction) error {
		_, err := tx.exec(ctx, replaceAuditEnd, end.Seq, end.Hash)
		return err
	})
}

// Close closes the file and lets other writers in.
func (s *Store) Close() error {
	return errors.Join(s.Reader.Close(), explain("unlock", s.path, s.lock.Close()))
}

// append stores a change, and with it what it did to the key.
func (s *Store) append(ctx context.Context, change state.Change, effect func(transaction) error) error {
	doing := fmt.Sprintf("store the %s of %q in", change.Action, change.Key)
	return s.write(ctx, doing, func(tx transaction) error {
		if err := effect(tx); err != nil {
			return err
		}
		_, err := tx.exec(ctx, insertChange, changePlaces(&change)...)
		return err
	})
}
