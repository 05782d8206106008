package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"

	"github.com/policysync/policysync/internal/state"
)

// applicationID marks a file as ours in SQLite's header: "plcy".
const applicationID = 0x706c6379

// tryWriting alters nothing, but fails where nothing can be altered: of a file
// that it may only read SQLite tells at the first write.
const tryWriting = "UPDATE records SET key = key WHERE false"

//go:embed migrations/*.sql
var migrations embed.FS

// schema is what a file holds.
type schema struct {
	marked  bool  // with our application id
	version int64 // of the last migration; 0 before the first
	known   int64 // the last migration that this program has
}

// inspect returns what the file holds, without altering it, or an error that
// wraps state.ErrForeign or state.ErrNewer.
func inspect(ctx context.Context, db *sql.DB) (schema, error) {
	provider, err := migrator(db)
	if err != nil {
		return schema{}, err
	}
	sources := provider.ListSources()
	s := schema{known: sources[len(sources)-1].Version}
	var id, tables, migrated int64
	const query = `SELECT (SELECT application_id FROM pragma_application_id),
		count(*), count(*) FILTER (WHERE name = ?) FROM sqlite_schema`
	if err := db.QueryRowContext(ctx, query, goose.DefaultTablename).Scan(&id, &tables, &migrated); err != nil {
		return s, err
	}
	if id != applicationID && (id != 0 || tables != 0) {
		return s, fmt.Errorf("%w but another program's SQLite database; name another file", state.ErrForeign)
	}
	s.marked = id == applicationID
	if migrated == 0 {
		return s, nil
	}
	if err := db.QueryRowContext(ctx, "SELECT coalesce(max(version_id), 0) FROM "+goose.DefaultTablename).Scan(&s.version); err != nil {
		return s, err
	}
	if s.version > s.known {
		return s, fmt.Errorf("%w (schema %d, this one knows %d); install that version, or restore a state from before",
			state.ErrNewer, s.version, s.known)
	}
	return s, nil
}

// migrate makes an inspected file, which may be empty, one of the schema that
// this program knows. It may be interrupted anywhere and done again; where
// nothing is to be done it writes nothing.
func migrate(ctx context.Context, db *sql.DB, found schema) error {
	var mode string
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("its file system can't hold a write-ahead log (journal mode is %s); put it on a local disk", mode)
	}
	if !found.marked {
		if _, err := db.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d", applicationID)); err != nil {
			return err
		}
	}
	provider, err := migrator(db)
	if err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, tryWriting)
	return err
}

func migrator(db *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true))
}
