package page

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/state"
)

// maxHistory is how many changes of a policy are shown.
const maxHistory = 20

type policyPage struct {
	frame
	Key, Name string
	State     diff.State
	Off       *deviance        // nil: it is as Git says, as far as is known
	Record    *policy.Recorded // nil: it isn't recorded
	Doubt     state.Intent     // the request of which nobody knows what came; zero: there is none
	Planned   time.Time        // what State and Sides are as of; zero: not known yet
	Sides     sides
	Pager     pager  // of Sides.Rows
	Users     *users // nil: it isn't known to be in the account
	History   []happening
}

// users are the applications that use a policy.
type users struct {
	Apps []policy.App
	More int   // that are not in Apps
	Why  error // it can't be told
}

// usersOf returns the applications that use the policy of that id, if there is one.
func (s *server) usersOf(ctx context.Context, target, id string) *users {
	if id == "" {
		return nil
	}
	apps, err := s.Users(ctx, target, id)
	some := apps[:min(len(apps), perPage)]
	return &users{some, len(apps) - len(some), err}
}

// happening is a change of the policy.
type happening struct {
	state.Run
	Change state.Change
}

func (s *server) policy(w http.ResponseWriter, r *http.Request, target string) {
	key, found := s.keyOf(r.URL.Query())
	if !found {
		s.fail(w, http.StatusNotFound, "Links to policies that have an address in their keys hold until policysync is started anew. Look for the policy in the list of "+target+".")
		return
	}
	frame := s.live(r, "", target)
	record, err := s.State.Record(r.Context(), target, key)
	if err != nil && !errors.Is(err, state.ErrNoRecord) {
		s.fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	now := s.Watch.look(target)
	view := policyPage{frame: frame, Key: key, Planned: now.planned, Off: now.off[key]}
	if err == nil {
		view.Record, view.Name = &record, cmp.Or(record.Sent.Name, record.ReadBack.Name)
		view.State = stateOf(&record, now)
	}
	if view.Off != nil {
		view.Name, view.State = view.Off.Name, view.Off.State
	}
	if view.Doubt, err = s.doubt(r.Context(), target, key); err != nil {
		s.fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	view.Sides = sidesOf(view.State, view.Off, view.Record)
	view.Sides.Rows, view.Pager = turn(first(view.Sides.Rows), perPage, r)
	if view.History, err = s.history(r.Context(), target, key); err != nil {
		s.fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	if view.Off == nil && view.Record == nil && view.Doubt.Key == "" && len(view.History) == 0 {
		s.fail(w, http.StatusNotFound, "Target "+target+" has no policy with the key "+clip(key)+".")
		return
	}
	view.Name = cmp.Or(view.Name, view.Doubt.Body.Name)
	if view.Name == "" && len(view.History) > 0 {
		view.Name = view.History[0].Change.Name
	}
	view.Title, view.Users = view.Name, s.usersOf(r.Context(), target, view.id())
	s.show(w, http.StatusOK, "policy", view)
}

// id returns the account's id of the policy; "": it has none that is known.
func (p *policyPage) id() string {
	switch {
	case p.State == diff.Missing:
		return ""
	case p.Off != nil:
		return p.Off.ID
	case p.Record != nil:
		return p.Record.ID
	default:
		return ""
	}
}

// stateOf returns the state of a recorded policy of which the last plan found
// nothing amiss.
func stateOf(r *policy.Recorded, now seen) diff.State {
	switch {
	case now.planned.IsZero():
		return ""
	case r.Undeclared():
		return diff.Unmanaged
	default:
		return diff.InSync
	}
}

// doubt returns the policy's open intent; the zero one where there is none.
func (s *server) doubt(ctx context.Context, target, key string) (state.Intent, error) {
	open, err := s.State.Intents(ctx, target)
	if i := slices.IndexFunc(open, func(i state.Intent) bool { return i.Key == key }); i >= 0 {
		return open[i], nil
	}
	return state.Intent{}, err
}

// history returns the policy's changes, the newest first.
func (s *server) history(ctx context.Context, target, key string) ([]happening, error) {
	changes, err := s.State.History(ctx, target, key, maxHistory)
	if err != nil {
		return nil, err
	}
	all := make([]happening, len(changes))
	for i, c := range changes {
		run, err := s.State.Run(ctx, c.Run)
		if err != nil {
			return nil, err
		}
		all[i] = happening{run, c}
	}
	return all, nil
}
