package main

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/state/sqlite"
)

// TestUnfitStateStopsEveryCommand tries what may have become of a state. Those
// commands that would write send no request at all.
func TestUnfitStateStopsEveryCommand(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		spoil func(s *station)
		says  string
	}{
		"its head is garbage": {func(s *station) { s.overwrite(0, 100) }, "file is not a database"},
		"the pages of its tables are garbage": {func(s *station) {
			for _, table := range []string{"records", "runs"} {
				var page int
				_, err := fmt.Sscan(s.query("SELECT rootpage FROM sqlite_schema WHERE name = '"+table+"'"), &page)
				s.must(err)
				s.overwrite(4096*(page-1), 4096)
			}
		}, "damaged: "},
		"it was cut off": {func(s *station) { s.must(os.Truncate(s.state, 10000)) }, "damaged: "},
		"it was emptied": {func(s *station) { s.must(os.Truncate(s.state, 0)) }, "damaged: it is empty"},
		"a folder is in its place": {func(s *station) {
			s.must(errors.Join(os.Remove(s.state), os.Mkdir(s.state, 0o700)))
		}, "is a folder"},
		"a text is in its place": {func(s *station) { s.write(s.state, strings.Repeat("Dear diary\n", 1000)) }, "file is not a database"},
		"another program's database is in its place": {func(s *station) {
			s.must(os.RemoveAll(filepath.Dir(s.state)))
			s.must(os.Mkdir(filepath.Dir(s.state), 0o700))
			s.query("CREATE TABLE songs (title TEXT)")
		}, "another program's SQLite database"},
		"a newer version wrote it": {func(s *station) {
			s.query("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)")
		}, "schema 99"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStation(t, ", mode: sync")
			s.declare("24h", "A", "B", "C")
			s.apply("Applied: 3 created.")
			test.spoil(s)
			s.declare("8h", "B", "C", "D")
			before, requests := s.files(), len(s.account.Requests())
			s.refused("apply", test.says)
			s.refused("run", test.says)
			if n := len(s.account.Requests()) - requests; n != 0 {
				t.Errorf("%d requests were sent", n)
			}
			for _, command := range []string{"plan", "status", "history"} {
				s.refused(command, test.says)
			}
			if after := s.files(); after != before {
				t.Errorf("the state was\n%s\nnow it is\n%s", before, after)
			}
		})
	}
}

// TestRecordThatCannotBeReadStopsARun has a state that SQLite finds no fault
// with.
func TestRecordThatCannotBeReadStopsARun(t *testing.T) {
	t.Parallel()
	s := newStation(t, ", mode: sync")
	s.declare("24h", "A", "B")
	s.apply("Applied: 2 created.")
	s.query(`UPDATE records SET sent = '{"name": "A' WHERE key = 'A'`)
	s.declare("24h", "B", "C")
	for _, command := range []string{"apply", "plan", "status"} {
		s.refused(command, "damaged: ")
	}
}

// TestLockedStateStopsEveryWriter takes seconds: that long SQLite waits for
// the other program.
func TestLockedStateStopsEveryWriter(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		hold func(s *station) (release func() error)
		says string
	}{
		"by another program": {func(s *station) func() error {
			db, err := sql.Open("sqlite", s.state)
			s.must(err)
			db.SetMaxOpenConns(1)
			_, err = db.ExecContext(s.Context(), "BEGIN EXCLUSIVE")
			s.must(err)
			return db.Close
		}, "another program, such as sqlite3, holds it"},
		"by another policysync": {func(s *station) func() error {
			store, err := sqlite.Open(s.Context(), s.state)
			s.must(err)
			return store.Close
		}, "in use by another writer (process "},
	}
	for name, test := range tests {
		for _, command := range []string{"apply", "run"} {
			t.Run(command+" "+name, func(t *testing.T) {
				t.Parallel()
				s := newStation(t, "")
				s.declare("24h", "A")
				s.apply("Applied: 1 created.")
				s.declare("24h", "A", "B")
				requests, release := len(s.account.Requests()), test.hold(s)
				s.refused(command, test.says)
				if n := len(s.account.Requests()) - requests; n != 0 {
					t.Errorf("%d requests were sent", n)
				}
				if code, _, stderr := s.run("plan"); code != 0 {
					t.Errorf("plan, which only reads, says %s", stderr)
				}
				s.must(release())
				s.apply("Applied: 1 created.")
			})
		}
	}
}

