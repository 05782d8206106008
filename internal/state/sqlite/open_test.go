package sqlite_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/state"
	"github.com/policysync/policysync/internal/state/sqlite"
)

func TestOnlyTheOwnerMayLookIn(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "one", "two", "state.db")
	open(t, path)
	modes := map[string]fs.FileMode{}
	for _, name := range []string{"one", "one/two", "one/two/state.db", "one/two/state.db-wal", "one/two/state.db-shm", "one/two/state.db.lock"} {
		file, err := os.Stat(filepath.Join(filepath.Dir(filepath.Dir(filepath.Dir(path))), name))
		check(t, err)
		modes[name] = file.Mode().Perm()
	}
	want := map[string]fs.FileMode{
		"one": 0o700, "one/two": 0o700, "one/two/state.db": 0o600, "one/two/state.db-wal": 0o600,
		"one/two/state.db-shm": 0o600, "one/two/state.db.lock": 0o600,
	}
	if diff := cmp.Diff(want, modes); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestSecondWriterInOneProcessIsRefused(t *testing.T) {
	t.Parallel()
	path := statePath(t)
	first := open(t, path)
	_, err := sqlite.Open(t.Context(), path)
	wantError(t, err, state.ErrLocked, path, "process", "stop it")
	check(t, first.Refresh(t.Context(), target, sample()))
	check(t, first.Close())
	holdsSample(t, open(t, path))
}

func TestAllNamesOfAFileShareItsLock(t *testing.T) {
	t.Parallel()
	path := statePath(t)
	store := open(t, path)
	link := filepath.Join(t.TempDir(), "link.db")
	check(t, os.Symlink(path, link))
	_, err := sqlite.Open(t.Context(), link)
	wantError(t, err, state.ErrLocked, path)
	check(t, store.Close())
	open(t, link)
}

func TestFailedOpenLeavesNothingLocked(t *testing.T) {
	t.Parallel()
	path := written(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := sqlite.Open(ended, path)
	wantError(t, err, context.Canceled)
	_, err = sqlite.OpenReader(ended, path)
	wantError(t, err, context.Canceled)
	holdsSample(t, open(t, path))
}

func TestPathsMayHoldAnyCharacter(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a b?c#d%20&mode=memory;'ü", "state?.db")
	store := open(t, path)
	check(t, store.Refresh(t.Context(), target, sample()))
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
	reader, err := sqlite.OpenReader(t.Context(), path)
	check(t, err)
	holdsSample(t, reader)
	check(t, reader.Close())
}

func TestMigratingAgainChangesNothing(t *testing.T) {
	t.Parallel()
	path := written(t)
	before := content(t, path)
	for range 2 {
		check(t, open(t, path).Close())
	}
	if content(t, path) != before {
		t.Error("opening and closing altered the file")
	}
}

func TestEmptyFileBecomesAState(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	check(t, os.WriteFile(path, nil, 0o600))
	_, err := sqlite.OpenReader(t.Context(), path)
	wantError(t, err, fs.ErrNotExist)
	store := open(t, path)
	check(t, store.Refresh(t.Context(), target, sample()))
	holdsSample(t, store)
}

func TestInterruptedFirstOpenIsCompleted(t *testing.T) {
	t.Parallel()
	for name, done := range map[string]string{
		"log made":       "PRAGMA journal_mode = WAL",
		"mark set":       "PRAGMA application_id = 0x706c6379",
		"versions begun": "PRAGMA application_id = 0x706c6379; CREATE TABLE goose_db_version (id INTEGER PRIMARY KEY AUTOINCREMENT, version_id INTEGER NOT NULL, is_applied INTEGER NOT NULL, tstamp TIMESTAMP DEFAULT (datetime('now'))); INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, 1)",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "state.db")
			alter(t, path, done)
			_, err := sqlite.OpenReader(t.Context(), path)
			wantError(t, err, fs.ErrNotExist)
			store := open(t, path)
			check(t, store.Refresh(t.Context(), target, sample()))
			holdsSample(t, store)
		})
	}
}

func TestRemovedFileIsNoticed(t *testing.T) {
	t.Parallel()
	path := statePath(t)
	store := open(t, path)
	check(t, store.Ping(t.Context()))
	check(t, os.Rename(path, path+".away"))
	wantError(t, store.Ping(t.Context()), fs.ErrNotExist, path, "removed", "restart")
	wantError(t, store.StartRun(t.Context(), state.Run{ID: "run", Target: target}), fs.ErrNotExist, path, "removed", "restart")
	check(t, os.WriteFile(path, nil, 0o600))
	wantError(t, store.Ping(t.Context()), nil, path, "another file")
}

func TestProgramThatHoldsTheFileIsBlamed(t *testing.T) {
	t.Parallel()
	path := statePath(t)
	store := open(t, path)
	check(t, store.Pragma(t.Context(), "busy_timeout = 0"))
	db := raw(t, path)
	other, err := db.Conn(t.Context())
	check(t, err)
	_, err = other.ExecContext(t.Context(), "BEGIN IMMEDIATE")
	check(t, err)
	wantError(t, store.Refresh(t.Context(), target, sample()), nil, path, "another program", "close that")
	check(t, errors.Join(other.Close(), db.Close()))
	check(t, store.Refresh(t.Context(), target, sample()))
	holdsSample(t, store)
}

