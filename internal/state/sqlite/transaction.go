package sqlite

import (
	"context"
	"database/sql"
	"errors"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/policysync/policysync/internal/policy"
)

// transaction is what all writes of one method are part of. After an error it
// must not be used: SQLite may have undone it already, and what came then
// would be committed by itself.
type transaction struct{ *sql.Tx }

// write does all that do does, on disk when it returns, or nothing.
func (s *Store) write(ctx context.Context, doing string, do func(transaction) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return explain(doing, s.path, err)
	}
	if err := do(transaction{tx}); err != nil {
		return explain(doing, s.path, undo(tx, err))
	}
	return explain(doing, s.path, tx.Commit())
}

// undo rolls back after an error. Where that error, or the end of the context,
// has undone the transaction already there is nothing more to report.
func undo(tx *sql.Tx, err error) error {
	failed := tx.Rollback()
	if code, _ := sqliteCode(failed); code == sqlite3.SQLITE_ERROR || errors.Is(failed, sql.ErrTxDone) {
		return err
	}
	return errors.Join(err, failed)
}

// exec returns how many rows the statement touched.
func (t transaction) exec(ctx context.Context, query string, args ...any) (int64, error) {
	result, err := t.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (t transaction) replace(ctx context.Context, target string, record policy.Recorded) error {
	_, err := t.exec(ctx, replaceRecord, append([]any{target}, recordPlaces(&record, nil)...)...)
	return err
}
