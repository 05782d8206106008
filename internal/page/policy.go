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
	Name    string
	State   diff.State
	Off     *deviance        // nil: it is as Git says, as far as is known
	Record  *policy.Recorded // nil: it isn't recorded
	Planned time.Time
	Fields  []recordedField
	History []happening
}

// recordedField is a field as it was sent and as it was read back.
type recordedField struct {
	Path           string
	Sent, ReadBack []string
	Differs        bool
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
	record, err := s.State.Record(r.Context(), target, key)
	if err != nil && !errors.Is(err, state.ErrNoRecord) {
		s.fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	now := s.Watch.look(target)
	view := policyPage{frame: frame{Target: target, Now: s.Now()}, Planned: now.planned}
	if err == nil {
		view.Record = &record
		view.Name, view.Fields = cmp.Or(record.Sent.Name, record.ReadBack.Name), fieldsOf(record)
		if !now.planned.IsZero() {
			view.State = diff.InSync
		}
	}
	if off, is := now.off[key]; is {
		view.Off, view.Name, view.State = off, off.Name, off.State
	}
	if view.History, err = s.history(r.Context(), target, key); err != nil {
		s.fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	if view.Off == nil && view.Record == nil && len(view.History) == 0 {
		s.fail(w, http.StatusNotFound, "Target "+target+" has no policy with the key "+clip(key)+".")
		return
	}
	if view.Name == "" && len(view.History) > 0 {
		view.Name = view.History[0].Change.Name
	}
	view.Title = view.Name
	s.show(w, http.StatusOK, "policy", view)
}

// fieldsOf returns what is recorded of a policy, in the order of the API's
// reference.
func fieldsOf(r policy.Recorded) []recordedField {
	var all []recordedField
	add := func(path string) *recordedField {
		i := slices.IndexFunc(all, func(f recordedField) bool { return f.Path == path })
		if i < 0 {
			all, i = append(all, recordedField{Path: path}), len(all)
		}
		return &all[i]
	}
	if r.Sent.Name != "" {
		for _, f := range diff.Compare(nil, &r.Sent) {
			to := add(f.Path)
			to.Sent = append(to.Sent, newField(f).After)
		}
	}
	for _, f := range diff.Compare(nil, &r.ReadBack) {
		to := add(f.Path)
		to.ReadBack = append(to.ReadBack, newField(f).After)
	}
	for i := range all {
		all[i].Differs = r.Sent.Name != "" && !slices.Equal(all[i].Sent, all[i].ReadBack)
	}
	return all
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
