package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/policysync/policysync/internal/state"
	"github.com/policysync/policysync/internal/state/sqlite"
)

func TestStatusTellsWhenTheNextRunBegins(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		ended     time.Duration // before now; 0: it goes on
		result    string
		suspended state.Suspension
		want      string // of the line, without the time; empty: there is none
	}{
		"on time":             {time.Minute, "noop", state.Suspension{}, ", when `policysync run` is up"},
		"after a failure":     {time.Minute, "failed", state.Suspension{}, " or sooner, to try again, when `policysync run` is up"},
		"overdue":             {2 * time.Hour, "noop", state.Suspension{}, ": `policysync run` is not up, or busy"},
		"while a run goes on": {0, "", state.Suspension{}, ""},
		"suspended":           {time.Minute, "noop", state.Suspension{Target: "a", Reason: "r", Since: time.Now()}, ""},
		"suspended until":     {time.Minute, "noop", state.Suspension{Target: "a", Reason: "r", Since: time.Now(), Until: time.Now().Add(time.Hour)}, ", when `policysync run` is up"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			config := filepath.Join(dir, "policysync.yaml")
			text := "targets: [{name: a, account_id: 023e105f4ecef8ad9ca31a8372d0c353, source: {url: /srv/a.git}, schedule: '@every 1h'}]\nstate: {url: 'sqlite://" + dir + "/state.db'}\n"
			if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			recordRun(t, filepath.Join(dir, "state.db"), tc.ended, tc.result, tc.suspended)
			var out, complaints bytes.Buffer
			a := &app{stdout: &out, stderr: &complaints, env: func(string) (string, bool) { return "", false }}
			if code := run(t.Context(), a, []string{"status", "--config", config}); code != 0 {
				t.Fatalf("exit %d: %s", code, &complaints)
			}
			_, line, found := strings.Cut(out.String(), "Next run: ")
			line, _, _ = strings.Cut(line, "\n")
			if found != (tc.want != "") || !strings.HasSuffix(line, tc.want) {
				t.Errorf("want %q at the end of %q", tc.want, line)
			}
		})
	}
}

// recordRun records a run of target a, and its suspension unless it is zero.
func recordRun(t *testing.T, file string, ended time.Duration, result string, suspended state.Suspension) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	r := state.Run{ID: "1", Target: "a", Trigger: "startup", Result: result, Started: time.Now().Add(-ended)}
	if err := store.StartRun(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if ended > 0 {
		r.Finished = r.Started
		if err := store.FinishRun(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	if suspended.Target != "" {
		if err := store.Suspend(t.Context(), suspended); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}
