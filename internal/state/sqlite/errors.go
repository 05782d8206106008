package sqlite

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/policysync/policysync/internal/state"
)

// explain says what was being done with which state, sorts the cause under
// state's errors and adds what to do about it. The cause stays wrapped.
func explain(doing, path string, err error) error {
	if err == nil {
		return nil
	}
	advice, kind := diagnose(err)
	if kind == nil {
		return fmt.Errorf("%s state %s: %w%s", doing, path, err, advice)
	}
	return fmt.Errorf("%s state %s: %w: %w%s", doing, path, kind, err, advice)
}

const restore = "; move it and its -wal away, and restore it from a backup or start anew: policies are then adopted again by name"

// malformed is what SQLite's functions of JSON say of a text that isn't any; they
// have no code of their own.
const malformed = "malformed JSON"

// diagnose returns what to do about an error, as the end of a sentence, and
// which of state's errors it is, where it doesn't say so itself.
func diagnose(err error) (advice string, kind error) {
	code, extended := sqliteCode(err)
	switch {
	case code == sqlite3.SQLITE_FULL, extended == sqlite3.SQLITE_IOERR_SHMSIZE,
		errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "; free some space on its disk and try again", state.ErrFull
	case code == sqlite3.SQLITE_READONLY, code == sqlite3.SQLITE_PERM,
		errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return "; make the file and its folder writable for this user, or name another file", state.ErrReadOnly
	case code == sqlite3.SQLITE_NOTADB:
		return "; name another file, or if this was the state," + restore[1:], state.ErrForeign
	case code == sqlite3.SQLITE_CORRUPT, code == sqlite3.SQLITE_ERROR && strings.Contains(err.Error(), malformed):
		return restore, state.ErrCorrupt
	case errors.Is(err, state.ErrCorrupt):
		return restore, nil
	case code == sqlite3.SQLITE_CANTOPEN:
		return "; check that this user may read the file and write to its folder", nil
	case code == sqlite3.SQLITE_BUSY:
		return "; another program, such as sqlite3, holds it: close that and try again", nil
	case extended == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return "", state.ErrNoRun
	default:
		return "", nil
	}
}

// sqliteCode returns SQLite's result code and extended result code, 0 when
// the error isn't SQLite's.
func sqliteCode(err error) (code, extended int) {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() & 0xff, e.Code()
	}
	return 0, 0
}

// joinClose closes what an error made useless.
func joinClose(err error, c io.Closer) error { return errors.Join(err, c.Close()) }
