// Package apply carries a plan out: each change once, with a journal entry
// durable before each request leaves, a bounded number at a time.
//
//	create:  intend ─► request ─► answered    settle  (record, close the intent)
//	                            ├► no effect   abandon (close the intent)
//	                            └► don't know  doubt   (leave the intent: the next plan looks)
//	adopt, forget:  a record only, no request
package apply

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/policysync/policysync/internal/cloudflare"
	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/state"
)

// Account is where changes are made. Create must be safe for concurrent use;
// once its request has left it must see it to its end though ctx has ended.
// Any error but an unambiguous *cloudflare.Error leaves in doubt whether the
// policy was created.
type Account interface {
	Create(ctx context.Context, p policy.Policy) (policy.Live, error)
}

// Journal is where changes are written down; state.Store is one.
type Journal interface {
	Intend(ctx context.Context, intent state.Intent) error
	Settle(ctx context.Context, record policy.Recorded, change state.Change) error
	Abandon(ctx context.Context, change state.Change) error
	Doubt(ctx context.Context, change state.Change) error
	Forget(ctx context.Context, change state.Change) error
	Refresh(ctx context.Context, target string, records []policy.Recorded) error
}

// Executor carries plans out. It is a value of settings and may be used
// concurrently for different targets.
type Executor struct {
	Account     Account
	Journal     Journal
	Concurrency int        // requests under way at a time, at least 1
	Sink        event.Sink // takes a ChangeDone for each change
}

// Result counts how the changes of a plan ended.
type Result struct {
	Outcomes map[event.Outcome]int
	States   map[diff.State]int // how the policies stand now
	Err      error              // joins what went wrong; nil when every change was applied
}

// Execute carries out the plan's creates, adopts and forgets, in its order,
// and brings the records of what is settled up to date. A plan with other
// actions is an error before anything is done. When ctx ends, no further
// request leaves; those under way come to their end and are recorded. When
// the journal can't be written, or the account refuses the credentials,
// nothing further is begun.
func (e Executor) Execute(ctx context.Context, scope event.Scope, plan diff.Plan) Result {
	x := newExecution(e, scope, plan)
	if err := x.check(); err != nil {
		return x.result(err)
	}
	if err := x.prepare(ctx); err != nil {
		return x.result(err)
	}
	x.each(ctx)
	return x.result(nil)
}

// Supported reports whether Execute carries out changes of that action.
func Supported(a diff.Action) bool {
	return a == diff.ActionCreate || a == diff.ActionAdopt || a == diff.ActionForget
}

// execution is an Execute under way.
type execution struct {
	Executor
	scope event.Scope
	plan  diff.Plan

	mu       sync.Mutex
	stop     error // why nothing further is begun
	errs     []error
	outcomes map[event.Outcome]int
	states   map[diff.State]int
}

func newExecution(e Executor, scope event.Scope, plan diff.Plan) *execution {
	states := maps.Clone(plan.States)
	if states == nil {
		states = map[diff.State]int{}
	}
	return &execution{Executor: e, scope: scope, plan: plan, outcomes: map[event.Outcome]int{}, states: states}
}

// result sums up; err is why no change was begun at all.
func (x *execution) result(err error) Result {
	if err != nil {
		x.errs = append(x.errs, err)
		x.outcomes[event.Skipped] = len(x.plan.Changes)
	}
	if n := x.outcomes[event.Skipped]; n > 0 {
		x.errs = append(x.errs, fmt.Errorf("%d changes were not begun", n))
	}
	return Result{x.outcomes, x.states, errors.Join(x.errs...)}
}

func (x *execution) check() error {
	for _, c := range x.plan.Changes {
		if !Supported(c.Action) {
			return fmt.Errorf("carry out plan: this version can't %s a policy", c.Action)
		}
	}
	return nil
}

// prepare closes the journal entries that came to nothing and brings records
// up to date that are behind.
func (x *execution) prepare(ctx context.Context) error {
	for _, key := range x.plan.Lapsed {
		lapsed := state.Change{
			Run: x.scope.Run, Target: x.scope.Target, Action: string(diff.ActionCreate), Key: key,
			Result: string(event.Refused), Error: "an earlier create came to nothing", At: time.Now(),
		}
		if err := x.Journal.Abandon(ctx, lapsed); err != nil {
			return fmt.Errorf("carry out plan: %w", err)
		}
	}
	if len(x.plan.Settled) == 0 {
		return nil
	}
	records := make([]policy.Recorded, len(x.plan.Settled))
	for i, s := range x.plan.Settled {
		records[i] = x.record(s.Desired, s.Live)
		records[i].CreatedAt = s.Recorded.CreatedAt
	}
	if err := x.Journal.Refresh(ctx, x.scope.Target, records); err != nil {
		return fmt.Errorf("carry out plan: %w", err)
	}
	return nil
}

// each carries out the changes: in order, and where they need a request,
// several at a time.
func (x *execution) each(ctx context.Context) {
	var requests errgroup.Group
	requests.SetLimit(max(1, x.Concurrency))
	for _, c := range x.plan.Changes {
		if c.Action == diff.ActionCreate {
			requests.Go(func() error { x.one(ctx, c); return nil })
			continue
		}
		_ = requests.Wait() // one keeps its errors itself
		x.one(ctx, c)
	}
	_ = requests.Wait()
}

