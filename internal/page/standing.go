package page

import (
	"fmt"
	"strings"
	"time"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/state"
)

// standing is whether Git and the account agree, in words.
type standing struct {
	Mood    string // ok, warn or bad: how the page marks it
	Word    string
	Say     string    // what that means, and what to do
	Since   time.Time // zero: that isn't known
	AtLeast bool      // it may be longer than Since
	Result  string    // of the last run that ended
	Trigger string
	Error   string // of that run
	Checked time.Time
	Counts  []count
}

// count is how many policies are in a state.
type count struct {
	State diff.State
	N     int
}

// counted returns the states that some policy is in, in their order.
func counted(n func(diff.State) int) []count {
	var all []count
	for _, s := range diff.States() {
		if n := n(s); n > 0 {
			all = append(all, count{s, n})
		}
	}
	return all
}

// standOf judges by what was seen and by the target's latest runs, the newest
// first. There may be older ones if more is set.
func standOf(now seen, runs []state.Run, more bool) standing {
	s := lastRun(now, runs)
	counts := lastCounts(now, runs)
	s.Counts = counted(func(s diff.State) int { return counts[string(s)] })
	off := deviant(counts)
	failing := s.Result == string(event.Failed)
	switch {
	case s.Result == "":
		s.Mood, s.Word, s.Say = "warn", "Not looked at yet", "No run has ended."
		return s
	case failing:
		s.Mood, s.Word, s.Say = "bad", "Failing", "The last run failed, so nobody knows whether Git and the account agree now. Mend what its error says; it is tried again by itself."
	case off > 0:
		s.Mood, s.Word, s.Say = "bad", "Out of sync", fmt.Sprintf("%d %s not as Git says.", off, are(off))
	case s.Error != "":
		s.Mood, s.Word, s.Say = "warn", "Unfinished", "The last run left something undone; its error says what and the way on."
	default:
		s.Mood, s.Word, s.Say = "ok", "In sync", "The account is as Git says."
	}
	s.Since, s.AtLeast = streak(runs, more, func(r state.Run) (alike, tells bool) {
		if failing {
			return r.Result == string(event.Failed), true
		}
		return (deviant(r.Counts) > 0) == (off > 0), len(r.Counts) > 0
	})
	if s.Since.IsZero() {
		s.Since = s.Checked
	}
	return s
}

func are(n int) string {
	if n == 1 {
		return "policy is"
	}
	return "policies are"
}

// lastRun returns how the last run ended.
func lastRun(now seen, runs []state.Run) standing {
	if d := now.done; d.Result != "" {
		s := standing{Result: string(d.Result), Trigger: string(d.Trigger), Checked: d.At}
		if d.Err != nil {
			s.Error = d.Err.Error()
		}
		return s
	}
	for _, r := range runs {
		if r.Result != "" {
			return standing{Result: r.Result, Trigger: r.Trigger, Error: r.Error, Checked: r.Finished}
		}
	}
	return standing{}
}

func lastCounts(now seen, runs []state.Run) map[string]int {
	if now.states != nil {
		counts := map[string]int{}
		for s, n := range now.states {
			counts[string(s)] = n
		}
		return counts
	}
	for _, r := range runs {
		if len(r.Counts) > 0 {
			return r.Counts
		}
	}
	return nil
}

// deviant counts the policies that aren't as Git says.
func deviant(counts map[string]int) int {
	n := 0
	for _, s := range diff.States() {
		if s != diff.InSync && s != diff.Unmanaged {
			n += counts[string(s)]
		}
	}
	return n
}

// streak returns since when the runs have been alike, looking only at those
// that tell.
func streak(runs []state.Run, more bool, judge func(state.Run) (alike, tells bool)) (since time.Time, atLeast bool) {
	for _, r := range runs {
		if r.Result == "" {
			continue
		}
		alike, tells := judge(r)
		if tells && !alike {
			return since, false
		}
		if tells {
			since = r.Finished
		}
	}
	return since, more
}

// word is a state in words.
func word(s diff.State) string { return strings.ReplaceAll(string(s), "_", " ") }

// mood is how the page marks a state.
func mood(s diff.State) string {
	switch s {
	case diff.InSync:
		return "ok"
	case diff.Unmanaged, "":
		return "none"
	case diff.Missing, diff.Blocked, diff.Orphaned:
		return "warn"
	default:
		return "bad"
	}
}

// remedy says what a state means and what to do about it.
func remedy(s diff.State) string {
	switch s {
	case diff.InSync:
		return "The account has what Git says."
	case diff.Missing:
		return "Git declares it and the account has none. A run creates it; if none does, its reason or error says why."
	case diff.Drifted:
		return "Somebody changed it in the account, not in Git. Ask who. Then change it back there, or change Git to match; with drift: heal, policysync changes it back."
	case diff.Orphaned:
		return "It is in the account and Git no longer declares it. Declare it again, or delete it in the account; with mode: sync, policysync deletes what may go."
	case diff.Conflict:
		return "The account has a policy of this name that policysync does not own. Rename one of them, make both alike, or set adopt: always."
	case diff.Blocked:
		return "Git asks for a change that the mode, protection or a guard holds back. The reason says which."
	case diff.Failed:
		return "Cloudflare refused the change, or its answer was lost. The error says which; it is tried again by itself."
	case diff.Unmanaged:
		return "It is in the account, and neither in Git nor recorded. policysync never touches it."
	default:
		return "No run since the start of policysync has looked at it."
	}
}
