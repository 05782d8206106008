package main

import (
	"context"
	"io/fs"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/reconcile"
	"github.com/policysync/policysync/internal/source"
)

// TestARunAsksForNoMoreThanItNeeds counts what runs over 1,000 policies ask
// the account, git and the cache of commits for.
func TestARunAsksForNoMoreThanItNeeds(t *testing.T) {
	t.Parallel()
	s := newInSync(t, 1000, simulator.Options{})
	target := s.reconciler(event.Sinks{})
	watched := &watchedSource{Source: target.Source}
	target.Source = watched
	nothing := func() {}
	change := func() { s.commit(map[int]string{7: "example.org"}) }
	for _, run := range []struct {
		name    string
		before  func()
		trigger event.Trigger
		result  event.Result
		account []string // requests
		git     int64    // requests
		files   int      // read, and parsed
	}{
		{"the first, which has nothing to do", nothing, event.Startup, event.Noop, []string{"list"}, 3, 1000},
		{"a poll that finds the same commit", nothing, event.Schedule, event.Noop, nil, 1, 0},
		{"a full list, the commit being the same", nothing, event.Manual, event.Noop, []string{"list"}, 1, 0},
		{"one changed file", change, event.Schedule, event.Success, []string{"list", "update"}, 3, 1},
		{"one edit and one deletion behind our back", s.meddle, event.Manual, event.Success, []string{"create", "list", "update"}, 1, 0},
		{"nothing after that", nothing, event.Manual, event.Noop, []string{"list"}, 1, 0},
	} {
		run.before()
		requests, fetches := len(s.account.Requests()), s.fetches.Load()
		watched.opened = 0
		if done := target.Run(t.Context(), run.trigger); done.Result != run.result {
			t.Errorf("%s: ended with %s (%v), want %s", run.name, done.Result, done.Err, run.result)
		}
		var asked []string
		for _, r := range s.account.Requests()[requests:] {
			asked = append(asked, r.Operation)
		}
		slices.Sort(asked)
		if d := cmp.Diff(run.account, asked); d != "" {
			t.Errorf("%s: requests to the account (-want +got):\n%s", run.name, d)
		}
		if n := s.fetches.Load() - fetches; n != run.git {
			t.Errorf("%s: %d requests to git, want %d", run.name, n, run.git)
		}
		if watched.opened != run.files {
			t.Errorf("%s: %d files were read, want %d", run.name, watched.opened, run.files)
		}
	}
}

// meddle edits one policy and deletes another, as somebody at the dashboard.
func (s *scale) meddle() {
	s.Helper()
	all, err := s.account.Policies()
	if err != nil {
		s.Fatal(err)
	}
	edited := all[1].Policy
	edited.Settings = map[string]any{"session_duration": "1h"}
	if err := s.account.Edit(all[1].ID, edited); err != nil {
		s.Fatal(err)
	}
	s.account.Remove(all[2].ID)
}

// watchedSource counts the files that are opened of what a source gives.
type watchedSource struct {
	reconcile.Source
	got, shown *source.Snapshot
	opened     int
}

func (w *watchedSource) Fetch(ctx context.Context) (*source.Snapshot, error) {
	got, err := w.Source.Fetch(ctx)
	if err == nil && got != w.got {
		shown := *got
		shown.FS = watchedFS{got.FS, w}
		w.got, w.shown = got, &shown
	}
	return w.shown, err
}

type watchedFS struct {
	fs.FS
	by *watchedSource
}

func (w watchedFS) Open(name string) (fs.File, error) {
	w.by.opened++
	return w.FS.Open(name)
}

func (w watchedFS) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(w.FS, name) }