// TestLostStateCreatesNothingTwice loses the state in every mode, in the ways
// in which that happens.
func TestLostStateCreatesNothingTwice(t *testing.T) {
	t.Parallel()
	all := func(s *station) { s.must(os.RemoveAll(filepath.Dir(s.state))) }
	alone := func(s *station) { s.must(os.Remove(s.state)) }
	late := func(s *station) { all(s); s.declare("8h", "A", "B", "C") }
	tests := map[string]struct {
		settings string
		lose     func(s *station)
		then     string
	}{
		"create-only":            {"", all, "Applied: 3 adopted."},
		"upsert":                 {", mode: upsert", all, "Applied: 3 adopted."},
		"sync":                   {", mode: sync", all, "Applied: 3 adopted."},
		"sync, the file alone":   {", mode: sync", alone, "Applied: 3 adopted."},
		"sync, Git has moved":    {", mode: sync", late, "No changes. 3 conflict, 1 unmanaged."},
		"sync with adopt always": {", mode: sync, adopt: always", all, "Applied: 3 adopted."},
		"sync with adopt never":  {", mode: sync, adopt: never", all, "No changes. 3 conflict, 1 unmanaged."},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStation(t, test.settings)
			s.declare("24h", "A", "B", "C", "Orphan")
			s.apply("Applied: 4 created.")
			s.declare("24h", "A", "B", "C")
			s.apply("No changes. 3 in sync, 1 orphaned.")
			test.lose(s)
			s.apply(test.then)
			for range 2 { // also what looks twice before it deletes
				if code, _, stderr := s.run("apply"); code != 0 {
					t.Error(stderr)
				}
			}
			if got, want := s.writes(), "4 created, 0 updated, 0 deleted"; got != want {
				t.Errorf("requests: %s, want %s", got, want)
			}
			if _, out, _ := s.run("plan"); !strings.Contains(out, "1 unmanaged") {
				t.Errorf("the orphan isn't unmanaged:\n%s", out)
			}
		})
	}
}

// TestOldBackupDoesNoHarm restores a backup, and has each thing done since
// that leaves a record behind the account.
func TestOldBackupDoesNoHarm(t *testing.T) {
	t.Parallel()
	s := newStation(t, ", mode: sync, limits: {min_policies: 100}")
	s.declare("24h", "Before", "Changed", "Deleted", "Dropped")
	s.apply("Applied: 4 created.")
	s.declare("24h", "Before", "Changed", "Deleted", "Doubted", "Dropped")
	s.account.Inject(simulator.Fault{Operation: "create", Kind: simulator.LostReply, After: true})
	if code, _, stderr := s.run("apply"); code != exitPartial {
		t.Fatalf("a lost reply ends with exit code %d, %s", code, stderr)
	}
	backup := filepath.Join(t.TempDir(), "state.db")
	s.query("VACUUM INTO '" + backup + "'")

	s.declare("8h", "After", "Changed", "Created", "Doubted", "Dropped")
	s.write(filepath.Join(s.policies, "After.yaml"), declared("After", "24h")+"policysync: {previously: [Before]}\n")
	s.apply("Applied: 1 created, 1 adopted, 2 updated, 1 renamed.")
	s.apply("Applied: 1 updated, 1 deleted.")
	s.declare("8h", "After", "Changed", "Created", "Doubted") // it needs no previously any more
	s.apply("Applied: 1 updated.")

	s.must(os.RemoveAll(filepath.Dir(s.state)))
	text, err := os.ReadFile(backup)
	s.must(err)
	s.write(s.state, string(text))
	s.query("UPDATE intents SET at = '2026-01-01T00:00:00.000000000Z'") // it is an old backup: nothing is on its way any more
	before := s.writes()
	s.apply("Applied: 2 adopted, 1 forgotten.")
	if after := s.writes(); after != before {
		t.Errorf("the account had %s, now %s", before, after)
	}
	s.apply("Applied: 1 deleted.") // Dropped, at its second look
	s.apply("No changes. 4 in sync.")
	if got, want := s.names(), "After Changed Created Doubted"; got != want {
		t.Errorf("the account has %s, want %s", got, want)
	}
}
