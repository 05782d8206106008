package sqlite_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/state"
	"github.com/policysync/policysync/internal/state/sqlite"
)

// writeUntilKilled adds policies, one after the other, and says on its output
// what it has been told is stored: "intended KEY", "settled KEY".
func writeUntilKilled(path string) int {
	err := func() error {
		ctx := context.Background()
		store, err := sqlite.Open(ctx, path)
		if err != nil {
			return err
		}
		run := fmt.Sprintf("run of %d", os.Getpid())
		if err := store.StartRun(ctx, state.Run{ID: run, Target: target, Started: time.Now()}); err != nil {
			return err
		}
		for i := 0; ; i++ {
			key := fmt.Sprintf("%d/%d", os.Getpid(), i)
			if err := store.Intend(ctx, state.Intent{Target: target, Key: key, Action: "create", Run: run, At: time.Now()}); err != nil {
				return err
			}
			fmt.Println("intended", key)
			record := policy.Recorded{Key: key, ID: "id of " + key, Sent: policy.Policy{Name: key}}
			if err := store.Settle(ctx, record, state.Change{Run: run, Target: target, Key: key, Action: "create"}); err != nil {
				return err
			}
			fmt.Println("settled", key)
		}
	}()
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// writer is a process that runs writeUntilKilled.
type writer struct {
	process *exec.Cmd
	output  *bufio.Scanner
	errors  *strings.Builder
}

func startWriter(t *testing.T, path string) writer {
	t.Helper()
	w := writer{process: exec.CommandContext(t.Context(), os.Args[0]), errors: &strings.Builder{}}
	w.process.Env = append(os.Environ(), writerOf+"="+path)
	w.process.Stderr = w.errors
	output, err := w.process.StdoutPipe()
	check(t, err)
	w.output = bufio.NewScanner(output)
	check(t, w.process.Start())
	return w
}

// said returns the next thing that the process says it stored, and of which
// key.
func (w writer) said(t *testing.T) (what, key string) {
	t.Helper()
	if !w.output.Scan() {
		t.Fatalf("the writer stopped: %v %s", w.output.Err(), w.errors)
	}
	what, key, _ = strings.Cut(w.output.Text(), " ")
	return what, key
}

// kill ends the process by SIGKILL and returns what it still said.
func (w writer) kill(t *testing.T) (rest []string) {
	t.Helper()
	check(t, w.process.Process.Kill())
	for w.output.Scan() {
		rest = append(rest, w.output.Text())
	}
	if err := w.output.Err(); err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := w.process.Wait(); !errors.As(err, &exit) || exit.Exited() {
		t.Fatalf("the writer wasn't killed: %v %s", err, w.errors)
	}
	return rest
}

// acknowledged is what killed writers were told is stored: for each key the
// last thing said.
type acknowledged map[string]string

func (a acknowledged) hear(lines ...string) {
	for _, line := range lines {
		what, key, _ := strings.Cut(line, " ")
		a[key] = what
	}
}

// in fails the test unless the reader holds all that was acknowledged, and no
// more than the one step of each writer that wasn't any longer.
func (a acknowledged) in(t *testing.T, reader state.Reader, kills int) {
	t.Helper()
	records, err := reader.Records(t.Context(), target)
	check(t, err)
	intents, err := reader.Intents(t.Context(), target)
	check(t, err)
	found, surplus := acknowledged{}, 0
	for _, i := range intents {
		found[i.Key] = "intended"
	}
	for _, r := range records {
		if found[r.Key] != "" {
			t.Errorf("%s is settled and intended", r.Key)
		}
		found[r.Key] = "settled"
	}
	for key, what := range a {
		if found[key] == "settled" && what == "intended" {
			surplus++
		} else if found[key] != what {
			t.Errorf("%s was %s; the state says %q", key, what, found[key])
		}
	}
	if surplus += len(found) - len(a); surplus > kills {
		t.Errorf("%d steps more than were acknowledged after %d kills", surplus, kills)
	}
}

func TestKilledWriterLosesNothingAndLeavesNothingLocked(t *testing.T) {
	t.Parallel()
	path, stored := statePath(t), acknowledged{}
	for round := range 4 {
		w := startWriter(t, path)
		for range 5 + 8*round {
			what, key := w.said(t)
			stored.hear(what + " " + key)
		}
		stored.hear(w.kill(t)...)
		if round%2 == 0 { // a reader comes first, and meets what the writer left
			reader, err := sqlite.OpenReader(t.Context(), path)
			check(t, err)
			stored.in(t, reader, round+1)
			check(t, reader.Close())
		}
		store, err := sqlite.Open(t.Context(), path)
		check(t, err)
		stored.in(t, store, round+1)
		check(t, store.Close())
		isSound(t, path)
	}
}

func TestSecondProcessIsRefusedAtOnceAndReadersAreNot(t *testing.T) {
	t.Parallel()
	path := statePath(t)
	w := startWriter(t, path)
	_, key := w.said(t)
	_, err := sqlite.Open(t.Context(), path)
	wantError(t, err, state.ErrLocked, path, strconv.Itoa(w.process.Process.Pid))
	reader, err := sqlite.OpenReader(t.Context(), path)
	check(t, err)
	for range 20 {
		if what, settled := w.said(t); what == "settled" {
			key = settled
		}
	}
	records, err := reader.Records(t.Context(), target)
	check(t, err)
	if !contains(records, key) {
		t.Errorf("the reader doesn't see %s, which the writer was told is stored", key)
	}
	w.kill(t)
	check(t, reader.Ping(t.Context()))
	check(t, reader.Close())
}

func contains(records []policy.Recorded, key string) bool {
	for _, r := range records {
		if r.Key == key {
			return true
		}
	}
	return false
}

// isSound fails the test unless SQLite finds no fault in the file.
func isSound(t *testing.T, path string) {
	t.Helper()
	var verdict string
	query(t, path, "PRAGMA integrity_check", &verdict)
	if verdict != "ok" {
		t.Errorf("integrity_check: %s", verdict)
	}
}

// query reads one row from the file as the sqlite3 tool would.
func query(t *testing.T, path, text string, to ...any) {
	t.Helper()
	db := raw(t, path)
	check(t, db.QueryRowContext(t.Context(), text).Scan(to...))
	check(t, db.Close())
}

// alter changes the file as someone with the sqlite3 tool might.
func alter(t *testing.T, path, text string) {
	t.Helper()
	db := raw(t, path)
	_, err := db.ExecContext(t.Context(), text)
	check(t, err)
	check(t, db.Close())
}

func raw(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	check(t, err)
	return db
}

// wantError fails the test unless the error is of that kind, or of any if that
// is nil, and its text holds all parts.
func wantError(t *testing.T, err, kind error, parts ...string) {
	t.Helper()
	if err == nil || kind != nil && !errors.Is(err, kind) {
		t.Fatalf("error is %v, want %v", err, kind)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q doesn't say %q", err, part)
		}
	}
}
