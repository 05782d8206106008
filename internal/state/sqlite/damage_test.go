package sqlite_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/policysync/policysync/internal/state"
	"github.com/policysync/policysync/internal/state/sqlite"
)

const pageSize = 4096

// asLeft copies the files of an open state to a folder of their own, as a
// writer leaves them that is killed now, and returns the copy's path.
func asLeft(t *testing.T, path string) string {
	t.Helper()
	files, err := filepath.Glob(path + "*")
	check(t, err)
	folder := t.TempDir()
	for _, file := range files {
		check(t, os.WriteFile(filepath.Join(folder, filepath.Base(file)), []byte(content(t, file)), 0o600))
	}
	return filepath.Join(folder, filepath.Base(path))
}

// damage writes garbage over a page.
func damage(t *testing.T, path string, page int) {
	t.Helper()
	text := []byte(content(t, path))
	copy(text[page*pageSize:], bytes.Repeat([]byte{0xA5}, pageSize))
	check(t, os.WriteFile(path, text, 0o600))
}

// crowded returns the path of a closed state of many pages.
func crowded(t *testing.T) string {
	t.Helper()
	path := statePath(t)
	store := open(t, path)
	check(t, store.StartRun(t.Context(), state.Run{ID: "run", Target: target}))
	check(t, store.Refresh(t.Context(), target, numbered(200, strings.Repeat("c", 200))))
	for range 20 {
		check(t, settle(t.Context(), store, "a key"))
	}
	check(t, store.Close())
	return path
}

func TestDamageToAnyPageIsFoundOnOpening(t *testing.T) {
	t.Parallel()
	sound := crowded(t)
	pages := len(content(t, sound)) / pageSize
	if pages < 20 {
		t.Fatalf("%d pages are too few to tell", pages)
	}
	for page := range pages {
		path := asLeft(t, sound)
		damage(t, path, page)
		before := content(t, path)
		_, err := sqlite.Open(t.Context(), path)
		kind := state.ErrCorrupt
		if page == 0 { // it says what the file is
			kind = state.ErrForeign
		}
		wantError(t, err, kind, path, "move it and its -wal away", "backup")
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("page %d: more than a line: %s", page, err)
		}
		if content(t, path) != before {
			t.Errorf("page %d: the file was altered", page)
		}
	}
}

// TestDamagedFileAndItsLogAreLeftAlone has a log that isn't in the file yet: a
// writer that opened the file would put it there when it closes.
func TestDamagedFileAndItsLogAreLeftAlone(t *testing.T) {
	t.Parallel()
	path := crowded(t)
	store := open(t, path)
	check(t, settle(t.Context(), store, "another key"))
	path = asLeft(t, path)
	if content(t, path+"-wal") == "" {
		t.Fatal("the log is empty")
	}
	damage(t, path, 10)
	before := content(t, path) + content(t, path+"-wal")
	_, err := sqlite.Open(t.Context(), path)
	wantError(t, err, state.ErrCorrupt, path)
	if content(t, path)+content(t, path+"-wal") != before {
		t.Error("the file or its log was altered")
	}
}

// TestDamageUnderAnOpenWriterIsFoundOnReading has another program write, too,
// so that SQLite reads its pages anew.
func TestDamageUnderAnOpenWriterIsFoundOnReading(t *testing.T) {
	t.Parallel()
	path := crowded(t)
	store := open(t, path)
	var page int
	query(t, path, "SELECT rootpage FROM sqlite_schema WHERE name = 'records'", &page)
	damage(t, path, page-1)
	alter(t, path, "UPDATE runs SET error = 'noted'")
	records, err := store.Records(t.Context(), target)
	wantError(t, err, state.ErrCorrupt, path, "backup")
	if records != nil {
		t.Errorf("beside the error it returned %v", records)
	}
	wantError(t, settle(t.Context(), store, "key"), state.ErrCorrupt, path, "backup")
}

