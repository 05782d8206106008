package reconcile_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/guard"
)

// step is one thing that happens to the model: what, and numbers that say to
// what and how, each read modulo what there is to choose from.
type step struct {
	Do      string
	A, B, C int
}

// drawStep draws a step. What shrinking ends with is that little time passes.
func drawStep(t *rapid.T) step {
	numbers := rapid.IntRange(0, 59)
	return step{
		Do: rapid.SampledFrom(doings).Draw(t, "do"),
		A:  numbers.Draw(t, "a"), B: numbers.Draw(t, "b"), C: numbers.Draw(t, "c"),
	}
}

// doings are the names of all steps, those more often that are to happen more
// often.
var doings = []string{
	"wait", "wait", "run", "run", "run", "run", "run", "run by hand", "run by hand",
	"add", "add", "remove", "change", "change", "rename", "rekey", "protect", "expire", "break", "clear", "lose git",
	"edit", "edit", "delete", "make", "make same", "rename live", "set more", "attach",
	"fail", "fail", "fail", "restart", "stop midway",
}

// settings are what a model is run with.
type settings struct {
	Mode        diff.Mode
	Drift       diff.Drift
	Adopt       diff.Adoption
	Limits      guard.Limits
	Concurrency int
	Budget      int // requests in 5 minutes
	Quirks      simulator.Quirks
}

func drawSettings(t *rapid.T) settings {
	return settings{
		Mode:  rapid.SampledFrom([]diff.Mode{diff.Sync, diff.Upsert, diff.CreateOnly}).Draw(t, "mode"),
		Drift: rapid.SampledFrom([]diff.Drift{diff.DriftReport, diff.DriftHeal}).Draw(t, "drift"),
		Adopt: rapid.SampledFrom([]diff.Adoption{diff.AdoptIdentical, diff.AdoptAlways, diff.AdoptNever}).Draw(t, "adopt"),
		Limits: rapid.SampledFrom([]guard.Limits{
			{MaxChanges: 1000, MaxDeletes: 1000}, {MaxChanges: 50, MaxDeletes: 10, MinPolicies: 3},
		}).Draw(t, "limits"),
		Concurrency: rapid.SampledFrom([]int{1, 4}).Draw(t, "concurrency"),
		Budget:      rapid.SampledFrom([]int{600, 20}).Draw(t, "budget"),
		Quirks: rapid.SampledFrom([]simulator.Quirks{
			{}, {DefaultDuration: true, FoldCase: true}, {NullDuration: true, EmptyRules: true, KeepOmitted: true, NewestFirst: true},
		}).Draw(t, "quirks"),
	}
}

// TestPromisesHoldWhateverHappens plays random stories of Git, account, network
// and process in virtual time, and looks after each step whether every promise
// is kept, and in the end whether all is as Git says.
func TestPromisesHoldWhateverHappens(t *testing.T) {
	t.Parallel()
	taken, folder := 0, t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		with := drawSettings(rt)
		story := rapid.SliceOfN(rapid.Custom(drawStep), storyLength, storyLength).Draw(rt, "story")
		taken += len(story)
		path := filepath.Join(folder, fmt.Sprint(taken), "state.db")
		var err error
		synctest.Test(t, func(t *testing.T) { err = tell(t, path, with, story) })
		if err != nil {
			rt.Fatal(err)
		}
	})
	if taken < leastSteps {
		t.Errorf("only %d steps were taken", taken)
	}
}

// tell plays a story and returns the first promise that was broken.
func tell(t *testing.T, path string, with settings, story []step) (err error) {
	m := newModel(t, path, with)
	defer m.stop()
	for i, s := range story {
		if err := m.take(s); err != nil {
			return fmt.Errorf("step %d, %+v: %w\n%s", i, s, err, m.log())
		}
	}
	if err := m.conclude(); err != nil {
		return fmt.Errorf("in the end: %w\n%s", err, m.log())
	}
	return nil
}

// take carries out one step and looks at what it did.
func (m *model) take(s step) error {
	m.note("%s %d %d %d", s.Do, s.A, s.B, s.C)
	switch s.Do {
	case "wait":
		pauses := []time.Duration{time.Second, 10 * time.Second, time.Minute, 5 * time.Minute, 20 * time.Minute, 2 * time.Hour}
		pass(pauses[s.A%len(pauses)])
	case "run":
		return m.run(m.t.Context(), event.Schedule)
	case "run by hand":
		return m.run(m.t.Context(), event.Manual)
	case "restart":
		m.restart()
	case "stop midway":
		return m.stopMidway(s.A % 6)
	case "fail":
		m.fail(s)
	default:
		if !m.editGit(s) {
			m.editAccount(s)
		}
	}
	return nil
}

// pass lets time pass in the bubble that a story is told in.
func pass(length time.Duration) { time.Sleep(length) }
