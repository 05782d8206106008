// Package reconcile takes one target once from what its account has to what
// Git says:
//
//	fetch ─► parse ─► list ─► plan ─► guard ─► apply ─► record
//
// and emits an event for each step. Where anything before apply goes wrong,
// nothing is written to the account.
package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/policysync/policysync/internal/apply"
	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/guard"
	"github.com/policysync/policysync/internal/state"
)

// Runs is where runs are written down; state.Store is one.
type Runs interface {
	StartRun(ctx context.Context, run state.Run) error
	FinishRun(ctx context.Context, run state.Run) error
	DropRun(ctx context.Context, id string) error
}

// Reconciler runs one target. Its runs must not overlap.
type Reconciler struct {
	Planner

	Executor      apply.Executor
	Runs          Runs
	Rules         guard.Rules
	Frozen        func() []guard.Freeze // asked in every run for what else is frozen; nil: nothing
	FullListEvery time.Duration         // the account is listed at least this often though Git is unchanged

	// Patient runs wait, where they must, for what became of requests of earlier
	// runs, up to a minute; others leave what depends on that to the next run.
	Patient bool

	// Approve is asked before a plan, be it empty, is carried out; its error
	// ends the run. Nil approves every plan.
	Approve func(Planned) error

	listed time.Time // when the last run began that left nothing undone
	looked time.Time // when the last run began that looked after the account without Git
	lost   time.Time // since when Git can't be read; zero: it can
	seen   time.Time // when the current commit was first seen
	live   bool      // whether the current commit was brought live
	tries  tries
	pushed atomic.Pointer[push]
}

// push is what was told of a push: measured by, and nothing else.
type push struct {
	commit string
	at     time.Time
}

// Pushed says that a commit was pushed then, so that its way to the account is
// measured from there. It may be called concurrently, also with Run.
func (r *Reconciler) Pushed(commit string, at time.Time) { r.pushed.Store(&push{commit, at}) }

// Run is one run. It returns once everything begun has ended; when ctx ends,
// no further step is begun.
func (r *Reconciler) Run(ctx context.Context, trigger event.Trigger) event.RunDone {
	p := r.begin(trigger)
	p.run(ctx)
	return p.end()
}

// begin begins a run.
func (r *Reconciler) begin(trigger event.Trigger) *pass {
	if r.tries == nil {
		r.tries = tries{}
	}
	r.timed = nil
	p := &pass{Reconciler: r, began: time.Now(), trigger: trigger}
	p.scope = event.Scope{Target: r.Target, Run: uuid.Must(uuid.NewV7()).String()} // sorts by time
	r.Sink.Emit(event.RunStarted{Scope: p.scope, Trigger: trigger, At: p.began})
	return p
}

// pass is a Run under way.
type pass struct {
	*Reconciler
	scope   event.Scope
	trigger event.Trigger
	author  string // of the commit
	began   time.Time
	done    event.RunDone
}

func (p *pass) run(ctx context.Context) {
	changed, fetchErr := p.fetch(ctx, &p.scope)
	if p.cut(ctx, fetchErr) {
		return
	}
	p.lost = p.lostSince(fetchErr)
	if fetchErr == nil {
		p.author = p.snapshot.Author
	}
	if changed {
		p.seen, p.live = p.pushedAt(), false
	}
	if fetchErr == nil && !changed && p.nothingNew() {
		p.done.Result = event.Noop
		return
	}
	if err := p.Runs.StartRun(ctx, p.record()); err != nil {
		if err = errors.Join(fetchErr, &PhaseError{event.Record, err}); !p.cut(ctx, err) {
			p.fail(err)
		}
		return
	}
	if p.fail(fetchErr) {
		p.withoutGit(ctx, fetchErr)
	} else {
		p.reconcile(ctx)
	}
	p.finish(ctx)
}

// pushedAt returns when the commit was pushed, as far as that was told, and else
// when the run began that found it.
func (p *pass) pushedAt() time.Time {
	told := p.pushed.Load()
	if told != nil && told.commit == p.scope.Commit && told.at.Before(p.began) {
		return told.at
	}
	return p.began
}

// nothingNew reports whether a run with an unchanged commit need not look at
// the account: because it was looked at lately, and nothing was left undone.
func (p *pass) nothingNew() bool { return p.lately(p.listed) }

// lately reports whether the account was looked at so short a time ago that a
// run by itself need not look again.
func (p *pass) lately(looked time.Time) bool {
	return p.trigger != event.Manual && time.Since(looked) < p.FullListEvery
}

// reconcile does what comes after the fetch.
func (p *pass) reconcile(ctx context.Context) {
	p.listed = time.Time{}
	planned, err := p.compute(ctx, p.scope, p.snapshot, p.trigger)
	if err == nil && p.Patient && !planned.Plan.Settles.IsZero() {
		planned, err = p.outwait(ctx, planned.Plan)
	}
	if p.cut(ctx, err) || p.fail(err) {
		return
	}
	held := errors.Join(settling(planned.Plan), p.wait(&planned), p.guard(&planned))
	if p.Approve != nil && p.fail(p.Approve(planned)) {
		return
	}
	p.Sink.Emit(event.PlanMade{Scope: p.scope, Plan: planned.Plan})
	p.apply(ctx, planned, held)
}

