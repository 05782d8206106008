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
	Runner     Runner // of a type that can be compared: another one is another target of that name
	Schedule   Schedule
	Suspension state.Suspension // that it begins with; the zero one: none
}

// pace is the time from one target's first run to the next one's, so that many
// don't begin in the same moment.
const pace = 50 * time.Millisecond

// Daemon runs targets; its zero value has none. It is an event.Sink too, and must be one of those that
// the runs emit to, because their events are the signs of life that Stalled
// goes by.
type Daemon struct {
	Suspensions Suspensions // needed by Suspend and Resume
	Sink        event.Sink  // told of what operators do; needed where they may do anything

	operator sync.Mutex // held while one of them suspends or resumes, so that the store and the loop agree
	setting  sync.Mutex // held by Set

	mu    sync.Mutex
	loops []*loop
	start func(l *loop, wait time.Duration) // of Run; nil: it isn't called yet, or ends
}

// Set makes these the targets. One that has the same Runner as before goes on
// untouched. One that has another runs with it at once, or when the run under
// way has ended, and stays suspended if it is. A new one begins. Of one that is
// there no more the run under way begins nothing more; Set returns when what it
// had begun has ended. It may be called concurrently, before Run and during it.
func (d *Daemon) Set(targets []Target) {
	d.setting.Lock()
	defer d.setting.Unlock()
	for _, l := range d.replace(targets) {
		<-l.gone
	}
}

// replace returns the loops that are told to end.
func (d *Daemon) replace(targets []Target) (leaving []*loop) {
	d.mu.Lock()
	defer d.mu.Unlock()
	before := d.loops
	d.loops = nil
	var wait time.Duration
	for _, t := range targets {
		if i := slices.IndexFunc(before, func(l *loop) bool { return l.name == t.Name }); i >= 0 {
			before[i].become(t)
			d.loops = append(d.loops, before[i])
			before = slices.Delete(slices.Clone(before), i, i+1)
			continue
		}
		l := newLoop(t)
		d.loops = append(d.loops, l)
		if d.start != nil {
			d.start(l, wait)
			wait += pace
		}
	}
	for _, l := range before {
		if l.leave != nil {
			l.leave(errGone)
			leaving = append(leaving, l)
		}
	}
	return leaving
}

// Run runs every target, each by itself, until ctx ends, and returns once the
// last run has come to its end. Call it once.
func (d *Daemon) Run(ctx context.Context) {
	var all sync.WaitGroup
	d.began(func(l *loop, wait time.Duration) {
		stay, leave := context.WithCancelCause(ctx)
		l.leave, l.gone = leave, make(chan struct{})
		all.Go(func() {
			defer close(l.gone)
			defer leave(nil)
			if s := d.Suspension(l.name); s.Target != "" {
				d.Sink.Emit(suspended(s))
			}
			l.run(stay, d.Sink, wait)
		})
	})
	<-ctx.Done()
	d.mu.Lock()
	d.start = nil
	d.mu.Unlock()
	all.Wait()
}

// began starts the loops that there are, and lets Set start others.
func (d *Daemon) began(start func(*loop, time.Duration)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.start = start
	for i, l := range d.loops {
		start(l, time.Duration(i)*pace)
	}
}

// Wake makes every target run now. A target that is running runs once more
// when it has ended, however often it was woken meanwhile. It may be called
// concurrently, and doesn't wait for anything.
func (d *Daemon) Wake(why event.Trigger) {
	for _, l := range d.all() {
		_ = l.wake(why, nil) // one that is suspended runs when it is resumed
	}
}

// WakeOne is Wake for one target. It reports whether that will run: one that is
// suspended, or isn't there, won't.
func (d *Daemon) WakeOne(target string, why event.Trigger) bool {
	l, err := d.loop(target)
	return err == nil && l.wake(why, nil) == nil
}

// all returns the loops that there are now.
func (d *Daemon) all() []*loop {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.loops
}

func (d *Daemon) loop(target string) (*loop, error) {
	all := d.all()
	i := slices.IndexFunc(all, func(l *loop) bool { return l.name == target })
	if i < 0 {
		return nil, fmt.Errorf("no target is named %q", target)
	}
	return all[i], nil
}

// Emit takes a sign of life of a target. It may be called concurrently.
func (d *Daemon) Emit(e event.Event) {
	if l, err := d.loop(signOfLife(e)); err == nil {
		l.alive()
		l.note(e)
	}
}

// signOfLife returns the target whose loop is alive, as the event shows.
func signOfLife(e event.Event) (target string) {
	switch e := e.(type) {
	case event.RunStarted:
		return e.Target
	case event.PhaseStarted:
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
	case event.SourceFetched, event.Warned, event.PlanMade, event.Held, event.WebhookDone, event.Suspended, event.Resumed, event.Asked, event.Configured:
	}
	return ""
}

// Next returns when the target's next run begins, if nobody wakes it before;
// the zero time while it runs, or where none will begin. It may be called
// concurrently.
func (d *Daemon) Next(target string) time.Time {
	l, err := d.loop(target)
	if err != nil {
		return time.Time{}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next
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
	for _, l := range d.all() {
		l.mu.Lock()
		if which(l) {
			names = append(names, l.name)
		}
		l.mu.Unlock()
	}
	slices.Sort(names)
	return names
}
