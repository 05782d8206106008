package daemon_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/robfig/cron/v3"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/policysync/policysync/internal/daemon"
	"github.com/policysync/policysync/internal/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// script is a Runner that ends its runs with the given results, the last one
// for ever, and remembers when and why it ran.
type script struct {
	start   time.Time
	takes   time.Duration
	results []event.Result
	runs    []run
}

type run struct {
	At  time.Duration
	Why event.Trigger

	exact time.Duration
}

func (s *script) Run(_ context.Context, why event.Trigger) event.RunDone {
	at := time.Since(s.start)
	s.runs = append(s.runs, run{at.Truncate(time.Second), why, at})
	time.Sleep(s.takes)
	result := s.results[0]
	if len(s.results) > 1 {
		s.results = s.results[1:]
	}
	return event.RunDone{Result: result}
}

func every(t *testing.T, text string) cron.Schedule {
	t.Helper()
	s, err := cron.ParseStandard(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func with(targets ...daemon.Target) *daemon.Daemon {
	d := &daemon.Daemon{}
	d.Set(targets)
	return d
}

// during runs the daemon for a while of virtual time.
func during(t *testing.T, d *daemon.Daemon, while time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), while)
	defer cancel()
	d.Run(ctx)
	if err := ctx.Err(); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("the daemon ended by itself: %v", err)
	}
}

func TestRunsAtStartThenOnSchedule(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{start: time.Now(), takes: 10 * time.Second, results: []event.Result{event.Success}}
		d := with(daemon.Target{Name: "a", Runner: s, Schedule: every(t, "@every 1m")})
		during(t, d, 150*time.Second)
		want := []run{{At: 0, Why: event.Startup}, {At: 70 * time.Second, Why: event.Schedule}, {At: 140 * time.Second, Why: event.Schedule}}
		if diff := cmp.Diff(want, s.runs, cmpopts.IgnoreUnexported(run{})); diff != "" {
			t.Errorf("runs differ (-want +got):\n%s", diff)
		}
	})
}

func TestTimesThatComeDuringARunAreLeftOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // begins at midnight
		s := &script{start: time.Now(), takes: 150 * time.Second, results: []event.Result{event.Success}}
		d := with(daemon.Target{Name: "a", Runner: s, Schedule: every(t, "* * * * *")})
		time.AfterFunc(200*time.Second, func() { d.Wake(event.Webhook) })
		during(t, d, 10*time.Minute)
		want := []run{
			{At: 0, Why: event.Startup},
			{At: 3 * time.Minute, Why: event.Schedule},
			{At: 330 * time.Second, Why: event.Webhook},
			{At: 9 * time.Minute, Why: event.Schedule},
		}
		if diff := cmp.Diff(want, s.runs, cmpopts.IgnoreUnexported(run{})); diff != "" {
			t.Errorf("runs differ (-want +got):\n%s", diff)
		}
	})
}

func TestNextTellsWhenTheNextRunBegins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		s := &script{start: start, takes: 10 * time.Second, results: []event.Result{event.Success, event.Failed}}
		d := with(daemon.Target{Name: "a", Runner: s, Schedule: every(t, "@every 1m")})
		go func() {
			for _, step := range []struct{ after, least, most time.Duration }{
				{5 * time.Second, 0, 0}, // it runs
				{10 * time.Second, 70 * time.Second, 70 * time.Second},
				{67 * time.Second, 84 * time.Second, 86 * time.Second}, // a retry
			} {
				time.Sleep(step.after)
				next := d.Next("a")
				if in := next.Sub(start); !next.IsZero() && (in < step.least || in > step.most) || next.IsZero() != (step.most == 0) {
					t.Errorf("at %s the next run is at %s", time.Since(start), in)
				}
			}
		}()
		during(t, d, 100*time.Second)
		if !d.Next("b").IsZero() {
			t.Error("a target that isn't there runs")
		}
	})
}

func TestFirstRunsDoNotAllBeginAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var targets []daemon.Target
		var runners []*script
		for i := range 200 {
			s := &script{start: time.Now(), results: []event.Result{event.Success}}
			runners = append(runners, s)
			targets = append(targets, daemon.Target{Name: fmt.Sprint(i), Runner: s, Schedule: every(t, "@every 1h")})
		}
		during(t, with(targets...), 10*time.Second)
		perSecond := map[time.Duration]int{}
		for _, s := range runners {
			perSecond[s.runs[0].At]++
		}
		for second, n := range perSecond {
			if n > 20 {
				t.Errorf("%d targets began within the second at %s", n, second)
			}
		}
	})
}

func TestWhatWasLeftUndoneIsRetriedEverLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{start: time.Now(), results: []event.Result{event.Failed, event.Partial, event.Failed, event.Success}}
		d := with(daemon.Target{Name: "a", Runner: s, Schedule: every(t, "@every 10m")})
		during(t, d, time.Hour)
		var why []event.Trigger
		for _, r := range s.runs {
			why = append(why, r.Why)
		}
		if want := []event.Trigger{event.Startup, event.Retry, event.Retry, event.Retry, event.Schedule}; !slices.Equal(why[:5], want) {
			t.Fatalf("triggers = %v, want %v", why, want)
		}
		for i, pause := range []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second} {
			got := s.runs[i+1].At - s.runs[i].At
			if got < pause*7/10 || got > pause*13/10 {
				t.Errorf("retry %d came after %s, want about %s", i+1, got, pause)
			}
		}
	})
}

func TestARetryDoesNotDelayTheSchedule(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{start: time.Now(), results: []event.Result{event.Failed}}
		d := with(daemon.Target{Name: "a", Runner: s, Schedule: every(t, "@every 2s")})
		during(t, d, 21*time.Second)
		if got := len(s.runs); got != 11 {
			t.Errorf("%d runs in 21 s, want 11", got)
		}
	})
}

func TestOneSlowTargetHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := &script{start: time.Now(), takes: time.Hour, results: []event.Result{event.Success}}
		quick := &script{start: time.Now(), results: []event.Result{event.Success}}
		d := with(
			daemon.Target{Name: "slow", Runner: slow, Schedule: every(t, "@every 1m")},
			daemon.Target{Name: "quick", Runner: quick, Schedule: every(t, "@every 1m")},
		)
		during(t, d, 10*time.Minute+time.Second)
		if len(slow.runs) != 1 || len(quick.runs) != 11 {
			t.Errorf("%d slow and %d quick runs, want 1 and 11", len(slow.runs), len(quick.runs))
		}
	})
}

// TestEveryWakeIsAnsweredByOneRunThatBeginsAfterIt checks the trigger queue
// against its promise, for wakes at random times: a wake during a run causes
// another run, and ten cause one.
func TestEveryWakeIsAnsweredByOneRunThatBeginsAfterIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		takes := time.Duration(rapid.IntRange(0, 20).Draw(r, "run takes")) * time.Second
		pauses := rapid.SliceOfN(rapid.IntRange(0, 15), 1, 30).Draw(r, "pauses")
		var s *script
		var wakes []time.Duration
		synctest.Test(t, func(t *testing.T) {
			s = &script{start: time.Now(), takes: takes, results: []event.Result{event.Success}}
			d := with(daemon.Target{Name: "a", Runner: s, Schedule: every(t, "@every 1h")})
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() { defer close(ended); d.Run(ctx) }()
			for _, p := range pauses {
				time.Sleep(time.Duration(p)*time.Second + time.Millisecond) // never at the very moment of a run's end
				synctest.Wait()
				wakes = append(wakes, time.Since(s.start))
				d.Wake(event.Webhook)
			}
			time.Sleep(time.Minute)
			cancel()
			<-ended
		})
		checkAnswers(r, s, wakes)
	})
}

func TestOneTargetIsWokenByItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &script{start: time.Now(), takes: 10 * time.Second, results: []event.Result{event.Success}}
		b := &script{start: time.Now(), results: []event.Result{event.Success}}
		d := with(
			daemon.Target{Name: "a", Runner: a, Schedule: every(t, "@every 1h")},
			daemon.Target{Name: "b", Runner: b, Schedule: every(t, "@every 1h")},
		)
		time.AfterFunc(5*time.Second, func() {
			d.WakeOne("a", event.Webhook)
			d.WakeOne("a", event.Manual) // looks at more than a webhook's run would
			d.WakeOne("a", event.Webhook)
			d.WakeOne("c", event.Manual)
		})
		during(t, d, time.Minute)
		want := []run{{At: 0, Why: event.Startup}, {At: 10 * time.Second, Why: event.Manual}}
		if diff := cmp.Diff(want, a.runs, cmpopts.IgnoreUnexported(run{})); diff != "" {
			t.Errorf("runs of a differ (-want +got):\n%s", diff)
		}
		if len(b.runs) != 1 {
			t.Errorf("b ran %d times, want once", len(b.runs))
		}
	})
}

// checkAnswers holds the runs against what they ought to be: a wake begins a
// run at once, or when the run under way ends if none is due then already.
func checkAnswers(r *rapid.T, s *script, wakes []time.Duration) {
	want := []time.Duration{0}
	for _, at := range wakes {
		last := want[len(want)-1]
		switch free := last + s.takes; {
		case last >= at: // a run is due already
		case free > at:
			want = append(want, free)
		default:
			want = append(want, at)
		}
	}
	got := make([]time.Duration, len(s.runs))
	for i, run := range s.runs {
		got[i] = run.exact
	}
	if !slices.Equal(got, want) {
		r.Fatalf("woken at %v, each run taking %s: runs began at %v, want %v", wakes, s.takes, got, want)
	}
}

func TestStalledNamesTheTargetThatFellSilent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{start: time.Now(), takes: 40 * time.Minute, results: []event.Result{event.Success}}
		d := with(daemon.Target{Name: "a", Runner: s, Schedule: every(t, "@every 1m")})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); d.Run(ctx) }()

		for _, step := range []struct {
			after   time.Duration
			emit    event.Event
			stalled []string
		}{
			{14 * time.Minute, nil, nil},
			{2 * time.Minute, nil, []string{"a"}},
			{0, event.RequestDone{Target: "a"}, nil},
			{14 * time.Minute, nil, nil},
			{0, event.RequestDone{Target: "b"}, nil},
			{2 * time.Minute, nil, []string{"a"}},
			{0, event.PhaseStarted{Scope: event.Scope{Target: "a"}}, nil},
		} {
			time.Sleep(step.after)
			synctest.Wait()
			if step.emit != nil {
				d.Emit(step.emit)
			}
			if diff := cmp.Diff(step.stalled, d.Stalled()); diff != "" {
				t.Errorf("at %s stalled differs (-want +got):\n%s", time.Since(s.start), diff)
			}
		}
		cancel()
		<-ended
	})
}

func TestReadyOnceTheManifestsWereRead(t *testing.T) {
	t.Parallel()
	d := with(daemon.Target{Name: "a"}, daemon.Target{Name: "b"})
	at := func(target string) event.Scope { return event.Scope{Target: target} }
	for _, step := range []struct {
		emit    event.Event
		unready []string
	}{
		{event.RunStarted{Scope: at("a")}, []string{"a", "b"}},
		{event.PhaseDone{Scope: at("a"), Phase: event.Fetch}, []string{"a", "b"}},
		{event.PhaseDone{Scope: at("a"), Phase: event.Parse, Err: errors.New("bad")}, []string{"a", "b"}},
		{event.PhaseDone{Scope: at("a"), Phase: event.Parse}, []string{"b"}},
		{event.PhaseDone{Scope: at("a"), Phase: event.Parse, Err: errors.New("bad")}, []string{"b"}},
		{event.PhaseDone{Scope: at("b"), Phase: event.Fetch, Err: errors.New("down")}, []string{"b"}},
		{event.PhaseDone{Scope: at("b"), Phase: event.Parse}, []string{"b"}}, // of a commit of an earlier process
		{event.PhaseDone{Scope: at("b"), Phase: event.Fetch}, []string{"b"}},
		{event.PhaseDone{Scope: at("b"), Phase: event.Parse}, nil},
	} {
		d.Emit(step.emit)
		if diff := cmp.Diff(step.unready, d.Unready()); diff != "" {
			t.Errorf("after %+v unready differs (-want +got):\n%s", step.emit, diff)
		}
	}
}
