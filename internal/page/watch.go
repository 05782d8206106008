package page

import (
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/state"
)

// Watch is an event.Sink that keeps of each target what the store doesn't: its
// last commit, how its last run ended, and the policies that are not as Git
// says; and tells the pages that are open when one has changed. Its zero value
// has seen nothing. It may be used concurrently.
type Watch struct {
	feed    feed
	mu      sync.Mutex
	targets map[string]*seen
}

// seen is what was last seen of a target.
type seen struct {
	commit  commit
	running bool
	run     string               // that began last
	began   time.Time            // of the last run
	done    event.RunDone        // the last run that ended; zero: none did
	states  map[diff.State]int   // of the last run that looked; nil: none did
	planned time.Time            // when the run began that made the last plan; zero: none was made
	off     map[string]*deviance // by key; none is altered: what isn't as Git says
	phases  []state.Phase        // of the run under way
	version int                  // another one: records may have changed
}

// commit is a commit as people know it.
type commit struct{ Hash, Author, Subject string }

// deviance is a policy that is not as Git says.
type deviance struct {
	Key, Name, ID, File string
	Line                int
	State               diff.State
	Action              diff.Action
	Reason, Error       string
	Git, Live           *policy.Policy // what Git declares and what the account has; nil: nothing, or not one
}

// Emit takes note of an event.
func (w *Watch) Emit(e event.Event) {
	if target, changed := w.note(e); changed {
		w.feed.tell(target)
	}
}

// note takes note of an event, and reports what pages show another way now;
// "" is anything.
func (w *Watch) note(e event.Event) (target string, changed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := e.(type) {
	case event.RunStarted:
		s := w.of(e.Target)
		s.running, s.run, s.began, s.phases = true, e.Run, e.At, nil
		return e.Target, true
	case event.SourceFetched:
		if e.Err == nil {
			author, _, _ := strings.Cut(e.Author, " <")
			w.of(e.Target).commit = commit{e.Commit, author, e.Subject}
		}
		return e.Target, e.Result == event.Changed
	case event.PhaseDone:
		s := w.of(e.Target)
		s.phases = append(s.phases, state.Phase{Name: string(e.Phase), Took: e.Took, Failed: e.Err != nil})
		return e.Target, true
	case event.PlanMade:
		w.of(e.Target).plan(e.Plan)
		return e.Target, true
	case event.ChangeDone:
		w.of(e.Target).change(e)
		return e.Target, true
	case event.RunDone:
		w.of(e.Target).end(e)
		return e.Target, true
	case event.Suspended:
		return e.Target, true
	case event.Resumed:
		return e.Target, true
	case event.Asked:
		return e.Target, true
	case event.Configured:
		for _, target := range e.Removed {
			delete(w.targets, target)
		}
		return "", true
	default:
		return "", false
	}
}

func (w *Watch) of(target string) *seen {
	s := w.targets[target]
	if s == nil {
		s = &seen{}
		if w.targets == nil {
			w.targets = map[string]*seen{}
		}
		w.targets[target] = s
	}
	return s
}

// look returns what was last seen of a target.
func (w *Watch) look(target string) seen {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.targets[target]
	if s == nil {
		return seen{}
	}
	now := *s
	now.off = maps.Clone(s.off)
	return now
}

// phasesOf returns the phases so far of a run if it is the one under way.
func (w *Watch) phasesOf(target, run string) []state.Phase {
	if s := w.look(target); s.running && s.run == run {
		return s.phases
	}
	return nil
}

func (s *seen) plan(p diff.Plan) {
	s.planned, s.off = s.began, map[string]*deviance{}
	s.version++
	for _, changes := range [][]diff.Change{p.Changes, p.Reported} {
		for _, c := range changes {
			if c.State != "" && c.State != diff.InSync {
				s.off[c.Key] = newDeviance(c)
			}
		}
	}
}

// newDeviance keeps the bodies that a change has, and not the lists that they are
// part of.
func newDeviance(c diff.Change) *deviance {
	d := &deviance{
		Key: c.Key, Name: c.Name, ID: c.ID, File: c.File, Line: c.Line, State: c.State, Action: c.Action, Reason: c.Reason,
	}
	if c.Desired != nil {
		git := c.Desired.Policy
		d.Git = &git
	}
	if c.Live != nil {
		live := c.Live.Policy
		d.Live = &live
	}
	return d
}

func (s *seen) change(e event.ChangeDone) {
	s.version++
	if e.Outcome == event.Applied {
		delete(s.off, e.Change.Key)
		return
	}
	d := newDeviance(e.Change)
	d.State = diff.Failed
	if e.Err != nil {
		d.Error = e.Err.Error()
	}
	if s.off == nil { // the target was forgotten since its plan was made
		s.off = map[string]*deviance{}
	}
	s.off[e.Change.Key] = d
}

func (s *seen) end(e event.RunDone) {
	s.running = false
	s.version++
	if e.Cut {
		return // it tells nothing of the target
	}
	s.done = e
	if e.States != nil {
		s.states = e.States
	}
}
