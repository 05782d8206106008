package reconcile_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"time"

	manifests "github.com/policysync/policysync/internal/manifest"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/reconcile"
	"github.com/policysync/policysync/internal/state"
)

// sight is what can be seen of the world at one time.
type sight struct {
	live     map[string]policy.Live
	records  map[string]policy.Recorded // by id of the account
	intents  map[string]state.Intent    // by key
	requests int
}

func (m *model) must(err error) {
	if err != nil {
		m.t.Error(err)
	}
}

func (m *model) live() []policy.Live {
	all, err := m.account.Policies()
	m.must(err)
	slices.SortStableFunc(all, func(a, b policy.Live) int { return cmp.Compare(a.Name, b.Name) }) // creates are concurrent
	return all
}

// glance looks at the account; the records are as they were when last looked
// at, for only runs alter them.
func (m *model) glance() sight {
	s := m.seen
	s.live, s.requests = map[string]policy.Live{}, len(m.account.Requests())
	for _, l := range m.live() {
		s.live[l.ID] = l
	}
	return s
}

// look looks at everything.
func (m *model) look() sight {
	s := m.glance()
	s.records, s.intents = map[string]policy.Recorded{}, map[string]state.Intent{}
	records, err := m.store.Records(m.t.Context(), "production")
	m.must(err)
	for _, r := range records {
		s.records[r.ID] = r
	}
	intents, err := m.store.Intents(m.t.Context(), "production")
	m.must(err)
	for _, i := range intents {
		s.intents[i.Key] = i
	}
	m.seen = s
	return s
}

// episode is a run and what it is judged by.
type episode struct {
	*model
	before, after sight
	began         time.Time
	done          event.RunDone
	wanted        []policy.Desired // by Git, when it began; nil where it can't be known
	writes        []simulator.Request
}

// run runs once and returns the promise that it broke.
func (m *model) run(ctx context.Context, trigger event.Trigger) error {
	e := episode{model: m, before: m.glance(), began: time.Now()}
	if set, err := manifests.Decode(m.git.snapshot.FS); err == nil {
		e.wanted = set.Policies
	}
	e.done = m.Run(ctx, trigger)
	e.after = e.before
	if len(m.account.Requests()) > e.before.requests { // else nothing is altered anywhere
		e.after = m.look()
	}
	for _, r := range m.account.Requests()[e.before.requests:] {
		m.note("  %s %s %s %d", r.At.Format("15:04:05"), r.Operation, path.Base(r.Path), r.Status)
		if r.Method != http.MethodGet {
			e.writes = append(e.writes, r)
		}
	}
	m.note("  %s %v %v", e.done.Result, e.done.States, e.done.Err)
	return errors.Join(e.failedReads(), e.written(), e.untouched(), e.makers(), e.owners(), e.budget())
}

// failedReads: a read that failed writes nothing.
func (e *episode) failedReads() error {
	failed, ok := errors.AsType[*reconcile.PhaseError](e.done.Err)
	if ok && slices.Contains([]event.Phase{event.Fetch, event.Parse, event.List, event.Plan}, failed.Phase) && len(e.writes) > 0 {
		return fmt.Errorf("%d writes though %w", len(e.writes), failed)
	}
	return nil
}

// written: each write is one that Git calls for and the settings allow.
func (e *episode) written() error {
	for _, r := range e.writes {
		var err error
		switch r.Operation {
		case "create":
			_, err = e.wants(r)
		case "update":
			err = e.mayUpdate(r)
		case "delete":
			err = e.mayDelete(path.Base(r.Path))
		}
		if err != nil {
			return fmt.Errorf("%s %s: %w", r.Operation, path.Base(r.Path), err)
		}
	}
	return nil
}

// wants returns the manifest that a body comes from.
func (e *episode) wants(r simulator.Request) (policy.Desired, error) {
	var sent policy.Policy
	if err := json.Unmarshal(r.Body, &sent); err != nil {
		return policy.Desired{}, err
	}
	for _, d := range e.wanted {
		if policy.Equal(d.Policy, sent) && !d.ExpiredAt(e.began) {
			return d, nil
		}
	}
	return policy.Desired{}, fmt.Errorf("Git doesn't want %s", r.Body)
}