// TestEmptiedFileIsNotANewOne: what is left beside it says that it was a state.
func TestEmptiedFileIsNotANewOne(t *testing.T) {
	t.Parallel()
	path := written(t)
	check(t, os.Truncate(path, 0))
	_, err := sqlite.Open(t.Context(), path)
	wantError(t, err, state.ErrCorrupt, path, "is empty", "backup")
	_, err = sqlite.OpenReader(t.Context(), path)
	wantError(t, err, state.ErrCorrupt, path, "is empty", "backup")
	if content(t, path) != "" {
		t.Error("the file was altered")
	}
}

func TestRemovedFileIsStartedAnewWithoutItsLog(t *testing.T) {
	t.Parallel()
	path := crowded(t)
	store := open(t, path)
	check(t, settle(t.Context(), store, "another key"))
	path = asLeft(t, path)
	check(t, os.Remove(path))
	anew := open(t, path)
	records, err := anew.Records(t.Context(), target)
	check(t, err)
	if len(records) != 0 {
		t.Errorf("a new state holds %v", records)
	}
	check(t, anew.Refresh(t.Context(), target, sample()))
	check(t, anew.Close())
	holdsSample(t, open(t, path))
}

// TestLostLogIsAnOlderState takes the log away, and cuts it off at each page:
// what is left is what was stored at some earlier time, and sound.
func TestLostLogIsAnOlderState(t *testing.T) {
	t.Parallel()
	path := written(t)
	store := open(t, path)
	check(t, store.StartRun(t.Context(), state.Run{ID: "run", Target: target}))
	check(t, settle(t.Context(), store, "one"))
	check(t, settle(t.Context(), store, "two"))
	length := len(content(t, path+"-wal"))
	seen := map[int]bool{}
	for at := length; at >= 0; at -= pageSize {
		cut := asLeft(t, path)
		check(t, os.Truncate(cut+"-wal", int64(at)))
		records, err := open(t, cut).Records(t.Context(), target)
		check(t, err)
		for i, r := range records {
			if want := []string{"engineering", "one", "two"}[i]; r.Key != want {
				t.Errorf("cut off at %d, record %d of %d is %q, want %q", at, i, len(records), r.Key, want)
			}
		}
		seen[len(records)] = true
		isSound(t, cut)
	}
	if len(seen) != 3 {
		t.Errorf("numbers of records seen: %v", seen)
	}
}

// TestInterruptedTransactionOfAnotherProgramIsUndone has a rollback journal,
// as a restored copy gets when somebody alters it by sqlite3 and is killed.
func TestInterruptedTransactionOfAnotherProgramIsUndone(t *testing.T) {
	t.Parallel()
	path := written(t)
	alter(t, path, "PRAGMA journal_mode = DELETE")
	db := raw(t, path)
	db.SetMaxOpenConns(1)
	for _, statement := range []string{"PRAGMA cache_size = 1", "BEGIN", "DELETE FROM records", "PRAGMA user_version = 3"} {
		_, err := db.ExecContext(t.Context(), statement)
		check(t, err)
	}
	left := asLeft(t, path)
	if !strings.Contains(listing(t, filepath.Dir(left)), "state.db-journal") {
		t.Fatal("there is no journal")
	}
	holdsSample(t, open(t, left))
	_, err := db.ExecContext(t.Context(), "ROLLBACK")
	check(t, errors.Join(err, db.Close()))
}

// TestBackupPutBesideTheLogOfAnotherFileIsRefused restores a backup over a
// file whose writer was killed, and forgets the log: SQLite takes it for the
// backup's.
func TestBackupPutBesideTheLogOfAnotherFileIsRefused(t *testing.T) {
	t.Parallel()
	path := crowded(t)
	backup := filepath.Join(t.TempDir(), "backup.db")
	alter(t, path, "VACUUM INTO '"+backup+"'")
	store := open(t, path)
	check(t, settle(t.Context(), store, "another key"))
	path = asLeft(t, path)
	check(t, os.WriteFile(path, []byte(content(t, backup)), 0o600))
	_, err := sqlite.Open(t.Context(), path)
	wantError(t, err, state.ErrCorrupt, path, "-wal")
	check(t, os.Remove(path+"-wal"))
	records, err := open(t, path).Records(t.Context(), target)
	check(t, err)
	if len(records) != 201 || contains(records, "another key") {
		t.Errorf("the backup holds %d records", len(records))
	}
	isSound(t, path)
}
