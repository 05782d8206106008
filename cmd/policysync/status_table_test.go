package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/state"
	"github.com/policysync/policysync/internal/state/sqlite"
)

// a recorded policy of that key and name, in that file.
func recorded(key, name, file string) policy.Recorded {
	p := policy.Policy{Name: name, Decision: policy.Allow}
	now := time.Now()
	return policy.Recorded{Key: key, ID: "id-" + key, Sent: p, ReadBack: p, File: file, Line: 1, CreatedAt: now, UpdatedAt: now}
}

// a store of target default with records and a run, open as a daemon has it.
func daemonsStore(t *testing.T, file string, records ...policy.Recorded) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	r := state.Run{ID: "run-1", Target: "default", Trigger: "schedule", Started: time.Now()}
	if err := store.StartRun(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if err := store.Refresh(t.Context(), "default", records); err != nil {
		t.Fatal(err)
	}
	return store
}

// statusOf returns what status says of that state.
func statusOf(t *testing.T, file string, flags ...string) string {
	t.Helper()
	var out, complaints bytes.Buffer
	a := &app{stdout: &out, stderr: &complaints, env: func(string) (string, bool) { return "", false }}
	if code := run(t.Context(), a, append([]string{"status", "--state", file}, flags...)); code != 0 {
		t.Fatalf("exit %d: %s", code, &complaints)
	}
	return out.String()
}

func TestStatusFits80ColumnsAndShowsProblemsFirst(t *testing.T) {
	t.Parallel()
	long, folder := strings.TrimSpace(strings.Repeat("Engineering ", 20)), strings.Repeat("folder/", 20)+"eng.yaml"
	gone := recorded("gone", "Gone", "")
	gone.AbsentSince = time.Now()
	file := filepath.Join(t.TempDir(), "state.db")
	store := daemonsStore(t, file,
		recorded("a", long, folder), recorded("b", strings.Repeat("東京", 40), "tokyo.yaml"), recorded("c", "Failing", "f.yaml"), gone)
	failing := state.Change{Run: "run-1", Target: "default", Action: "update", Key: "c", Name: "Failing", Result: "failed", At: time.Now()}
	doubtful := state.Intent{Target: "default", Key: "new", Action: "create", Body: policy.Policy{Name: "New"}, Run: "run-1", At: time.Now()}
	for _, err := range []error{
		store.Intend(t.Context(), state.Intent{Target: "default", Key: "c", Action: "update", Run: "run-1", At: time.Now()}),
		store.Abandon(t.Context(), failing), store.Intend(t.Context(), doubtful),
		store.FinishRun(t.Context(), state.Run{ID: "run-1", Result: "partial", Counts: map[string]int{"failed": 1, "orphaned": 1}, Finished: time.Now()}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	text := statusOf(t, file)
	var order []string
	for line := range strings.Lines(text) {
		if n := cells(strings.TrimSuffix(line, "\n")); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
		for _, name := range []string{"New  ", "Failing  ", "Gone  ", "Engineering Eng", "東京東京"} {
			if strings.HasPrefix(line, name) {
				order = append(order, strings.TrimSpace(name))
			}
		}
	}
	if got, want := fmt.Sprint(order), "[New Failing Gone Engineering Eng 東京東京]"; got != want {
		t.Errorf("the order is %s, want %s:\n%s", got, want, text)
	}
	if !strings.Contains(text, "…") || !strings.Contains(text, "folder/eng.yaml:1  20") {
		t.Errorf("the file isn't told:\n%s", text)
	}
	if want := "Target default\nState: look at it: 1 in doubt, 1 failed, 1 orphaned\n"; !strings.HasPrefix(text, want) {
		t.Errorf("want %q first:\n%s", want, text)
	}
	if wide := statusOf(t, file, "--wide"); !strings.Contains(wide, long) || !strings.Contains(wide, folder+":1") || !strings.Contains(wide, "id-a\n") {
		t.Errorf("--wide leaves something out:\n%s", wide)
	}
}

func TestStatusFitsTheTerminal(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state.db")
	daemonsStore(t, file, recorded("a", strings.Repeat("x", 300), "a.yaml"))
	screen := onTerminal(t, exec.CommandContext(t.Context(), "policysync", "status", "--state", file), func(*os.File, []byte) {})
	if !strings.Contains(screen, "x…  recorded") {
		t.Errorf("the name isn't shortened:\n%s", screen)
	}
	for line := range strings.SplitSeq(screen, "\r\n") {
		if strings.HasPrefix(line, "xxx") && cells(line) != 100 {
			t.Errorf("%d columns of 100 are used: %s", cells(line), line)
		}
	}
}

// TestWatchShowsWhatADaemonRecords takes as long as one look waits for the next.
func TestWatchShowsWhatADaemonRecords(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state.db")
	var many []policy.Recorded
	for i := range 30 { // more than there are rows
		many = append(many, recorded(fmt.Sprint(i), fmt.Sprintf("Policy %02d", i), ""))
	}
	store := daemonsStore(t, file, many...)
	var write, stop sync.Once
	screen := onTerminal(t, exec.CommandContext(t.Context(), "policysync", "status", "--watch", "--state", file), func(terminal *os.File, screen []byte) {
		if bytes.Contains(screen, []byte("without --watch")) {
			write.Do(func() {
				if err := store.Refresh(t.Context(), "default", []policy.Recorded{recorded("1", "Renamed", "")}); err != nil {
					t.Error(err)
				}
			})
		}
		if bytes.Contains(screen, []byte("Renamed")) {
			stop.Do(func() { _, _ = terminal.WriteString("\x03") })
		}
	})
	if n := strings.Count(screen, "\x1b[H\x1b[2J"); n != 2 {
		t.Errorf("drawn %d times, want 2:\n%q", n, screen)
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(screen, "\x1b[H\x1b[2J"), "\x1b[H\x1b[2J")
	if rows := strings.Count(first, "\n"); rows >= 24 {
		t.Errorf("%d rows don't fit:\n%s", rows, first)
	}
}
