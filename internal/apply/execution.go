package apply

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/policysync/policysync/internal/cloudflare"
	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/policy"
)

// execution is an Execute under way.
type execution struct {
	Executor
	scope  event.Scope
	plan   diff.Plan
	listed time.Time
	anew   chan struct{} // full while a policy is looked at anew and then changed

	mu       sync.Mutex
	stop     error // why nothing further is begun
	errs     []error
	outcomes map[event.Outcome]int
	states   map[diff.State]int
	failed   map[string]bool
}

func newExecution(e Executor, scope event.Scope, plan diff.Plan, listed time.Time) *execution {
	states := maps.Clone(plan.States)
	if states == nil {
		states = map[diff.State]int{}
	}
	return &execution{
		Executor: e, scope: scope, plan: plan, listed: listed, anew: make(chan struct{}, 1),
		outcomes: map[event.Outcome]int{}, states: states, failed: map[string]bool{},
	}
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
	return Result{x.outcomes, x.states, x.failed, errors.Join(x.errs...)}
}

// prepare closes the journal entries whose outcome is known now and brings
// records up to date that are behind.
func (x *execution) prepare(ctx context.Context) error {
	for _, lapse := range x.plan.Lapsed {
		if err := x.Journal.Abandon(ctx, x.lapsed(lapse)); err != nil {
			return fmt.Errorf("carry out plan: %w", err)
		}
	}
	records := slices.Clone(x.plan.Marked)
	for _, s := range x.plan.Settled {
		record := x.record(s.Desired, s.Live)
		record.Written, record.CreatedAt, record.Heals = s.Recorded.Written, s.Recorded.CreatedAt, s.Recorded.Heals
		if !policy.Equal(s.Desired.Policy, s.Recorded.Sent) {
			record.Heals = 0 // Git has moved
		}
		records = append(records, record)
	}
	if len(records) == 0 {
		return nil
	}
	if err := x.Journal.Refresh(ctx, x.scope.Target, records); err != nil {
		return fmt.Errorf("carry out plan: %w", err)
	}
	return nil
}

// each carries out the changes, stage by stage: in order, and where they need
// a request, several at a time.
func (x *execution) each(ctx context.Context) {
	var requests errgroup.Group
	requests.SetLimit(max(1, x.Concurrency))
	for i, c := range x.plan.Changes {
		if i > 0 && c.Stage() != x.plan.Changes[i-1].Stage() {
			_ = requests.Wait() // one keeps its errors itself
		}
		if c.Action.RecordsOnly() {
			x.one(ctx, c)
			continue
		}
		requests.Go(func() error { x.one(ctx, c); return nil })
	}
	_ = requests.Wait()
}

// one carries out a change, unless nothing further is to be begun.
func (x *execution) one(ctx context.Context, c diff.Change) {
	began, s := time.Now(), &step{execution: x, id: c.ID}
	var outcome event.Outcome
	var err error
	if stop := x.stopped(ctx); stop != nil {
		outcome, err = event.Skipped, stop
	} else {
		outcome, err = s.carryOut(cloudflare.WithRay(ctx, &s.ray), c)
	}
	x.count(c, outcome, err)
	x.Sink.Emit(event.ChangeDone{Scope: x.scope, Change: c, ID: s.id, Ray: s.ray, Outcome: outcome, Err: err, At: began, Took: time.Since(began)})
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
	if outcome == event.Refused || outcome == event.Unknown {
		x.failed[c.Key] = true
	}
	if err != nil && outcome != event.Skipped {
		x.errs = append(x.errs, err)
	}
	if c.State == "" {
		return
	}
	switch outcome {
	case event.Applied:
		x.states[c.State]--
		if s := settled(c); s != "" {
			x.states[s]++
		}
	case event.Refused, event.Unknown:
		x.states[c.State]--
		x.states[diff.Failed]++
	case event.Skipped:
	}
}

// settled is the state of a policy after its change was applied; empty when
// there is no policy any more.
func settled(c diff.Change) diff.State {
	switch {
	case c.Action == diff.ActionDelete:
		return ""
	case c.State == diff.Orphaned:
		return diff.Orphaned
	default:
		return diff.InSync
	}
}
