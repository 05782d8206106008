package reconcile_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/source"
	"github.com/policysync/policysync/internal/state"
)

// inSync returns a world whose policies a and b are as Git says, in the mode
// that writes most.
func inSync(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, simulator.Options{}).inMode(diff.Sync, diff.DriftHeal)
	w.git.declare("a", "b")
	w.run(event.Success)
	return w
}

// drift edits a and deletes b behind our back.
func (w *world) drift() {
	w.t.Helper()
	if err := w.account.Edit(w.id("a"), body("a", "edited.example")); err != nil {
		w.t.Fatal(err)
	}
	w.account.Remove(w.id("b"))
}

func TestDriftIsSeenWhileGitCannotBeReadAndNothingIsWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := inSync(t)
		before := w.writes()
		w.drift()
		w.git.err = errDown
		lost := time.Now().Add(10 * time.Minute)
		time.Sleep(10 * time.Minute)
		done := w.run(event.Failed)
		if got := done.Err.Error(); got != "fetch: git is down" {
			t.Errorf("error %q", got)
		}
		if done.States[diff.Drifted] != 1 || done.States[diff.Missing] != 1 || done.Commit != w.git.last.Commit {
			t.Errorf("states %v of commit %q", done.States, done.Commit)
		}
		want := "Git can't be read since " + lost.UTC().Format(time.RFC3339) + ": the account is compared with commit " +
			w.git.last.Commit + ", the last one read, and nothing is written to it"
		if d := cmp.Diff([]string{want}, w.events.warnings()); d != "" {
			t.Errorf("warnings (-want +got):\n%s", d)
		}
		if n := w.writes() - before; n != 0 {
			t.Errorf("%d writes", n)
		}
		for _, c := range w.events.plan().Reported {
			if !strings.HasSuffix(c.Reason, "; held back by Git, which can't be read") {
				t.Errorf("%s %s: %s", c.Action, c.Key, c.Reason)
			}
		}

		w.git.err = nil // the commit is the same, and the account was listed lately
		w.run(event.Success)
		if n := w.writes() - before; n != 2 {
			t.Errorf("%d writes once Git is back, want 2", n)
		}
	})
}

func TestARefusedCommitLeavesTheLastGoodOneDesiredAndWritesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := inSync(t)
		good, before := w.git.last.Commit, w.writes()
		w.git.declare("a", "b", "backdoor")
		w.git.err = fmt.Errorf("fetch: %w: it is not signed", source.ErrRefused)
		w.drift()
		time.Sleep(10 * time.Minute)
		if done := w.run(event.Failed); done.Commit != good || done.States[diff.Drifted] != 1 || done.States[diff.Missing] != 1 {
			t.Errorf("states %v of commit %q, want those of %s", done.States, done.Commit, good)
		}
		want := "Git has no commit that may be used since " + time.Now().UTC().Format(time.RFC3339) + ": the account is compared with commit " +
			good + ", the last one read, and nothing is written to it"
		if d := cmp.Diff([]string{want}, w.events.warnings()); d != "" {
			t.Errorf("warnings (-want +got):\n%s", d)
		}
		for _, c := range w.events.plan().Reported {
			if !strings.HasSuffix(c.Reason, "; held back by Git, whose commit is refused") {
				t.Errorf("%s %s: %s", c.Action, c.Key, c.Reason)
			}
		}
		runs, err := w.store.Runs(t.Context(), state.RunQuery{Target: "production", Limit: 1})
		if err != nil || runs[0].Error != "fetch: fetch: the commit is refused: it is not signed" {
			t.Errorf("history has %+v (%v)", runs, err)
		}
		if n := w.writes() - before; n != 0 {
			t.Errorf("%d writes", n)
		}
	})
}

func TestWithoutGitTheAccountIsListedNoMoreOftenThanWithIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := inSync(t)
		w.git.err = errDown
		before := w.account.Count("list")
		for range 60 {
			time.Sleep(time.Minute)
			w.run(event.Failed)
		}
		if n := w.account.Count("list") - before; n != 6 {
			t.Errorf("%d lists in an hour, want one every 10 minutes", n)
		}
		w.runWith(t.Context(), event.Manual, event.Failed)
		if n := w.account.Count("list") - before; n != 7 {
			t.Errorf("no list though an operator asked")
		}
	})
}

func TestAfterARestartWithoutGitTheLastCommitCountsWhereItIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := inSync(t)
		w.drift()
		before := w.writes()
		w.git.err = errDown
		w.stop()
		w.start()
		if done := w.run(event.Failed); done.States[diff.Drifted] != 1 || done.States[diff.Missing] != 1 {
			t.Errorf("states %v", done.States)
		}
		w.git.last = nil // the cache is gone
		w.stop()
		w.start()
		if done := w.run(event.Failed); done.States != nil || done.Commit != "" {
			t.Errorf("states %v of commit %q, from nowhere", done.States, done.Commit)
		}
		if n := w.writes() - before; n != 0 {
			t.Errorf("%d writes", n)
		}
		w.git.err = nil
		if done := w.run(event.Success); done.ToLive > 0 { // no time passes here
			t.Errorf("%s to live", done.ToLive)
		}
	})
}
