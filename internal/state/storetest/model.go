package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/state"
)

// step is one call of a store.
type step struct {
	do       string
	answered bool // of a doubt
	record   policy.Recorded
	intent   state.Intent
	change   state.Change
	run      state.Run
}

// equalsModel carries the same random steps out on a store and on the model,
// each time for a target of their own, and compares them, often after reopening.
func equalsModel(t *testing.T, opener Opener) {
	store, err := opener()
	check(t, err)
	defer func() { check(t, store.Close()) }()
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		s := sequence{target: fmt.Sprintf("target-%d", round)}
		m := newModel()
		for _, step := range rapid.SliceOfN(rapid.Custom(s.step), 1, 8).Draw(rt, "steps") {
			if _, started := m.runs[step.run.ID]; started && step.do == "start" {
				continue
			}
			if got, want := take(rt, store, step), m.take(step); !oneOf(got, want) {
				rt.Fatalf("%s: error is %v, want one of %v", step.do, got, want)
			}
		}
		if rapid.IntRange(0, 3).Draw(rt, "reopen") == 0 {
			if err := store.Close(); err != nil {
				rt.Fatal(err)
			}
			if store, err = opener(); err != nil {
				rt.Fatal(err)
			}
		}
		m.compare(rt, store, s.target)
	})
}

// oneOf reports whether the error is one of those wanted; none are: no error.
func oneOf(err error, want []error) bool {
	if len(want) == 0 {
		return err == nil
	}
	return slices.ContainsFunc(want, func(w error) bool { return errors.Is(err, w) })
}

// sequence draws steps that meet often: few keys, ids and runs.
type sequence struct{ target string }

func (s sequence) step(t *rapid.T) step {
	key := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "key")
	id := rapid.SampledFrom([]string{"1", "2", "3"}).Draw(t, "id")
	run := s.target + rapid.SampledFrom([]string{"/x", "/y"}).Draw(t, "run")
	sent, answered := drawPolicy(t), drawPolicy(t)
	result := rapid.String().Draw(t, "result")
	return step{
		do: rapid.SampledFrom([]string{
			"start", "start", "finish", "drop", "intend", "intend", "settle", "forget", "abandon", "doubt", "refresh",
		}).Draw(t, "do"),
		answered: rapid.Bool().Draw(t, "answered"),
		record:   policy.Recorded{Key: key, ID: id, Sent: sent, ReadBack: answered, File: result, CreatedAt: noon, UpdatedAt: noon},
		intent:   state.Intent{Target: s.target, Key: key, Action: "create", Body: sent, Run: run, At: noon},
		change:   state.Change{Run: run, Target: s.target, Key: key, Result: result, Before: &answered, At: noon},
		run:      state.Run{ID: run, Target: s.target, Result: result, Started: noon, Counts: map[string]int{result: len(result)}},
	}
}

func drawPolicy(t *rapid.T) policy.Policy {
	return rapid.SampledFrom([]policy.Policy{{}, body("one"), body("two")}).Draw(t, "policy")
}

func take(t *rapid.T, store state.Store, s step) error {
	switch s.do {
	case "start":
		return store.StartRun(t.Context(), s.run)
	case "finish":
		return store.FinishRun(t.Context(), s.run)
	case "drop":
		return store.DropRun(t.Context(), s.run.ID)
	case "intend":
		return store.Intend(t.Context(), s.intent)
	case "settle":
		return store.Settle(t.Context(), s.record, s.change)
	case "forget":
		return store.Forget(t.Context(), s.change)
	case "abandon":
		return store.Abandon(t.Context(), s.change)
	case "doubt":
		return store.Doubt(t.Context(), s.change, s.answered)
	default:
		return store.Refresh(t.Context(), s.intent.Target, []policy.Recorded{s.record})
	}
}
