package daemon

import (
	"context"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/state"
)

// Retries of runs that left something undone begin after firstRetry and come
// ever later, up to lastRetry apart.
const (
	firstRetry = 5 * time.Second
	lastRetry  = 5 * time.Minute
)

// loop looks after one target.
type loop struct {
	name  string
	dirty chan event.Trigger      // holds a wake that no run has answered yet
	leave context.CancelCauseFunc // ends the loop; nil: it hasn't begun
	gone  chan struct{}           // closed when it has ended

	mu       sync.Mutex
	target   Target    // as the next run takes it
	deadline time.Time // by which the next sign of life is due
	next     time.Time // when the next run begins; zero while one is under way, or where none will
	fetched  bool      // the last fetch gave a commit
	parsed   bool      // the manifests of one fetched could be read

	suspension         state.Suspension
	stop               context.CancelFunc // ends the run under way; nil: none is
	idle               chan struct{}      // closed when that has ended
	waiting, answering []chan<- outcome   // for the run that begins next; for the one under way
	over               error              // why no run will ever begin; nil: they do
}

func newLoop(t Target) *loop {
	return &loop{
		name: t.Name, target: t, suspension: t.Suspension,
		dirty: make(chan event.Trigger, 1), deadline: time.Now().Add(silentPause),
	}
}

// How long a loop may show no sign of life: within a run, more than the longest
// that one step waits for the account; between runs, after the next is due.
const (
	silentRun   = 15 * time.Minute
	silentPause = time.Minute
)

// become has the next run, which begins at once, be that of another target of
// the same name.
func (l *loop) become(t Target) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.target.Runner != t.Runner {
		l.target = t
		l.signal(event.Startup)
	}
}

// wake makes the target run now, and tells answer, unless it is nil, what came of
// that. An error says why the target won't run.
func (l *loop) wake(why event.Trigger, answer chan<- outcome) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.suspension.InForce(time.Now()) {
		return state.ErrSuspended
	}
	if l.over != nil {
		return l.over
	}
	if answer != nil {
		l.waiting = append(l.waiting, answer)
	}
	l.signal(why)
	return nil
}

// signal ends the loop's wait. An operator's signal takes the place of one that
// is there already, because a run for an operator looks at everything.
func (l *loop) signal(why event.Trigger) {
	if why == event.Manual {
		select {
		case <-l.dirty:
		default: // nothing waits
		}
	}
	select {
	case l.dirty <- why:
	default: // a run that begins later than this is due already
	}
}

func (l *loop) alive() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deadline = time.Now().Add(silentRun)
}

// note remembers whether the target's manifests could be read. Those of the
// last commit, read where Git is out of reach, don't count.
func (l *loop) note(e event.Event) {
	done, ok := e.(event.PhaseDone)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case ok && done.Phase == event.Fetch:
		l.fetched = done.Err == nil
	case ok && done.Phase == event.Parse && done.Err == nil && l.fetched:
		l.parsed = true
	}
}

// run runs the target, for the first time after a wait, until ctx ends.
func (l *loop) run(ctx context.Context, sink event.Sink, first time.Duration) {
	retries := &backoff.ExponentialBackOff{
		InitialInterval: firstRetry, MaxInterval: lastRetry, Multiplier: 2, RandomizationFactor: 0.2,
	}
	defer l.close(ctx)
	trigger := l.wait(ctx, time.Now().Add(first), event.Startup)
	for ctx.Err() == nil {
		if over := l.expire(); !over.IsZero() {
			sink.Emit(event.Resumed{Target: l.name, At: over, Expired: true})
		}
		run, runner, why := l.begin(ctx, trigger)
		if run == nil {
			trigger = l.rest(ctx)
			continue
		}
		done := runner.Run(run, why)
		l.end(done)
		next, why := l.plan(done.Result, retries)
		trigger = l.wait(ctx, next, why)
	}
}

// plan returns when and why to run again after a run with that result.
func (l *loop) plan(result event.Result, retries *backoff.ExponentialBackOff) (time.Time, event.Trigger) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	tick := l.target.Schedule.Next(now)
	if result != event.Failed && result != event.Partial {
		retries.Reset()
		return tick, event.Schedule
	}
	if retry := now.Add(retries.NextBackOff()); retry.Before(tick) {
		return retry, event.Retry
	}
	return tick, event.Schedule
}

// wait returns why to run again: at that time for that reason, or at once when
// the target is woken. It returns, too, when ctx ends.
func (l *loop) wait(ctx context.Context, until time.Time, why event.Trigger) event.Trigger {
	l.mu.Lock()
	l.next, l.deadline = until, until.Add(silentPause)
	l.mu.Unlock()
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case why = <-l.dirty:
	}
	return why
}
