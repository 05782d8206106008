package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/policysync/policysync/internal/audit"
	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/reconcile"
	"github.com/policysync/policysync/internal/state"
	"github.com/policysync/policysync/internal/state/sqlite"
)

// watcherAt names, in its environment, the address at which this program has
// to ask before each call of its store, as a life answers there.
const watcherAt = "POLICYSYNC_TEST_WATCHER_AT"

// mortal is the process that is killed: the product's own parts, wired as its
// commands wire them, but for the store that asks. It ends once nothing is left
// to do. Its arguments are the folder with all that it needs and how many
// requests may be under way.
func mortal(watcher string, args []string) int {
	err := func() (err error) {
		ctx := context.Background()
		cfg, err := config.Load(filepath.Join(args[0], "policysync.yaml"), os.LookupEnv)
		if err != nil {
			return err
		}
		opened, err := sqlite.Open(ctx, cfg.State.Path())
		if err != nil {
			return err
		}
		var store state.Store = watched{opened, watcher}
		if cfg.Audit.File != "" {
			store = audit.New(store, cfg.Audit.File)
		}
		defer func() { err = errors.Join(err, store.Close()) }()
		a := &app{env: os.LookupEnv, flags: flags{dir: filepath.Join(args[0], "policies")}}
		all, err := workshop{a, budgetsBeside(cfg.State), store, nil, event.Sinks{}}.reconcilers(cfg)
		if err != nil {
			return err
		}
		if all[0].Executor.Concurrency, err = strconv.Atoi(args[1]); err != nil {
			return err
		}
		return runUntilDone(ctx, all[0])
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// runUntilDone runs until nothing is left to do: what is gone from Git takes a
// second run, and so does what failed.
func runUntilDone(ctx context.Context, r *reconcile.Reconciler) error {
	var done event.RunDone
	for range 3 {
		done = r.Run(ctx, event.Manual)
		if done.Err == nil && done.States[diff.Orphaned] == 0 {
			return cutShort(ctx, r)
		}
	}
	return errors.Join(errors.New("something is left to do after three runs"), done.Err)
}

// cutShort begins a run that is told to stop before it has asked the account
// anything.
func cutShort(ctx context.Context, r *reconcile.Reconciler) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	r.Runs = stopping{r.Runs, stop}
	if done := r.Run(ctx, event.Manual); !done.Cut {
		return fmt.Errorf("a run that was stopped ended with %+v", done)
	}
	return nil
}

// stopping stops its run once that has been started.
type stopping struct {
	reconcile.Runs
	stop func()
}

func (s stopping) StartRun(ctx context.Context, run state.Run) error {
	defer s.stop()
	return s.Runs.StartRun(ctx, run)
}

// watched is a store each of whose calls is a step. It embeds nothing, so that
// a method that comes to state.Store can't be forgotten here.
type watched struct {
	store   state.Store
	watcher string
}

// step returns when the step may be taken, if ever.
func (w watched) step(name string) {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, w.watcher+stepPath+name, nil)
	if err != nil {
		panic(err)
	}
	response, err := (&http.Client{}).Do(request)
	if err != nil {
		panic(err)
	}
	_ = response.Body.Close()
}

func (w watched) Records(ctx context.Context, target string) ([]policy.Recorded, error) {
	w.step("Records")
	return w.store.Records(ctx, target)
}

func (w watched) Record(ctx context.Context, target, key string) (policy.Recorded, error) {
	w.step("Record")
	return w.store.Record(ctx, target, key)
}

func (w watched) Listing(ctx context.Context, target string) ([]state.Listed, error) {
	w.step("Listing")
	return w.store.Listing(ctx, target)
}

// Intents returns them as if they had been noted an hour earlier: nothing is
// still on its way, because a life begins when all that left the last one has
// arrived.
func (w watched) Intents(ctx context.Context, target string) ([]state.Intent, error) {
	w.step("Intents")
	all, err := w.store.Intents(ctx, target)
	for i := range all {
		all[i].At = all[i].At.Add(-time.Hour)
	}
	return all, err
}