func (e *episode) mayUpdate(r simulator.Request) error {
	id := path.Base(r.Path)
	d, err := e.wants(r)
	record, owned := e.before.records[id]
	_, doubted := e.before.intents[record.Key] // then what was sent last isn't recorded
	switch {
	case err != nil:
		return err
	case d.Protect:
		return errors.New("it is protected")
	case e.settings.Mode == diff.CreateOnly:
		return errors.New("the mode is create-only")
	case !owned && e.after.records[id].ID != id:
		return errors.New("it isn't ours")
	case owned && !doubted && e.settings.Drift == diff.DriftReport && policy.Equal(record.Sent, d.Policy) && e.edited[id]:
		return errors.New("only the account has changed, and drift is to be reported")
	}
	if policy.Fulfils(e.after.live[id].Policy, d.Policy) {
		delete(e.edited, id)
	}
	return nil
}

func (e *episode) mayDelete(id string) error {
	record, owned := e.before.records[id]
	protected := record.Protect || e.guarded[id]
	for _, d := range e.wanted {
		switch {
		case d.Key != record.Key:
		case !d.ExpiredAt(e.began):
			return errors.New("Git declares it")
		default:
			protected = d.Protect
		}
	}
	switch {
	case !owned:
		return errors.New("it isn't ours")
	case e.settings.Mode != diff.Sync:
		return errors.New("the mode isn't sync")
	case protected:
		return errors.New("it is protected")
	case record.AbsentSince.IsZero():
		return errors.New("it wasn't absent when Git was last read")
	}
	return nil
}

// untouched: what isn't ours is as it was.
func (e *episode) untouched() error {
	for id, l := range e.before.live {
		_, ours := e.before.records[id]
		_, adopted := e.after.records[id]
		now, there := e.after.live[id]
		if !ours && !adopted && (!there || !policy.Equal(l.Policy, now.Policy) || !l.UpdatedAt.Equal(now.UpdatedAt)) {
			return fmt.Errorf("%s (%s), which isn't ours, is now %+v", l.Name, id, now)
		}
	}
	return nil
}

// makers: no key has two live policies that creates of ours made, and none of
// them is forgotten.
func (e *episode) makers() error {
	for id, l := range e.after.live {
		if _, old := e.before.live[id]; old {
			continue
		}
		for _, d := range e.wanted {
			if d.Name == l.Name {
				e.made[id] = d.Key
			}
		}
	}
	byKey := map[string]string{}
	for id := range e.made {
		if _, there := e.after.live[id]; !there {
			delete(e.made, id)
			continue
		}
		if r, recorded := e.after.records[id]; recorded {
			e.made[id] = r.Key
		} else if _, doubted := e.after.intents[e.made[id]]; !doubted {
			return fmt.Errorf("%s (%s), which a create made, is forgotten", id, e.made[id])
		}
		if other, twice := byKey[e.made[id]]; twice {
			return fmt.Errorf("%s and %s were both made for %q", other, id, e.made[id])
		}
		byKey[e.made[id]] = id
	}
	return nil
}

// owners: nothing becomes ours that may not.
func (e *episode) owners() error {
	for id, r := range e.after.records {
		_, ours := e.before.records[id]
		_, made := e.made[id]
		doubted := slices.ContainsFunc(slices.Collect(maps.Values(e.before.intents)), func(i state.Intent) bool {
			return i.Body.Name == e.before.live[id].Name // and so what it made may be this
		})
		if !ours && !made && !doubted && e.settings.Adopt == diff.AdoptNever {
			return fmt.Errorf("%s (%s) was adopted", r.Key, id)
		}
		e.guard(id, r)
	}
	return nil
}

// guard notes what the manifests that were read say of a policy's protection;
// a run that was cut short may not have come to write down that it is protected.
func (e *episode) guard(id string, r policy.Recorded) {
	if e.done.Result == event.Failed {
		return
	}
	own := slices.DeleteFunc(slices.Clone(e.wanted), func(d policy.Desired) bool { return !takes(d, r, e.before.live[id]) })
	if len(own) > 0 {
		protect := !slices.ContainsFunc(own, func(d policy.Desired) bool { return !d.Protect || d.Key != r.Key })
		e.guarded[id] = protect && (e.guarded[id] || e.done.Result != event.Partial)
	}
}

// budget: no 5 minutes have more requests than the settings allow.
func (e *episode) budget() error {
	for i := e.settings.Budget; i < len(e.sent); i++ {
		if took := e.sent[i].Sub(e.sent[i-e.settings.Budget]); took < 5*time.Minute {
			return fmt.Errorf("%d requests within %s", e.settings.Budget+1, took)
		}
	}
	return nil
}
