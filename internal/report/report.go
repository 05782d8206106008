// Package report gives what is recorded of targets the form in which commands
// and the API tell it as JSON.
package report

import (
	"cmp"
	"context"
	"time"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/state"
)

// Status is all that is recorded of how a target stands.
type Status struct {
	Target

	Policies []Policy `json:"policies"` // those in doubt that have no record yet come last
}

// Target is how a target stands, but for its policies.
type Target struct {
	Name      string      `json:"target"`
	Suspended *Suspension `json:"suspended"` // nil: it runs
	LastRun   *Run        `json:"last_run"`  // without changes; nil before the first
	NextRun   *time.Time  `json:"next_run"`  // when one is to begin, if nothing wakes it before; nil: that isn't known
}

// Suspension is why a target doesn't run.
type Suspension struct {
	Reason string     `json:"reason"`
	By     string     `json:"by"` // "": that isn't known
	Since  time.Time  `json:"since"`
	Until  *time.Time `json:"until"` // nil: it is to be resumed
}

// Policy is a policy that is recorded or in doubt.
type Policy struct {
	Key       string    `json:"key"`
	Name      string    `json:"name"`
	ID        string    `json:"id"`
	Commit    string    `json:"commit"`
	File      string    `json:"file"`
	Line      int       `json:"line"`
	UpdatedAt time.Time `json:"updated_at"`
	InDoubt   bool      `json:"in_doubt"` // its last request's outcome isn't known
	State     string    `json:"state"`    // one of States

	Undeclared bool `json:"-"` // as of policy.Recorded
}

// The states that a policy is recorded in. Whether it has drifted since only a run
// can tell.
const (
	InDoubt  = "in_doubt" // the answer to its last request was lost
	Failed   = "failed"   // the last run couldn't change it
	Orphaned = "orphaned" // Git doesn't declare it any more
	Recorded = "recorded" // all else
)

// States returns the states, those that need a look first.
func States() []string { return []string{InDoubt, Failed, Orphaned, Recorded} }

// Run is a run.
type Run struct {
	ID       string         `json:"id"`
	Target   string         `json:"target"`
	Trigger  string         `json:"trigger"`
	Commit   string         `json:"commit"`
	Author   string         `json:"author"`
	Result   string         `json:"result"` // empty: it hasn't ended, or its process was killed
	Error    string         `json:"error"`
	Started  time.Time      `json:"started"`
	Finished *time.Time     `json:"finished"`
	Counts   map[string]int `json:"counts"`
	Phases   []Phase        `json:"phases,omitzero"`  // in their order; nil: not told, or not known
	Changes  []Change       `json:"changes,omitzero"` // nil: not told
}

// Phase is a part of a run.
type Phase struct {
	Name    string  `json:"name"`    // in the word that the metrics use
	Seconds float64 `json:"seconds"` // that it took
	Failed  bool    `json:"failed"`  // and with it the run
}

// Change is a change of a run.
type Change struct {
	Action    string    `json:"action"`
	Key       string    `json:"key"`
	Name      string    `json:"name"`
	ID        string    `json:"id"`
	Direction string    `json:"direction"`
	Result    string    `json:"result"`
	Error     string    `json:"error"`
	Ray       string    `json:"ray"`
	At        time.Time `json:"at"`

	Fields []diff.FieldChange `json:"fields,omitzero"` // what differs; nil: not told
}

// NewRun returns a run without its phases and changes.
func NewRun(r state.Run) *Run {
	return &Run{
		ID: r.ID, Target: r.Target, Trigger: r.Trigger, Commit: r.Commit, Author: r.Author, Result: r.Result, Error: r.Error,
		Started: r.Started, Finished: Time(r.Finished), Counts: r.Counts,
	}
}

// OfRun reads the changes of a run, and returns it with them.
func OfRun(ctx context.Context, reader state.Reader, r state.Run) (*Run, error) {
	changes, err := reader.Outcomes(ctx, r.ID, "")
	if err != nil {
		return nil, err
	}
	return withChanges(r, changes), nil
}