func (w watched) Runs(ctx context.Context, query state.RunQuery) ([]state.Run, error) {
	w.step("Runs")
	return w.store.Runs(ctx, query)
}

func (w watched) Run(ctx context.Context, id string) (state.Run, error) {
	w.step("Run")
	return w.store.Run(ctx, id)
}

func (w watched) Changes(ctx context.Context, run string) ([]state.Change, error) {
	w.step("Changes")
	return w.store.Changes(ctx, run)
}

func (w watched) Outcomes(ctx context.Context, run, result string) ([]state.Change, error) {
	w.step("Outcomes")
	return w.store.Outcomes(ctx, run, result)
}

func (w watched) History(ctx context.Context, target, key string, limit int) ([]state.Change, error) {
	w.step("History")
	return w.store.History(ctx, target, key, limit)
}

func (w watched) Suspension(ctx context.Context, target string) (state.Suspension, error) {
	w.step("Suspension")
	return w.store.Suspension(ctx, target)
}

func (w watched) Suspend(ctx context.Context, suspension state.Suspension) error {
	w.step("Suspend")
	return w.store.Suspend(ctx, suspension)
}

func (w watched) Resume(ctx context.Context, target string) error {
	w.step("Resume")
	return w.store.Resume(ctx, target)
}

func (w watched) Notes(ctx context.Context, target string, limit int) ([]state.Note, error) {
	w.step("Notes")
	return w.store.Notes(ctx, target, limit)
}

func (w watched) Note(ctx context.Context, notes []state.Note) error {
	w.step("Note")
	return w.store.Note(ctx, notes)
}

func (w watched) Prune(ctx context.Context, before time.Time) (int64, error) {
	w.step("Prune")
	return w.store.Prune(ctx, before)
}

func (w watched) AuditEnd(ctx context.Context) (state.AuditEnd, error) {
	w.step("AuditEnd")
	return w.store.AuditEnd(ctx)
}

func (w watched) SetAuditEnd(ctx context.Context, end state.AuditEnd) error {
	w.step("SetAuditEnd")
	return w.store.SetAuditEnd(ctx, end)
}

func (w watched) Ping(ctx context.Context) error {
	w.step("Ping")
	return w.store.Ping(ctx)
}

func (w watched) Close() error {
	w.step("Close")
	return w.store.Close()
}

func (w watched) StartRun(ctx context.Context, run state.Run) error {
	w.step("StartRun")
	return w.store.StartRun(ctx, run)
}

func (w watched) FinishRun(ctx context.Context, run state.Run) error {
	w.step("FinishRun")
	return w.store.FinishRun(ctx, run)
}

func (w watched) DropRun(ctx context.Context, id string) error {
	w.step("DropRun")
	return w.store.DropRun(ctx, id)
}

func (w watched) Intend(ctx context.Context, intent state.Intent) error {
	w.step("Intend")
	return w.store.Intend(ctx, intent)
}

func (w watched) Settle(ctx context.Context, record policy.Recorded, change state.Change) error {
	w.step("Settle")
	return w.store.Settle(ctx, record, change)
}

func (w watched) Forget(ctx context.Context, change state.Change) error {
	w.step("Forget")
	return w.store.Forget(ctx, change)
}

func (w watched) Abandon(ctx context.Context, change state.Change) error {
	w.step("Abandon")
	return w.store.Abandon(ctx, change)
}

func (w watched) Doubt(ctx context.Context, change state.Change, answered bool) error {
	w.step("Doubt")
	return w.store.Doubt(ctx, change, answered)
}

func (w watched) Refresh(ctx context.Context, target string, records []policy.Recorded) error {
	w.step("Refresh")
	return w.store.Refresh(ctx, target, records)
}
