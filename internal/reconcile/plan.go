package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/policysync/policysync/internal/diagnostic"
	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/lint"
	"github.com/policysync/policysync/internal/manifest"
	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/source"
	"github.com/policysync/policysync/internal/state"
)

// Source gives the files that declare policies. It returns the very same
// snapshot as long as nothing has changed. It is not used concurrently.
type Source interface {
	Fetch(ctx context.Context) (*source.Snapshot, error)

	// Last returns what the last Fetch that succeeded returned, if need be one
	// of an earlier process; nil where that isn't to be had any more.
	Last(ctx context.Context) *source.Snapshot
}

// Lister lists every reusable policy of the account, and the names of the
// applications that use policies, by the policies' ids; a list that may not be
// complete is an error.
type Lister interface {
	List(ctx context.Context) ([]policy.Live, error)
	Users(ctx context.Context) (map[string][]policy.App, error)
}

// Directory lists what the account has of a kind of things that manifests
// refer to by name, and of kinds that it lists along with them.
type Directory interface {
	Things(ctx context.Context, kind policy.Reference) (map[policy.Reference][]policy.Thing, error)
}

// Records is what a plan needs of the state; state.Reader is one.
type Records interface {
	Records(ctx context.Context, target string) ([]policy.Recorded, error)
	Intents(ctx context.Context, target string) ([]state.Intent, error)
}

// Planner makes plans for one target and writes nothing anywhere. It keeps
// what it parsed of the last snapshot. It must not be used concurrently.
type Planner struct {
	Target  string
	Source  Source
	Account Lister
	Names   Directory
	Records Records
	Mode    diff.Mode
	Adopt   diff.Adoption
	Drift   diff.Drift
	Vars    map[string]any // what manifests may refer to; must not change between plans
	Sink    event.Sink

	CheckIDs bool // warn of ids in manifests that nothing in the account bears
	Strict   bool // such an id is an error
	Lint     bool // look for what is most likely a mistake

	snapshot *source.Snapshot // the last one fetched
	parsed   *source.Snapshot // the one that manifests came from
	decoder  manifest.Decoder
	set      manifest.Set
	timed    []state.Phase // of the run under way
}

// Planned is a plan and the commit that it came from.
type Planned struct {
	Commit string // empty for a local folder
	Plan   diff.Plan
	Listed time.Time // when the account was asked for its policies

	Findings diagnostic.List // of the lints, where they were asked for
}

// Plan fetches, parses, lists and compares.
func (p *Planner) Plan(ctx context.Context) (Planned, error) {
	scope := event.Scope{Target: p.Target}
	if _, err := p.fetch(ctx, &scope); err != nil {
		return Planned{}, err
	}
	return p.compute(ctx, scope, p.snapshot, event.Manual)
}

// fetch asks the source and puts the commit into the scope. It reports
// whether the snapshot is another one than before.
func (p *Planner) fetch(ctx context.Context, scope *event.Scope) (changed bool, err error) {
	err = p.phase(*scope, event.Fetch, func() error {
		next, err := p.Source.Fetch(ctx)
		if err != nil {
			if ctx.Err() == nil { // else the run was told to end, which says nothing of the source
				p.Sink.Emit(event.SourceFetched{Scope: *scope, Result: event.FetchError, Err: err})
			}
			return err
		}
		changed = next != p.snapshot
		p.snapshot, scope.Commit = next, next.Commit
		return nil
	})
	if err != nil {
		return false, err
	}
	result := event.Unchanged
	if changed {
		result = event.Changed
	}
	p.Sink.Emit(event.SourceFetched{
		Scope: *scope, Result: result, Author: p.snapshot.Author, Subject: p.snapshot.Subject, Signer: p.snapshot.Signer,
	})
	return changed, nil
}

// compute makes the plan for a snapshot.
func (p *Planner) compute(ctx context.Context, scope event.Scope, from *source.Snapshot, trigger event.Trigger) (Planned, error) {
	if err := p.phase(scope, event.Parse, func() error { return p.parse(scope, from) }); err != nil {
		return Planned{}, err
	}
	planned := Planned{Commit: scope.Commit}
	in := diff.Input{Mode: p.Mode, Adopt: p.Adopt, Drift: p.Drift, Manual: trigger == event.Manual}
	err := p.phase(scope, event.List, func() (err error) {
		set, things, err := p.resolve(ctx)
		if err != nil {
			return err
		}
		in.Desired = set.Policies
		if p.Lint {
			planned.Findings = p.lint(set, things)
		}
		in.Now = time.Now()
		planned.Listed = in.Now
		in.Live, err = p.Account.List(ctx)
		return err
	})
	if err != nil {
		return Planned{}, err
	}
	err = p.phase(scope, event.Plan, func() error {
		if err := Recall(ctx, p.Records, p.Target, &in); err != nil {
			return err
		}
		planned.Plan = diff.Compute(in)
		p.nameUsers(ctx, planned.Plan)
		return nil
	})
	return planned, err
}

// parse reads the manifests, unless it has those of this snapshot already.
func (p *Planner) parse(scope event.Scope, from *source.Snapshot) error {
	if p.parsed == from {
		return nil
	}
	defer from.Release()
	p.decoder.Vars = p.Vars
	set, err := p.decoder.Decode(from.FS)
	if err != nil {
		return located(err, from)
	}
	p.parsed, p.set = from, set
	for _, w := range at(set.Warnings, from) {
		p.Sink.Emit(event.Warned{Scope: scope, Message: w.Where() + ": " + w.Message})
	}
	return nil
}

