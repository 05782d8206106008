package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/state"
)

// Suspensions is where suspensions outlive the process; state.Store is one.
type Suspensions interface {
	Suspend(ctx context.Context, suspension state.Suspension) error
	Resume(ctx context.Context, target string) error
}

// Suspend keeps a target from running until it is resumed or the suspension's
// time is over; one that it has already is replaced. A run under way begins
// nothing more; Suspend returns when what it had begun has ended. After an error
// of ctx the target is suspended, and its run may still be ending. It may be
// called concurrently.
func (d *Daemon) Suspend(ctx context.Context, s state.Suspension) error {
	l, err := d.loop(s.Target)
	if err != nil {
		return err
	}
	idle, err := d.suspend(ctx, l, s)
	if err != nil {
		return err
	}
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (d *Daemon) suspend(ctx context.Context, l *loop, s state.Suspension) (idle <-chan struct{}, err error) {
	d.operator.Lock()
	defer d.operator.Unlock()
	if err := d.Suspensions.Suspend(ctx, s); err != nil {
		return nil, err
	}
	d.Sink.Emit(suspended(s))
	return l.suspend(s), nil
}

func suspended(s state.Suspension) event.Suspended {
	return event.Suspended{Target: s.Target, Reason: s.Reason, By: s.By, Since: s.Since, Until: s.Until}
}

// Resume ends a target's suspension, if there is one, and makes it run now; by is
// who said so, "" where that isn't known. It may be called concurrently.
func (d *Daemon) Resume(ctx context.Context, target, by string) error {
	l, err := d.loop(target)
	if err != nil {
		return err
	}
	d.operator.Lock()
	defer d.operator.Unlock()
	if err := d.Suspensions.Resume(ctx, target); err != nil {
		return err
	}
	if l.resume() {
		d.Sink.Emit(event.Resumed{Target: target, By: by, At: time.Now()})
	}
	return nil
}

// Suspension returns the suspension that keeps the target from running; the
// zero one where none does. It may be called concurrently.
func (d *Daemon) Suspension(target string) state.Suspension {
	l, err := d.loop(target)
	if err != nil {
		return state.Suspension{}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.suspension.InForce(time.Now()) {
		return state.Suspension{}
	}
	return l.suspension
}

// Ask makes a target run now, as by says, who is "" where that isn't known. It
// reports whether it will run, as WakeOne does, and may be called concurrently.
func (d *Daemon) Ask(target, by string) bool {
	if !d.WakeOne(target, event.Manual) {
		return false
	}
	d.Sink.Emit(event.Asked{Target: target, By: by, At: time.Now()})
	return true
}

// Sync is Ask and returns how the run ended that began after the call. An error
// that wraps state.ErrSuspended says that it doesn't run. It may be called
// concurrently.
func (d *Daemon) Sync(ctx context.Context, target, by string) (event.RunDone, error) {
	l, err := d.loop(target)
	if err != nil {
		return event.RunDone{}, err
	}
	answer := make(chan outcome, 1)
	if err := l.wake(event.Manual, answer); err != nil {
		return event.RunDone{}, fmt.Errorf("target %s: %w", target, err)
	}
	d.Sink.Emit(event.Asked{Target: target, By: by, At: time.Now()})
	select {
	case o := <-answer:
		return o.done, o.err
	case <-ctx.Done():
		return event.RunDone{}, ctx.Err()
	}
}

// outcome is what came of a wake: a run, or none.
type outcome struct {
	done event.RunDone
	err  error
}

// suspend ends the run under way and lets none begin. The channel is closed
// once none is under way.
func (l *loop) suspend(s state.Suspension) (idle <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.suspension = s
	l.dismiss(state.ErrSuspended)
	l.signal(event.Manual) // whatever it waits for, it learns of this
	if l.stop != nil {
		l.stop()
		return l.idle
	}
	none := make(chan struct{})
	close(none)
	return none
}

// resume reports whether the loop was suspended until now.
func (l *loop) resume() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	was := l.suspension.Target != ""
	l.suspension = state.Suspension{}
	if was {
		l.deadline = time.Now().Add(silentPause)
		l.signal(event.Manual)
	}
	return was
}

// begin begins a run: it returns its context, who runs, and why, which is what
// the target was woken for if it was. A suspended target gets no context.
func (l *loop) begin(ctx context.Context, why event.Trigger) (run context.Context, who Runner, trigger event.Trigger) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if l.suspension.InForce(now) {
		return nil, nil, why
	}
	select {
	case why = <-l.dirty:
	default:
	}
	run, l.stop = context.WithCancel(ctx)
	l.idle = make(chan struct{})
	l.answering, l.waiting = l.waiting, nil
	l.next, l.deadline = time.Time{}, now.Add(silentRun)
	return run, l.target.Runner, why
}

// end tells those who wait for the run that began last how it ended.
func (l *loop) end(done event.RunDone) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stop()
	l.stop = nil
	close(l.idle)
	for _, answer := range l.answering {
		answer <- outcome{done: done}
	}
	l.answering = nil
}

// dismiss tells those who wait for the next run that none will come.
func (l *loop) dismiss(why error) {
	for _, answer := range l.waiting {
		answer <- outcome{err: fmt.Errorf("target %s: %w", l.name, why)}
	}
	l.waiting = nil
}

// close lets nobody wait for a run any more, because ctx has ended.
func (l *loop) close(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = errStopping
	if errors.Is(context.Cause(ctx), errGone) {
		l.over = errGone
	}
	l.dismiss(l.over)
}

// Why no run begins any more.
var (
	errStopping = errors.New("policysync is stopping")
	errGone     = errors.New("it is no longer in the config")
)

// expire ends a suspension whose time is over, and returns when that was; the
// zero time: there is none.
func (l *loop) expire() (over time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.suspension.Target == "" || l.suspension.InForce(time.Now()) {
		return time.Time{}
	}
	over = l.suspension.Until
	l.suspension, l.deadline = state.Suspension{}, time.Now().Add(silentPause)
	return over
}

// rest waits until the suspension may be over, or has become another one, or ctx
// ends, and returns why to run if it is over.
func (l *loop) rest(ctx context.Context) event.Trigger {
	l.mu.Lock()
	until := l.suspension.Until
	l.next = until
	l.mu.Unlock()
	var over <-chan time.Time
	if !until.IsZero() {
		timer := time.NewTimer(time.Until(until))
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-ctx.Done():
	case <-over:
		return event.Schedule
	case <-l.dirty:
	}
	return event.Manual
}