// one carries out a change, unless nothing further is to be begun.
func (x *execution) one(ctx context.Context, c diff.Change) {
	began := time.Now()
	var outcome event.Outcome
	var err error
	if stop := x.stopped(ctx); stop != nil {
		outcome, err = event.Skipped, stop
	} else if c.Action == diff.ActionCreate {
		outcome, err = x.create(ctx, c)
	} else {
		outcome, err = x.note(ctx, c)
	}
	x.count(c, outcome, err)
	x.Sink.Emit(event.ChangeDone{Scope: x.scope, Change: c, Outcome: outcome, Err: err, Took: time.Since(began)})
}

// create makes the policy in the account. What follows its journal entry is
// recorded though ctx has ended meanwhile.
func (x *execution) create(ctx context.Context, c diff.Change) (event.Outcome, error) {
	intent := state.Intent{
		Target: x.scope.Target, Key: c.Key, Action: string(c.Action), Body: c.Desired.Policy,
		Run: x.scope.Run, At: time.Now(),
	}
	if err := x.Journal.Intend(ctx, intent); err != nil {
		return event.Refused, x.halt(fmt.Errorf("create %q: %w", c.Name, err))
	}
	live, err := x.Account.Create(ctx, c.Desired.Policy)
	ctx = context.WithoutCancel(ctx)
	if err == nil {
		return x.settle(ctx, c, live)
	}
	err = fmt.Errorf("create %q (%s:%d): %w", c.Name, c.File, c.Line, err)
	outcome, note := event.Unknown, x.Journal.Doubt
	refusal, known := errors.AsType[*cloudflare.Error](err)
	if known && !refusal.Ambiguous {
		outcome, note = event.Refused, x.Journal.Abandon
	}
	if noted := note(ctx, x.changed(c, outcome, err)); noted != nil {
		return event.Unknown, x.halt(errors.Join(err, noted))
	}
	if known && (refusal.Status == http.StatusUnauthorized || refusal.Status == http.StatusForbidden) {
		return outcome, x.halt(err)
	}
	return outcome, err
}

// note carries out a change that concerns our own records only.
func (x *execution) note(ctx context.Context, c diff.Change) (event.Outcome, error) {
	if c.Action == diff.ActionAdopt {
		return x.settle(ctx, c, *c.Live)
	}
	if err := x.Journal.Forget(ctx, x.changed(c, event.Applied, nil)); err != nil {
		return event.Refused, x.halt(fmt.Errorf("forget %q: %w", c.Name, err))
	}
	return event.Applied, nil
}

// settle records that the change took effect and what the account made of it.
func (x *execution) settle(ctx context.Context, c diff.Change, live policy.Live) (event.Outcome, error) {
	done := x.changed(c, event.Applied, nil)
	done.ID = live.ID
	record := x.record(*c.Desired, live)
	record.CreatedAt = record.UpdatedAt
	if err := x.Journal.Settle(ctx, record, done); err != nil {
		return event.Unknown, x.halt(fmt.Errorf("record %s of %q (%s): %w", c.Action, c.Name, live.ID, err))
	}
	return event.Applied, nil
}

// record returns what to remember of a policy: what Git says counts as sent
// only where the account has it so.
func (x *execution) record(d policy.Desired, live policy.Live) policy.Recorded {
	r := policy.Recorded{
		Key: d.Key, ID: live.ID, ReadBack: live.Policy, Protect: d.Protect,
		Commit: x.scope.Commit, File: d.File, Line: d.Line, UpdatedAt: time.Now(),
	}
	if policy.Fulfils(live.Policy, d.Policy) {
		r.Sent = d.Policy
	}
	return r
}

// changed returns the change as history keeps it.
func (x *execution) changed(c diff.Change, outcome event.Outcome, err error) state.Change {
	done := state.Change{
		Run: x.scope.Run, Target: x.scope.Target, Action: string(c.Action), Key: c.Key, Name: c.Name, ID: c.ID,
		Direction: string(c.Direction), Result: string(outcome), At: time.Now(),
	}
	if c.Live != nil {
		done.Before = &c.Live.Policy
	}
	if c.Desired != nil {
		done.After = &c.Desired.Policy
	}
	if err != nil {
		done.Error = err.Error()
	}
	if answer, ok := errors.AsType[*cloudflare.Error](err); ok {
		done.Ray = answer.Ray
	}
	return done
}

// halt keeps anything further from being begun and returns the reason.
func (x *execution) halt(why error) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.stop == nil {
		x.stop = why
	}
	return why
}

func (x *execution) stopped(ctx context.Context) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.stop != nil {
		return fmt.Errorf("not begun after: %w", x.stop)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("not begun: %w", err)
	}
	return nil
}

// count moves the policy of a change to the state that its outcome puts it in.
func (x *execution) count(c diff.Change, outcome event.Outcome, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.outcomes[outcome]++
	if err != nil && outcome != event.Skipped {
		x.errs = append(x.errs, err)
	}
	if c.State == "" {
		return
	}
	switch outcome {
	case event.Applied:
		x.states[c.State]--
		x.states[settled(c)]++
	case event.Refused, event.Unknown:
		x.states[c.State]--
		x.states[diff.Failed]++
	case event.Skipped:
	}
}

// settled is the state of a policy after its change was applied.
func settled(c diff.Change) diff.State {
	if c.State == diff.Orphaned {
		return diff.Orphaned
	}
	return diff.InSync
}