// resolve returns what Git declares, with the ids of what it names, and the
// lists that it read for it.
func (p *Planner) resolve(ctx context.Context) (manifest.Set, map[policy.Reference][]policy.Thing, error) {
	things := map[policy.Reference][]policy.Thing{}
	for _, kind := range p.set.References() {
		if _, known := things[kind]; known {
			continue
		}
		listed, err := p.Names.Things(ctx, kind)
		if err != nil {
			return manifest.Set{}, nil, err
		}
		maps.Copy(things, listed)
	}
	set, err := p.set.Resolve(things)
	if err != nil {
		return set, things, located(err, p.parsed)
	}
	if p.CheckIDs || p.Strict {
		err = p.checkIDs(ctx, set, things)
	}
	return set, things, err
}

// lint returns what the lints find, with the lines that it is about.
func (p *Planner) lint(set manifest.Set, things map[policy.Reference][]policy.Thing) diagnostic.List {
	defer p.snapshot.Release()
	found := lint.Check(set, things)
	if len(p.Vars) > 0 { // another target may need the comment
		found = slices.DeleteFunc(found, func(d diagnostic.Diagnostic) bool { return d.Code == lint.UnusedIgnore })
	}
	manifest.Excerpts(p.snapshot.FS, found)
	return at(found, p.snapshot)
}

// at returns findings with the paths by which whoever reads them knows the files
// of a snapshot.
func at(found diagnostic.List, from *source.Snapshot) diagnostic.List {
	if from.Root == "" {
		return found
	}
	found = slices.Clone(found)
	for i := range found {
		found[i].Path = filepath.Join(from.Root, found[i].Path)
	}
	return found
}

// located is at for findings that are an error.
func located(err error, from *source.Snapshot) error {
	if found, ok := errors.AsType[diagnostic.List](err); ok {
		return at(found, from).Err()
	}
	return err
}

// checkIDs looks whether there is what manifests refer to by id. A token that
// may manage policies need not be allowed to list everything else.
func (p *Planner) checkIDs(ctx context.Context, set manifest.Set, things map[policy.Reference][]policy.Thing) error {
	var unlisted []string
	var why error
	for _, kind := range set.Identified() {
		if _, known := things[kind]; known {
			continue
		}
		listed, err := p.Names.Things(ctx, kind)
		if err == nil {
			maps.Copy(things, listed)
			continue
		}
		unlisted, why = append(unlisted, string(kind)), err
	}
	if why != nil && p.Strict {
		return why
	}
	if why != nil {
		p.warn(fmt.Sprintf("whether ids are borne can't be checked (%s): %s", strings.Join(unlisted, ", "), why))
	}
	dangling := at(set.Dangling(things), p.parsed)
	if p.Strict {
		return dangling.Err()
	}
	for _, d := range dangling {
		p.warn(d.String())
	}
	return nil
}

func (p *Planner) warn(message string) {
	p.Sink.Emit(event.Warned{Scope: event.Scope{Target: p.Target}, Message: message})
}

// Recall puts what is recorded of a target into the input of a plan.
func Recall(ctx context.Context, from Records, target string, in *diff.Input) error {
	recorded, err := from.Records(ctx, target)
	if err != nil {
		return err
	}
	intents, err := from.Intents(ctx, target)
	if err != nil {
		return err
	}
	in.Recorded, in.Pending = recorded, map[string]diff.Pending{}
	for _, i := range intents {
		in.Pending[i.Key] = diff.Pending{Action: diff.Action(i.Action), Body: i.Body, At: i.At, Answered: i.Answered}
	}
	return nil
}

// nameUsers has the plan say which applications keep policies from being
// deleted. A token that may manage policies need not be allowed to list them.
func (p *Planner) nameUsers(ctx context.Context, plan diff.Plan) {
	if len(plan.InUse) == 0 {
		return
	}
	users, err := p.Account.Users(ctx)
	if err != nil {
		p.warn(fmt.Sprintf("which applications use policies that are to be deleted can't be told: %s", err))
	}
	for i, c := range plan.Reported {
		if apps := users[c.ID]; len(apps) > 0 && slices.Contains(plan.InUse, c.ID) {
			plan.Reported[i].Reason += ": " + policy.AppNames(apps)
		}
	}
}

// phase times a part of a run and says that it ended.
func (p *Planner) phase(scope event.Scope, phase event.Phase, do func() error) error {
	began := p.enter(scope, phase)
	err := do()
	p.ended(scope, phase, began, err)
	if err != nil {
		return &PhaseError{phase, err}
	}
	return nil
}

// enter says that a part of a run begins, and returns when.
func (p *Planner) enter(scope event.Scope, phase event.Phase) time.Time {
	now := time.Now()
	p.Sink.Emit(event.PhaseStarted{Scope: scope, Phase: phase, At: now})
	return now
}

// ended says that a part of a run ended, and keeps how long it took.
func (p *Planner) ended(scope event.Scope, phase event.Phase, began time.Time, err error) {
	took := time.Since(began)
	p.timed = append(p.timed, state.Phase{Name: string(phase), Took: took, Failed: err != nil})
	p.Sink.Emit(event.PhaseDone{Scope: scope, Phase: phase, Took: took, Err: err})
}

// PhaseError says in which phase a run failed.
type PhaseError struct {
	Phase event.Phase
	Err   error
}

// Error names the phase and what went wrong in it.
func (e *PhaseError) Error() string { return fmt.Sprintf("%s: %s", e.Phase, e.Err) }

// Unwrap returns what went wrong.
func (e *PhaseError) Unwrap() error { return e.Err }
