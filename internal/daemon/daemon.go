// Package daemon decides when targets run: once at the start, then as each
// one's schedule says, when somebody wakes them, and sooner again after a run
// that left something undone.
package daemon

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/state"
)

// Runner runs one target once. It returns soon after ctx ends, with what it
// had begun brought to an end.
type Runner interface {
	Run(ctx context.Context, trigger event.Trigger) event.RunDone
}

// Schedule says when a target runs next after a time.
type Schedule interface{ Next(time.Time) time.Time }

// Target is one target to look after.
type Target struct {
	Name       string
	Runner     Runner
	Schedule   Schedule
	Suspension state.Suspension // that it begins with; the zero one: none
}

// Retries of runs that left something undone begin after firstRetry and come
// ever later, up to lastRetry apart.
const (
	firstRetry = 5 * time.Second
	lastRetry  = 5 * time.Minute
)

// Daemon runs targets; its zero value has none. It is an event.Sink too, and must be one of those that
// the runs emit to, because their events are the signs of life that Stalled
// goes by.
type Daemon struct {
	Suspensions Suspensions // needed by Suspend and Resume
	Sink        event.Sink  // told of suspensions; needed where there may be any

	loops    []*loop
	operator sync.Mutex // held while one of them suspends or resumes, so that the store and the loop agree
}

// Add gives the daemon one more target; do so before Run and the first event.
func (d *Daemon) Add(t Target) {
	d.loops = append(d.loops, &loop{Target: t, suspension: t.Suspension, dirty: make(chan event.Trigger, 1)})
}

// Wake makes every target run now. A target that is running runs once more
// when it has ended, however often it was woken meanwhile. It may be called
// concurrently, and doesn't wait for anything.
func (d *Daemon) Wake(why event.Trigger) {
	for _, l := range d.loops {
		_ = l.wake(why, nil) // one that is suspended runs when it is resumed
	}
}

// WakeOne is Wake for one target. It reports whether that will run: one that is
// suspended, or isn't there, won't.
func (d *Daemon) WakeOne(target string, why event.Trigger) bool {
	l, err := d.loop(target)
	return err == nil && l.wake(why, nil) == nil
}

func (d *Daemon) loop(target string) (*loop, error) {
	i := slices.IndexFunc(d.loops, func(l *loop) bool { return l.Name == target })
	if i < 0 {
		return nil, fmt.Errorf("no target is named %q", target)
	}
	return d.loops[i], nil
}

// Run runs every target, each by itself, until ctx ends, and returns once the
// last run has come to its end. Call it once.
func (d *Daemon) Run(ctx context.Context) {
	var all sync.WaitGroup
	for _, l := range d.loops {
		if s := d.Suspension(l.Name); s.Target != "" {
			d.Sink.Emit(event.Suspended{Target: s.Target, Reason: s.Reason, Until: s.Until})
		}
		all.Go(func() { l.run(ctx, d.Sink) })
	}
	all.Wait()
}

// Emit takes a sign of life of a target. It may be called concurrently.
func (d *Daemon) Emit(e event.Event) {
	target := signOfLife(e)
	for _, l := range d.loops {
		if l.Name == target {
			l.alive()
			l.note(e)
		}
	}
}

// signOfLife returns the target whose loop is alive, as the event shows.
func signOfLife(e event.Event) (target string) {
	switch e := e.(type) {
	case event.RunStarted:
		return e.Target
	case event.PhaseDone:
		return e.Target
	case event.ChangeDone:
		return e.Target
	case event.RequestDone:
		return e.Target
	case event.BudgetWaiting:
		return e.Target
	case event.BudgetWaited:
		return e.Target
	case event.RunDone:
		return e.Target
	case event.SourceFetched, event.Warned, event.PlanMade, event.Held, event.WebhookDone, event.Suspended, event.Resumed:
	}
	return ""
}

// Stalled returns the names of the targets whose loop has shown no sign of
// life in time; a suspended one need not. It may be called concurrently.
func (d *Daemon) Stalled() []string {
	return d.named(func(l *loop) bool {
		now := time.Now()
		return now.After(l.deadline) && !l.suspension.InForce(now)
	})
}

// Unready returns the names of the targets whose manifests haven't been read
// yet, but for those that are suspended. It may be called concurrently.
func (d *Daemon) Unready() []string {
	return d.named(func(l *loop) bool { return !l.parsed && !l.suspension.InForce(time.Now()) })
}

func (d *Daemon) named(which func(*loop) bool) []string {
	var names []string
	for _, l := range d.loops {
		l.mu.Lock()
		if which(l) {
			names = append(names, l.Name)
		}
		l.mu.Unlock()
	}
	slices.Sort(names)
	return names
}

// loop looks after one target.
type loop struct {
	Target
	dirty    chan event.Trigger // holds a wake that no run has answered yet
	mu       sync.Mutex
	deadline time.Time // by which the next sign of life is due
	fetched  bool      // the last fetch gave a commit
	parsed   bool      // the manifests of one fetched could be read

	suspension         state.Suspension
	stop               context.CancelFunc // ends the run under way; nil: none is
	idle               chan struct{}      // closed when that has ended
	waiting, answering []chan<- outcome   // for the run that begins next; for the one under way
	over               bool               // no run will ever begin
}

// How long a loop may show no sign of life: within a run, more than the longest
// that one step waits for the account; between runs, after the next is due.
const (
	silentRun   = 15 * time.Minute
	silentPause = time.Minute
)

// wake makes the target run now, and tells answer, unless it is nil, what came of
// that. An error says why the target won't run.
func (l *loop) wake(why event.Trigger, answer chan<- outcome) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.suspension.InForce(time.Now()) {
		return state.ErrSuspended
	}
	if l.over {
		return errStopping
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

func (l *loop) alive() { l.due(time.Now().Add(silentRun)) }

func (l *loop) due(at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deadline = at
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

func (l *loop) run(ctx context.Context, sink event.Sink) {
	retries := &backoff.ExponentialBackOff{
		InitialInterval: firstRetry, MaxInterval: lastRetry, Multiplier: 2, RandomizationFactor: 0.2,
	}
	trigger := event.Startup
	defer l.close()
	for ctx.Err() == nil {
		if l.expire() {
			sink.Emit(event.Resumed{Target: l.Name, Expired: true})
		}
		run, why := l.begin(ctx, trigger)
		if run == nil {
			trigger = l.rest(ctx)
			continue
		}
		l.alive()
		done := l.Runner.Run(run, why)
		l.end(done)
		next, why := l.next(done.Result, retries)
		l.due(next.Add(silentPause))
		trigger = l.wait(ctx, next, why)
	}
}

// next returns when and why to run again after a run with that result.
func (l *loop) next(result event.Result, retries *backoff.ExponentialBackOff) (time.Time, event.Trigger) {
	now := time.Now()
	tick := l.Schedule.Next(now)
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
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case why = <-l.dirty:
	}
	return why
}
