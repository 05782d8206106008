package daemon_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/policysync/policysync/internal/daemon"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/state"
)

// named returns a target of that name, each of whose runs takes that long
// unless it is told to end.
func named(t *testing.T, name string, takes time.Duration) (daemon.Target, *obedient) {
	t.Helper()
	o := &obedient{script: script{start: time.Now(), takes: takes}}
	return daemon.Target{Name: name, Runner: o, Schedule: every(t, "@every 1m")}, o
}

// TestSetChangesTargetsAndLeavesTheOthersAlone sets other targets at 110 s, when
// all are in their second run.
func TestSetChangesTargetsAndLeavesTheOthersAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const takes = 40 * time.Second // the second run is from 100 s to 140 s
		m := &memory{kept: map[string]state.Suspension{}}
		d := &daemon.Daemon{Suspensions: m, Sink: m}
		same, stays := named(t, "same", takes)
		changed, old := named(t, "changed", takes)
		removed, leaves := named(t, "removed", takes)
		d.Set([]daemon.Target{same, changed, removed})
		var fresh, comes, returns *obedient
		go func() {
			time.Sleep(110 * time.Second)
			var added, again daemon.Target
			changed, fresh = named(t, "changed", takes)
			added, comes = named(t, "added", takes)
			again, returns = named(t, "removed", takes)
			waiter := make(chan error, 1)
			go func() { _, err := d.Sync(t.Context(), "removed", "ann@example.com"); waiter <- err }()
			synctest.Wait()

			d.Set([]daemon.Target{added, changed, same})
			if want := 112 * time.Second; leaves.ended[len(leaves.ended)-1] != want || time.Since(leaves.start) != want {
				t.Errorf("the removed target ended at %s, Set at %s, want %s", leaves.ended, time.Since(leaves.start), want)
			}
			if err := <-waiter; err == nil || !strings.Contains(err.Error(), "no longer in the config") {
				t.Errorf("who waited for the removed target is told %v", err)
			}
			if d.WakeOne("removed", event.Webhook) || !d.Next("removed").IsZero() {
				t.Error("the removed target can be woken")
			}
			d.Set([]daemon.Target{changed, same, again}) // as it was, but for what began meanwhile
		}()
		during(t, d, 12*time.Minute)
		for name, got := range map[string]struct {
			runs []run
			want []run
		}{
			"same":    {stays.runs, []run{{At: 0, Why: event.Startup}, {At: 100 * time.Second, Why: event.Schedule}, {At: 200 * time.Second, Why: event.Schedule}}},
			"old":     {old.runs, []run{{At: 0, Why: event.Startup}, {At: 100 * time.Second, Why: event.Schedule}}},
			"changed": {fresh.runs, []run{{At: 30 * time.Second, Why: event.Startup}, {At: 130 * time.Second, Why: event.Schedule}}},
			"removed": {leaves.runs, []run{{At: 0, Why: event.Startup}, {At: 100 * time.Second, Why: event.Schedule}}},
			"added":   {comes.runs, []run{{At: 0, Why: event.Startup}}},
			"again":   {returns.runs, []run{{At: 2 * time.Second, Why: event.Startup}, {At: 102 * time.Second, Why: event.Schedule}}},
		} {
			if diff := cmp.Diff(got.want, got.runs[:min(len(got.want), len(got.runs))], cmpopts.IgnoreUnexported(run{})); diff != "" {
				t.Errorf("runs of %s differ (-want +got):\n%s", name, diff)
			}
		}
		if len(old.runs) > 2 || len(leaves.runs) > 2 || len(comes.runs) > 1 {
			t.Errorf("what was taken away runs: %v, %v, %v", old.runs, leaves.runs, comes.runs)
		}
	})
}

func TestASuspendedTargetStaysSuspendedWhenItIsChanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var fresh *obedient
		o := operate(t, time.Second, 10*time.Minute, state.Suspension{}, func(t *testing.T, o operated) {
			time.Sleep(10 * time.Second)
			if err := o.suspend(t.Context(), time.Time{}); err != nil {
				t.Error(err)
			}
			var changed daemon.Target
			changed, fresh = named(t, "a", time.Second)
			o.Set([]daemon.Target{changed})
			time.Sleep(5 * time.Minute)
			synctest.Wait()
			if len(fresh.runs) > 0 {
				t.Errorf("it ran: %v", fresh.runs)
			}
			if err := o.Daemon.Resume(t.Context(), "a", "ann@example.com"); err != nil {
				t.Error(err)
			}
		})
		if len(fresh.runs) == 0 || fresh.runs[0].At != 5*time.Minute || fresh.runs[0].Why != event.Manual {
			t.Errorf("when it is resumed it runs: %v", fresh.runs)
		}
		o.ran(t, run{At: 0, Why: event.Startup})
	})
}

// TestSetBesideRunHarmsNothing sets targets at random while the daemon ends.
func TestSetBesideRunHarmsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &daemon.Daemon{}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan struct{})
		go func() { defer close(ended); d.Run(ctx) }()
		var all []daemon.Target
		for _, name := range []string{"a", "b", "c"} {
			target, _ := named(t, name, time.Second)
			all = append(all, target)
		}
		for i := range 20 {
			if i == 15 {
				cancel()
			}
			d.Set(all[:i%4])
			d.Set(slices.Clone(all[i%3:]))
			d.Wake(event.Manual)
		}
		<-ended
	})
}
