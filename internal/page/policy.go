package page

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/state"
)

// historyRuns is how many runs that changed a policy are shown of it.
const historyRuns = 20

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
	records, err := s.State.Records(r.Context(), target)
	if err != nil {
		s.fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	now := s.Watch.look(target)
	view := policyPage{frame: frame{Target: target, Now: s.Now()}, Planned: now.planned}
	if i := slices.IndexFunc(records, func(r policy.Recorded) bool { return r.Key == key }); i >= 0 {
		view.Record = &records[i]
		view.Name, view.Fields = records[i].Sent.Name, fieldsOf(records[i])
		if view.Name == "" {
			view.Name = records[i].ReadBack.Name
		}
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
	runs, err := s.State.Runs(ctx, state.RunQuery{Target: target, Policy: key, Limit: historyRuns})
	if err != nil {
		return nil, err
	}
	var all []happening
	for _, run := range runs {
		changes, err := s.State.Changes(ctx, run.ID)
		if err != nil {
			return nil, err
		}
		for _, c := range slices.Backward(changes) {
			if c.Key == key {
				all = append(all, happening{run, c})
			}
		}
	}
	return all, nil
}
