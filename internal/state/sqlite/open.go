package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/policysync/policysync/internal/state"
)

// Store is a state file open for writing: a state.Store. Calls made at once
// are carried out one after the other.
type Store struct {
	Reader
	lock *flock.Flock
}

// Reader is a state file open for reading: a state.Reader.
type Reader struct {
	db   *sql.DB
	path string
	file fs.FileInfo
}

// Open opens the state file at path for writing, makes it (mode 0600) and its
// folders (0700) if need be, and migrates it. Its errors wrap state.ErrLocked
// at once if the file is open for writing already, in this process or
// another; ErrNewer, ErrForeign and ErrCorrupt, with the file as it was;
// ErrFull, ErrReadOnly; and the cause.
func Open(ctx context.Context, path string) (*Store, error) {
	path, err := locate(path)
	if err != nil {
		return nil, explain("open", path, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, explain("make the folder of", path, err)
	}
	held, err := lock(path)
	if err != nil {
		return nil, explain("lock", path, err)
	}
	reader, err := openWriter(ctx, path)
	if err != nil {
		return nil, joinClose(explain("open", path, err), held)
	}
	return &Store{Reader: *reader, lock: held}, nil
}

func openWriter(ctx context.Context, path string) (*Reader, error) {
	if err := create(path); err != nil {
		return nil, err
	}
	found, err := examine(ctx, path)
	if err != nil {
		return nil, err
	}
	reader, err := newReader(ctx, path, modeWrite)
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, reader.db, found); err != nil {
		return nil, joinClose(err, reader.db)
	}
	return reader, nil
}

// OpenReader opens the state file at path for reading, also beside a writer,
// and changes nothing in it. Its errors wrap fs.ErrNotExist when there is no
// state yet (nothing is made then); state.ErrNewer, ErrOlder, ErrForeign,
// ErrCorrupt; and the cause.
func OpenReader(ctx context.Context, path string) (*Reader, error) {
	path, err := locate(path)
	if err != nil {
		return nil, explain("open", path, err)
	}
	reader, err := openReader(ctx, path)
	if err != nil {
		return nil, explain("read", path, err)
	}
	return reader, nil
}

func openReader(ctx context.Context, path string) (*Reader, error) {
	reader, err := newReader(ctx, path, modeRead)
	if cannotMakeLog(err) && !exists(path+"-wal") {
		reader, err = newReader(ctx, path, modeImmutable)
	}
	if err != nil {
		return nil, err
	}
	found, err := inspect(ctx, reader.db)
	switch {
	case err != nil:
	case found.version == 0:
		err = fmt.Errorf("nothing was applied yet: %w", fs.ErrNotExist)
	case found.version < found.known:
		err = fmt.Errorf("%w (schema %d, this one reads %d); run or apply with this version first", state.ErrOlder, found.version, found.known)
	}
	if err != nil {
		return nil, joinClose(err, reader.db)
	}
	return reader, nil
}

// locate returns the path, absolute and with symbolic links followed, so that
// all names of one file share one lock. Anything but a file is refused, and a
// file that has lost its content: beside an empty one SQLite deletes the log.
func locate(path string) (string, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return path, err
	}
	if followed, err := filepath.EvalSymlinks(absolute); err == nil {
		absolute = followed
	}
	logged := exists(absolute + "-wal") // asked first: a state comes into being the other way round
	file, err := os.Stat(absolute)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return absolute, err
	case file.IsDir():
		return absolute, fmt.Errorf("is a folder; name a file in it, such as %s", filepath.Join(path, "state.db"))
	case !file.Mode().IsRegular():
		return absolute, fmt.Errorf("is not a regular file (%s); name another", file.Mode().Type())
	case file.Size() == 0 && logged:
		return absolute, fmt.Errorf("%w: it is empty", state.ErrCorrupt)
	}
	return absolute, nil
}

// create makes an empty file, which is a SQLite database of no tables, if
// there is none.
func create(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return file.Close()
}

func newReader(ctx context.Context, path, mode string) (*Reader, error) {
	file, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	db, err := connect(ctx, path, mode)
	if err != nil {
		return nil, err
	}
	return &Reader{db: db, path: path, file: file}, nil
}

// cannotMakeLog reports whether SQLite failed because it can't make the -wal
// and -shm files.
func cannotMakeLog(err error) bool {
	code, extended := sqliteCode(err)
	return code == sqlite3.SQLITE_CANTOPEN || extended == sqlite3.SQLITE_READONLY_DIRECTORY
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