// wait takes from the plan what failed before and isn't due for another try,
// unless an operator asks.
func (p *pass) wait(planned *Planned) error {
	if p.trigger == event.Manual {
		return nil
	}
	plan, n := p.tries.hold(planned.Plan, p.began)
	planned.Plan = plan
	if n == 0 {
		return nil
	}
	return waiting(fmt.Sprintf("%d changes that failed before wait for their next try; `policysync apply` doesn't wait", n))
}

// outwait returns the plan of when no request of an earlier run can take effect
// any more.
func (p *pass) outwait(ctx context.Context, plan diff.Plan) (Planned, error) {
	rest := time.Until(plan.Settles)
	p.warn(fmt.Sprintf("%d creates whose answers were lost may still take effect: waiting %s to see whether they do",
		plan.Awaited, rest.Round(time.Second)))
	timer := time.NewTimer(rest)
	defer timer.Stop()
	select {
	case <-timer.C:
		return p.compute(ctx, p.scope, p.snapshot, p.trigger)
	case <-ctx.Done():
		return Planned{}, fmt.Errorf("wait for creates whose answers were lost: %w", ctx.Err())
	}
}

// settling returns why the plan waits for requests of earlier runs.
func settling(plan diff.Plan) error {
	if plan.Awaited == 0 {
		return nil
	}
	return waiting(fmt.Sprintf("%d creates whose answers were lost may still take effect; a run in a minute looks again", plan.Awaited))
}

// waiting is the error of a run in which changes wait for their time.
type waiting string

// Error says what waits, and for what.
func (w waiting) Error() string { return string(w) }

// guard takes from the plan what may not be done now and returns why.
func (p *pass) guard(planned *Planned) error {
	began := p.enter(p.scope, event.Guard)
	rules := p.Rules
	if p.Frozen != nil {
		rules.Freeze = slices.Concat(rules.Freeze, p.Frozen())
	}
	plan, err := guard.Check(planned.Plan, rules)
	planned.Plan = plan
	p.ended(p.scope, event.Guard, began, nil)
	if stop, stopped := errors.AsType[*guard.Stop](err); stopped {
		p.Sink.Emit(event.Held{Scope: p.scope, Reason: stop.Reason, Err: stop})
	}
	return err
}

func (p *pass) apply(ctx context.Context, planned Planned, held error) {
	began := p.enter(p.scope, event.Apply)
	result := p.Executor.Execute(ctx, p.scope, planned.Plan, planned.Listed)
	p.ended(p.scope, event.Apply, began, result.Err)
	p.tries.note(planned.Plan, result.Failed, time.Now())
	p.done.States, p.done.Err = result.States, errors.Join(held, result.Err)
	_, waited := errors.AsType[waiting](held)
	switch {
	case result.Err != nil && result.Outcomes[event.Applied] == 0 && result.Outcomes[event.Skipped] > 0:
		p.done.Result = event.Failed
	case result.Err != nil || waited:
		p.done.Result = event.Partial
	case held != nil:
		p.done.Result = event.Blocked
	case planned.Plan.Empty():
		p.done.Result = event.Noop
	default:
		p.done.Result = event.Success
	}
	if p.done.Err != nil {
		return
	}
	if len(planned.Plan.Marked) == 0 { // else the next run looks again
		p.listed = p.began
	}
	if !p.live && result.Outcomes[event.Applied] > 0 {
		p.done.ToLive = time.Since(p.seen)
	}
	p.live = true
}

// fail ends the run with that error, if it is one, and reports whether it is.
func (p *pass) fail(err error) bool {
	if err == nil {
		return false
	}
	p.done.Result, p.done.Err = event.Failed, errors.Join(p.done.Err, err)
	return true
}

// cut ends the run with that error, if it is one and the run was told to end, and
// reports whether it does.
func (p *pass) cut(ctx context.Context, err error) bool {
	p.done.Cut = err != nil && ctx.Err() != nil
	return p.done.Cut && p.fail(err)
}

// finish records how the run ended, though ctx may have ended.
func (p *pass) finish(ctx context.Context) {
	lasting := context.WithoutCancel(ctx)
	began := p.enter(p.scope, event.Record)
	var err error
	if p.done.Cut {
		err = p.Runs.DropRun(lasting, p.scope.Run)
	} else {
		err = p.Runs.FinishRun(lasting, p.record())
	}
	p.ended(p.scope, event.Record, began, err)
	if err != nil {
		p.fail(&PhaseError{event.Record, err})
	}
}

// record returns the run as it stands now, as history keeps it.
func (p *pass) record() state.Run {
	run := state.Run{
		ID: p.scope.Run, Target: p.scope.Target, Trigger: string(p.trigger), Commit: p.scope.Commit, Author: p.author,
		Result: string(p.done.Result), Started: p.began, Finished: time.Now(), Counts: map[string]int{}, Phases: p.timed,
	}
	if p.done.Err != nil {
		run.Error = p.done.Err.Error()
	}
	for s, n := range p.done.States {
		run.Counts[string(s)] = n
	}
	return run
}

// end tells everybody that the run ended.
func (p *pass) end() event.RunDone {
	p.done.Scope, p.done.Trigger = p.scope, p.trigger
	p.done.At = time.Now()
	p.done.Took = p.done.At.Sub(p.began)
	p.done.Result = cmp.Or(p.done.Result, event.Failed)
	p.Sink.Emit(p.done)
	return p.done
}