func withChanges(r state.Run, changes []state.Change) *Run {
	run := NewRun(r)
	for _, p := range r.Phases {
		run.Phases = append(run.Phases, Phase{p.Name, p.Took.Seconds(), p.Failed})
	}
	run.Changes = make([]Change, len(changes))
	for i, c := range changes {
		run.Changes[i] = Change{
			Action: c.Action, Key: c.Key, Name: c.Name, ID: c.ID, Direction: c.Direction,
			Result: c.Result, Error: c.Error, Ray: c.Ray, At: c.At,
		}
	}
	return run
}

// Detailed is OfRun with what each change was to make of its policy.
func Detailed(ctx context.Context, reader state.Reader, r state.Run) (*Run, error) {
	changes, err := reader.Changes(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	run := withChanges(r, changes)
	for i, c := range changes {
		run.Changes[i].Fields = append([]diff.FieldChange{}, diff.Compare(c.Before, c.After)...)
	}
	return run, nil
}

// OfTarget reads how a target stands at that time, but for its NextRun.
func OfTarget(ctx context.Context, reader state.Reader, name string, now time.Time) (Target, error) {
	t := Target{Name: name}
	runs, err := reader.Runs(ctx, state.RunQuery{Target: name, Limit: 1})
	if err != nil {
		return t, err
	}
	if len(runs) > 0 {
		t.LastRun = NewRun(runs[0])
	}
	s, err := reader.Suspension(ctx, name)
	if err != nil || !s.InForce(now) {
		return t, err
	}
	t.Suspended = &Suspension{Reason: s.Reason, By: s.By, Since: s.Since, Until: Time(s.Until)}
	return t, nil
}

// Time returns a time as it is told: nil for the zero one.
func Time(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// OfPolicies reads how a target's policies stand.
func OfPolicies(ctx context.Context, reader state.Reader, target string) ([]Policy, error) {
	records, err := reader.Listing(ctx, target)
	if err != nil {
		return nil, err
	}
	intents, err := reader.Intents(ctx, target)
	if err != nil {
		return nil, err
	}
	failed, err := failures(ctx, reader, target)
	if err != nil {
		return nil, err
	}
	all := &policies{list: []Policy{}, at: map[string]int{}}
	for _, r := range records {
		*all.of(r.Key) = newPolicy(r)
	}
	for _, c := range failed {
		p := all.of(c.Key)
		p.State, p.Name, p.UpdatedAt = Failed, cmp.Or(p.Name, c.Name), orSince(p.UpdatedAt, c.At)
	}
	for _, i := range intents {
		p := all.of(i.Key)
		p.State, p.InDoubt, p.Name, p.UpdatedAt = InDoubt, true, cmp.Or(p.Name, i.Body.Name), orSince(p.UpdatedAt, i.At)
	}
	return all.list, nil
}

// policies are policies by key, in the order in which they were asked for first.
type policies struct {
	list []Policy
	at   map[string]int
}

func (p *policies) of(key string) *Policy {
	i, known := p.at[key]
	if !known {
		i = len(p.list)
		p.at[key] = i
		p.list = append(p.list, Policy{Key: key})
	}
	return &p.list[i]
}

// orSince returns when a policy was recorded, else since when it is tried.
func orSince(recorded, tried time.Time) time.Time {
	if recorded.IsZero() {
		return tried
	}
	return recorded
}

// failures returns the changes that the last run couldn't make.
func failures(ctx context.Context, reader state.Reader, target string) ([]state.Change, error) {
	runs, err := reader.Runs(ctx, state.RunQuery{Target: target, Limit: 1})
	if err != nil || len(runs) == 0 {
		return nil, err
	}
	return reader.Outcomes(ctx, runs[0].ID, Failed)
}

func newPolicy(l state.Listed) Policy {
	return Policy{
		Key: l.Key, Name: l.Name, ID: l.ID, Commit: l.Commit, File: l.File, Line: l.Line, UpdatedAt: l.UpdatedAt, State: recordedState(l),
		Undeclared: policy.Recorded{Protect: l.Protect, File: l.File}.Undeclared(),
	}
}

func recordedState(l state.Listed) string {
	if l.AbsentSince.IsZero() {
		return Recorded
	}
	return Orphaned
}
