package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
)

// The ways to open the file.
const (
	modeWrite     = "mode=rw"
	modeRead      = "mode=ro"
	modeImmutable = "mode=ro&immutable=1" // takes no locks and needs no files beside it
)

// pragmas hold for each connection; none of them writes. busy_timeout is for
// the moment in which another process recovers or looks at the log.
const pragmas = "_pragma=busy_timeout(5000)&_pragma=foreign_keys(on)&_pragma=synchronous(full)" +
	"&_pragma=journal_size_limit(4194304)&_pragma=cell_size_check(on)" +
	"&_txlock=immediate&_defensive=1&_error_rc=1"

// connect returns a handle of one connection to the file, which must be an
// absolute path, and makes sure that it can be read.
func connect(ctx context.Context, path, mode string) (*sql.DB, error) {
	connector, err := sqlite.NewConnector(address(path) + "?" + mode + "&" + pragmas)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(persistent{connector})
	db.SetMaxOpenConns(1)
	if err := look(ctx, db); err != nil {
		return nil, joinClose(err, db)
	}
	return db, nil
}

// look makes SQLite read the file, which it doesn't do on opening it.
func look(ctx context.Context, db *sql.DB) error {
	var tables int
	return db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables)
}

// address returns the path as a SQLite URI, so that no character of it has a
// meaning of its own.
func address(path string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // C:/… of Windows
	}
	return (&url.URL{Scheme: "file", Path: path}).String()
}

// persistent makes connections that leave the log and its index in place when
// they close, for readers that may not create them.
type persistent struct{ driver.Connector }

// Connect makes such a connection (driver.Connector).
func (p persistent) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := p.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	control, ok := conn.(sqlite.FileControl)
	if !ok {
		return nil, joinClose(fmt.Errorf("the SQLite driver's %T has no file control", conn), conn)
	}
	if _, err := control.FileControlPersistWAL("main", 1); err != nil {
		return nil, joinClose(fmt.Errorf("keep the write-ahead log: %w", err), conn)
	}
	return conn, nil
}