// TestCommitsAreFlushed: no test here can cut the power, so it looks at what
// SQLite was told.
func TestCommitsAreFlushed(t *testing.T) {
	t.Parallel()
	store := open(t, statePath(t))
	const full = "2" // https://www.sqlite.org/pragma.html#pragma_synchronous
	for name, want := range map[string]string{"journal_mode": "wal", "synchronous": full} {
		got, err := store.Setting(t.Context(), name)
		check(t, err)
		if got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

func TestPeopleCanReadTheFile(t *testing.T) {
	t.Parallel()
	path := written(t)
	var name, created string
	var sameBody bool
	query(t, path, "SELECT json_extract(sent, '$.name'), created_at, read_back IS NULL FROM records", &name, &created, &sameBody)
	if name != "Engineering" || !sameBody || created != "0001-01-01T00:00:00.000000000Z" {
		t.Errorf("a record reads %q, created %q, read-back left out: %v", name, created, sameBody)
	}
	isSound(t, path)
}

func TestReaderMakesNothingWhereThereIsNoState(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, path := range []string{filepath.Join(folder, "state.db"), filepath.Join(folder, "none", "state.db")} {
		_, err := sqlite.OpenReader(t.Context(), path)
		wantError(t, err, fs.ErrNotExist, path)
	}
	if files := listing(t, folder); files != "" {
		t.Errorf("the reader made %s", files)
	}
}

func TestReaderWorksBesideAndAfterAWriter(t *testing.T) {
	t.Parallel()
	path := statePath(t)
	store := open(t, path)
	reader, err := sqlite.OpenReader(t.Context(), path)
	check(t, err)
	none, err := reader.Records(t.Context(), target)
	check(t, err)
	if len(none) != 0 {
		t.Errorf("a new state holds %v", none)
	}
	check(t, store.Refresh(t.Context(), target, sample()))
	holdsSample(t, reader)
	check(t, store.Close())
	holdsSample(t, reader)
	check(t, reader.Close())
}

func TestReaderLeavesTheFolderAsItWas(t *testing.T) {
	t.Parallel()
	path := written(t)
	before := listing(t, filepath.Dir(path))
	reader, err := sqlite.OpenReader(t.Context(), path)
	check(t, err)
	holdsSample(t, reader)
	check(t, reader.Close())
	if after := listing(t, filepath.Dir(path)); after != before {
		t.Errorf("the folder held %s, now %s", before, after)
	}
	if before != "state.db state.db-shm state.db-wal state.db.lock" {
		t.Errorf("a closed state is %s", before)
	}
}

func TestCopyOfTheFileAloneIsAState(t *testing.T) {
	t.Parallel()
	backup := filepath.Join(t.TempDir(), "backup.db")
	check(t, os.WriteFile(backup, []byte(content(t, written(t))), 0o600))
	reader, err := sqlite.OpenReader(t.Context(), backup)
	check(t, err)
	holdsSample(t, reader)
	check(t, reader.Close())
	holdsSample(t, open(t, backup))
}

// TestReaderSeesWholeTransactions has a writer replace all records again and
// again, each time with another commit, beside a reader.
func TestReaderSeesWholeTransactions(t *testing.T) {
	t.Parallel()
	path := statePath(t)
	store := open(t, path)
	reader, err := sqlite.OpenReader(t.Context(), path)
	check(t, err)
	done := make(chan error)
	go func() {
		defer close(done)
		for round := range 20 {
			if err := store.Refresh(t.Context(), target, numbered(30, strings.Repeat("x", round))); err != nil {
				done <- err
				return
			}
		}
	}()
	longest, reads := 0, 0
	for writing := true; writing; reads++ {
		select {
		case err, failed := <-done:
			if writing = false; failed {
				t.Error(err)
			}
		default:
		}
		records, err := reader.Records(t.Context(), target)
		check(t, err)
		for _, r := range records {
			if len(records) != 30 || r.Commit != records[0].Commit || len(r.Commit) < longest {
				t.Fatalf("%d records, of commits %q and %q", len(records), records[0].Commit, r.Commit)
			}
		}
		if len(records) != 0 {
			longest = len(records[0].Commit)
		}
	}
	if longest != 19 {
		t.Errorf("after %d reads the last commit seen is number %d", reads, longest)
	}
	check(t, reader.Close())
}

// numbered returns so many records, all of one commit.
func numbered(n int, commit string) []policy.Recorded {
	records := make([]policy.Recorded, n)
	for i := range records {
		id := string(rune('A'+i/26)) + string(rune('a'+i%26))
		records[i] = policy.Recorded{Key: id, ID: id, Commit: commit}
	}
	return records
}

func content(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	check(t, err)
	return string(text)
}

// listing returns the names in a folder, sorted.
func listing(t *testing.T, folder string) string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	check(t, err)
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return strings.Join(names, " ")
}
