package reconcile_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/guard"
	manifests "github.com/policysync/policysync/internal/manifest"
	"github.com/policysync/policysync/internal/policy"
)

// conclude lets everything go well from now on, and looks whether all becomes
// as Git says.
func (m *model) conclude() error {
	m.account.Heal()
	m.git.err = nil
	m.declare(append(slices.Clone(m.sound), declaration{name: "last"})...)
	m.Rules.Limits = guard.Limits{MaxChanges: 1000, MaxDeletes: 1000}
	pass(72 * time.Hour) // until what expires has
	for range 4 {
		pass(time.Hour)
		if err := m.run(m.t.Context(), event.Schedule); err != nil {
			return err
		}
	}
	if err := m.run(m.t.Context(), event.Manual); err != nil {
		return err
	}
	planned, err := m.Plan(m.t.Context())
	if err != nil {
		return err
	}
	return errors.Join(m.settled(planned.Plan), m.arrived(planned.Plan))
}

// settled: nothing is left to do, and nothing is done.
func (m *model) settled(p diff.Plan) error {
	if !p.Empty() || p.Awaited > 0 || len(p.Marked)+len(p.Settled)+len(p.Lapsed) > 0 {
		return fmt.Errorf("the plan is %+v", p)
	}
	before := m.glance()
	if done := m.Run(m.t.Context(), event.Manual); done.Result != event.Noop || done.Err != nil {
		return fmt.Errorf("one more run ended with %s: %w", done.Result, done.Err)
	}
	for _, r := range m.account.Requests()[before.requests:] {
		if r.Method != http.MethodGet {
			return fmt.Errorf("one more run sent %s %s", r.Operation, r.Path)
		}
	}
	return nil
}

// arrived: what Git declares is live, and what it doesn't declare is not,
// unless it is reported that the settings or somebody else stand against it.
func (m *model) arrived(p diff.Plan) error {
	set, err := manifests.Decode(m.git.snapshot.FS)
	if err != nil {
		return err
	}
	now, reported := m.look(), map[string]diff.Change{}
	for _, c := range p.Reported {
		reported[c.Key] = c
	}
	for _, d := range set.Policies {
		c, excused := reported[d.Key]
		switch {
		case d.ExpiredAt(time.Now()):
		case excused && !m.standsAgainst(now, d, c):
			return fmt.Errorf("%s: nothing stands against it: %+v", d.Key, c)
		case !excused && !now.has(d):
			return fmt.Errorf("%s isn't live", d.Key)
		}
	}
	for key, i := range now.intents {
		if !slices.ContainsFunc(p.Reported, func(c diff.Change) bool {
			return c.State == diff.Conflict && (c.Key == key || c.Name == i.Body.Name)
		}) {
			return fmt.Errorf("still in doubt: %+v", i)
		}
	}
	return m.gone(now, set.Policies)
}

// has reports whether a manifest's policy is live, recorded under its key.
func (s sight) has(d policy.Desired) bool {
	for id, l := range s.live {
		if s.records[id].Key == d.Key && policy.Fulfils(l.Policy, d.Policy) {
			return true
		}
	}
	return false
}

// standsAgainst reports whether there is a lasting reason for what is reported.
func (m *model) standsAgainst(now sight, d policy.Desired, c diff.Change) bool {
	switch c.State {
	case diff.Blocked:
		return m.settings.Mode == diff.CreateOnly || d.Protect
	case diff.Drifted:
		return m.edited[c.ID] && (m.settings.Mode == diff.CreateOnly || d.Protect || m.settings.Drift == diff.DriftReport)
	case diff.Conflict:
		_, doubted := now.intents[d.Key]
		return doubted || slices.ContainsFunc(slices.Collect(maps.Values(now.live)), func(l policy.Live) bool {
			return now.records[l.ID].Key != d.Key && (l.Name == d.Name || slices.Contains(d.Previously, l.Name))
		})
	default:
		return false
	}
}

// gone: what is recorded and what no manifest declares is only there where it
// may not be deleted.
func (m *model) gone(now sight, declared []policy.Desired) error {
	for id, r := range now.records {
		l, there := now.live[id]
		_, doubted := now.intents[r.Key]
		wanted := slices.ContainsFunc(declared, func(d policy.Desired) bool { return !d.ExpiredAt(time.Now()) && takes(d, r, l) })
		deletable := m.settings.Mode == diff.Sync && !r.Protect && l.AppCount == 0
		if !wanted && !doubted && (!there || deletable) {
			return fmt.Errorf("%s (%s) is recorded, live: %v", r.Key, id, there)
		}
	}
	return nil
}

// takes reports whether a record, of that live policy, may be a manifest's.
func takes(d policy.Desired, r policy.Recorded, l policy.Live) bool {
	name := cmp.Or(r.Sent.Name, r.ReadBack.Name)
	return r.Key == d.Key || name == d.Name || l.Name == d.Name || slices.Contains(d.Previously, name) || slices.Contains(d.Previously, r.Key)
}
