package daemon_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/policysync/policysync/internal/daemon"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/state"
)

// memory is a daemon.Suspensions and an event.Sink.
type memory struct {
	mu   sync.Mutex
	kept map[string]state.Suspension
	told []string
	err  error
}

func (m *memory) Suspend(_ context.Context, s state.Suspension) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err == nil {
		m.kept[s.Target] = s
	}
	return m.err
}

func (m *memory) Resume(_ context.Context, target string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.kept, target)
	return m.err
}

func (m *memory) Emit(e event.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch e := e.(type) {
	case event.Suspended:
		m.told = append(m.told, "suspended: "+e.Reason)
	case event.Resumed:
		m.told = append(m.told, map[bool]string{true: "expired", false: "resumed by " + e.By}[e.Expired])
	case event.Asked:
		m.told = append(m.told, "asked by "+e.By)
	default:
	}
}

// obedient is a Runner that ends when it is told to, with some delay.
type obedient struct {
	script

	ended []time.Duration
}

func (o *obedient) Run(ctx context.Context, why event.Trigger) event.RunDone {
	o.runs = append(o.runs, run{time.Since(o.start).Truncate(time.Second), why, 0})
	select {
	case <-time.After(o.takes):
	case <-ctx.Done():
		time.Sleep(2 * time.Second) // what it had begun
	}
	o.ended = append(o.ended, time.Since(o.start))
	return event.RunDone{Scope: event.Scope{Target: "a"}, Trigger: why, Result: event.Success}
}

// operated is a daemon of one target that runs each minute, and what it did.
type operated struct {
	*daemon.Daemon
	*memory
	runner *obedient
}

// operate runs the daemon for that long, while an operator acts.
func operate(t *testing.T, takes, while time.Duration, first state.Suspension, act func(t *testing.T, o operated)) operated {
	t.Helper()
	o := operated{memory: &memory{kept: map[string]state.Suspension{}}, runner: &obedient{script: script{start: time.Now(), takes: takes}}}
	o.Daemon = &daemon.Daemon{Suspensions: o.memory, Sink: o.memory}
	o.Set([]daemon.Target{{Name: "a", Runner: o.runner, Schedule: every(t, "@every 1m"), Suspension: first}})
	done := make(chan struct{})
	go func() { defer close(done); act(t, o) }()
	during(t, o.Daemon, while)
	<-done
	return o
}

// Suspend, Resume and Emit are both the daemon's and the memory's.
func (o operated) suspend(ctx context.Context, until time.Time) error {
	return o.Daemon.Suspend(ctx, state.Suspension{Target: "a", Reason: "incident", Since: time.Now(), Until: until})
}

func (o operated) ran(t *testing.T, want ...run) {
	t.Helper()
	if d := cmp.Diff(want, o.runner.runs, cmpopts.IgnoreUnexported(run{})); d != "" {
		t.Errorf("runs differ (-want +got):\n%s", d)
	}
}

func (o operated) said(t *testing.T, want ...string) {
	t.Helper()
	if d := cmp.Diff(want, o.told); d != "" {
		t.Errorf("events differ (-want +got):\n%s", d)
	}
}

func TestASuspendedTargetRunsAgainWhenItIsResumed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := operate(t, time.Second, 20*time.Minute, state.Suspension{}, func(t *testing.T, o operated) {
			time.Sleep(30 * time.Second)
			if err := o.suspend(t.Context(), time.Time{}); err != nil || o.kept["a"].Reason != "incident" {
				t.Errorf("suspend: %v, kept %+v", err, o.kept)
			}
			time.Sleep(time.Minute)
			o.Wake(event.Manual)
			if o.WakeOne("a", event.Webhook) || o.Ask("a", "ann@example.com") {
				t.Error("a webhook or an operator wakes it")
			}
			if _, err := o.Sync(t.Context(), "a", "ann@example.com"); !errors.Is(err, state.ErrSuspended) {
				t.Errorf("sync: %v", err)
			}
			time.Sleep(17 * time.Minute)
			if s, u := o.Stalled(), o.Unready(); s != nil || u != nil {
				t.Errorf("stalled: %q, unready: %q", s, u)
			}
			if err := o.Daemon.Resume(t.Context(), "a", "ann@example.com"); err != nil || len(o.kept) > 0 {
				t.Errorf("resume: %v, kept %+v", err, o.kept)
			}
			if !o.Ask("a", "bob@example.com") { // one run does for both
				t.Error("it may not be asked to run")
			}
			if s := o.Stalled(); s != nil || o.Suspension("a").Target != "" {
				t.Errorf("stalled: %q, suspended: %+v", s, o.Suspension("a"))
			}
		})
		o.ran(t, run{At: 0, Why: event.Startup}, run{At: 18*time.Minute + 30*time.Second, Why: event.Manual}, run{At: 19*time.Minute + 31*time.Second, Why: event.Schedule})
		o.said(t, "suspended: incident", "resumed by ann@example.com", "asked by bob@example.com")
	})
}

func TestASuspensionEndsByItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first := state.Suspension{Target: "a", Reason: "kept", Until: time.Now().Add(10 * time.Minute)}
		o := operate(t, time.Second, 13*time.Minute, first, func(t *testing.T, o operated) {
			time.Sleep(time.Minute)
			if err := o.suspend(t.Context(), time.Now().Add(time.Hour)); err != nil {
				t.Error(err)
			}
			until := time.Now().Add(11 * time.Minute)
			if err := o.suspend(t.Context(), until); err != nil || o.Suspension("a").Reason != "incident" {
				t.Errorf("%v: %+v", err, o.Suspension("a"))
			}
			synctest.Wait()
			if next := o.Next("a"); !next.Equal(until) {
				t.Errorf("the next run is at %s, want at %s", next, until)
			}
			time.Sleep(11*time.Minute + time.Second/2)
			if s := o.Stalled(); s != nil {
				t.Errorf("stalled: %q", s)
			}
		})
		o.ran(t, run{At: 12 * time.Minute, Why: event.Schedule})
		o.said(t, "suspended: kept", "suspended: incident", "suspended: incident", "expired")
	})
}

func TestSuspendingWaitsForWhatTheRunHadBegun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := operate(t, time.Hour, 30*time.Minute, state.Suspension{}, func(t *testing.T, o operated) {
			time.Sleep(10 * time.Second)
			short, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := o.suspend(short, time.Time{}); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("suspend: %v", err)
			}
			if err := o.suspend(t.Context(), time.Time{}); err != nil || len(o.runner.ended) != 1 || o.runner.ended[0] != 12*time.Second {
				t.Errorf("suspend: %v, runs ended at %s", err, o.runner.ended)
			}
		})
		o.ran(t, run{At: 0, Why: event.Startup})
	})
}

func TestSyncTellsHowTheRunEndedThatBeganAfterIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var waiters sync.WaitGroup
		o := operate(t, 10*time.Second, 70*time.Second+time.Millisecond, state.Suspension{}, func(t *testing.T, o operated) {
			sync := func(says string) {
				began := time.Since(o.runner.start)
				done, err := o.Sync(t.Context(), "a", "ann@example.com")
				switch {
				case says != "" && (err == nil || !strings.Contains(err.Error(), says)):
					t.Errorf("sync at %s: %+v, %v, want %q", began, done, err, says)
				case says == "" && (err != nil || done.Trigger != event.Manual || time.Since(o.runner.start) < began+3*time.Second):
					t.Errorf("sync at %s: %+v, %v", began, done, err)
				}
			}
			time.Sleep(5 * time.Second)
			for range 3 {
				waiters.Go(func() { sync("") }) // one run, from 10 s to 20 s
			}
			time.Sleep(20 * time.Second)
			sync("")                        // from 25 s to 35 s
			waiters.Go(func() { sync("") }) // from 35 s on; suspended meanwhile
			time.Sleep(time.Second)
			waiters.Go(func() { sync("suspended") })
			synctest.Wait()
			if err := o.suspend(t.Context(), time.Time{}); err != nil {
				t.Error(err)
			}
			if err := o.Daemon.Resume(t.Context(), "a", "ann@example.com"); err != nil { // runs from 38 s to 48 s
				t.Error(err)
			}
			time.Sleep(25 * time.Second)
			waiters.Go(func() { sync("") })
			time.Sleep(time.Second)
			waiters.Go(func() { sync("stopping") })
		})
		waiters.Wait()
		if _, err := o.Sync(t.Context(), "a", "ann@example.com"); err == nil || !strings.Contains(err.Error(), "stopping") {
			t.Errorf("sync at the end: %v", err)
		}
		if len(o.runner.runs) != 6 {
			t.Errorf("runs: %v", o.runner.runs)
		}
	})
}

func TestWhatIsNotThereOrNotKeptIsAnError(t *testing.T) {
	t.Parallel()
	m := &memory{err: errors.New("disk full")}
	d := &daemon.Daemon{Suspensions: m, Sink: m}
	d.Set([]daemon.Target{{Name: "a"}})
	if err := d.Suspend(t.Context(), state.Suspension{Target: "a"}); !errors.Is(err, m.err) || d.Suspension("a").Target != "" {
		t.Errorf("suspend: %v", err)
	}
	if err := d.Resume(t.Context(), "a", "ann@example.com"); !errors.Is(err, m.err) {
		t.Errorf("resume: %v", err)
	}
	_, err := d.Sync(t.Context(), "b", "ann@example.com")
	for _, err := range []error{err, d.Suspend(t.Context(), state.Suspension{Target: "b"}), d.Resume(t.Context(), "b", "ann@example.com")} {
		if err == nil || !strings.Contains(err.Error(), `no target is named "b"`) {
			t.Errorf("error is %v", err)
		}
	}
	if d.Suspension("b").Target != "" || len(m.told) > 0 {
		t.Errorf("told %q", m.told)
	}
}
