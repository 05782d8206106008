package page

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"sync"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/report"
	"github.com/policysync/policysync/internal/state"
)

type policiesPage struct {
	frame
	Card   card
	Notice string
	Query  string
	Filter diff.State
	Listed []count // of the policies listed, whatever the search
	All    int
	Rows   []row
	Pager  pager
}

// row is a policy in the list.
type row struct {
	*report.Policy
	State  diff.State // "": no run has looked at it yet
	Reason string
}

func (s *server) policies(w http.ResponseWriter, r *http.Request, target string) {
	settings, known := s.find(target)
	if !known {
		s.unknown(w, target)
		return
	}
	frame := s.live(r, target, target)
	frame.Refresh = 0
	rows, err := s.rowsOf(r.Context(), target)
	var c card
	if err == nil {
		c, err = s.card(r, settings)
	}
	if err != nil {
		s.fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	view := policiesPage{
		frame: frame, Card: c, Notice: s.notice(r),
		Query: r.URL.Query().Get("q"), Filter: diff.State(r.URL.Query().Get("state")), All: len(rows),
	}
	counts := map[diff.State]int{}
	for i := range rows {
		counts[rows[i].State]++
	}
	view.Listed = counted(func(s diff.State) int { return counts[s] })
	rows = slices.DeleteFunc(rows, func(r row) bool { return !s.matches(r, view.Query, view.Filter) })
	view.Rows, view.Pager = turn(rows, perPage, r)
	s.show(w, http.StatusOK, "policies", view)
}

// matches reports whether a policy is to be listed. What is hidden isn't found.
func (s *server) matches(r row, query string, filter diff.State) bool {
	found := func(text string) bool { return holds(s.sees.Text(text), query) }
	return (filter == "" || r.State == filter) && (found(r.Name) || found(r.Key) || found(r.File) || r.ID == query)
}

// rowsOf returns the target's policies, those first that are not as Git says,
// then by name.
func (s *server) rowsOf(ctx context.Context, target string) ([]row, error) {
	now := s.Watch.look(target)
	recorded, err := s.rows.of(ctx, s.State, target, now.version)
	if err != nil {
		return nil, err
	}
	rows := make([]row, 0, len(recorded)+len(now.off))
	for i := range recorded {
		d := now.off[recorded[i].Key]
		delete(now.off, recorded[i].Key)
		rows = append(rows, newRow(&recorded[i], d, !now.planned.IsZero()))
	}
	for _, d := range deviances(now) {
		rows = append(rows, row{
			&report.Policy{Key: d.Key, Name: d.Name, ID: d.ID, File: d.File, Line: d.Line}, d.State, cmp.Or(d.Error, d.Reason),
		})
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		return cmp.Or(calm(a.State)-calm(b.State), cmp.Compare(a.Name, b.Name))
	})
	return rows, nil
}

// newRow returns the row of a policy, given how the last plan found it: nil, as
// Git says. Where none was made yet, its record tells what it can.
func newRow(p *report.Policy, off *deviance, planned bool) row {
	switch {
	case off != nil && p.File == "":
		declared := *p
		declared.File, declared.Line = off.File, off.Line
		return row{&declared, off.State, cmp.Or(off.Error, off.Reason)}
	case off != nil:
		return row{p, off.State, cmp.Or(off.Error, off.Reason)}
	case planned && p.Undeclared:
		return row{p, diff.Unmanaged, ""}
	case planned:
		return row{p, diff.InSync, ""}
	case p.State == report.Orphaned:
		return row{p, diff.Orphaned, ""}
	case p.State == report.Failed, p.State == report.InDoubt:
		return row{p, diff.Failed, ""}
	default:
		return row{p, "", ""}
	}
}

func calm(s diff.State) int {
	if s == diff.InSync || s == diff.Unmanaged || s == "" {
		return 1
	}
	return 0
}

// shelf keeps the policies of each target without their bodies, because it takes
// long to read 10,000 of them.
type shelf struct {
	mu  sync.Mutex
	all map[string]shelved
}

type shelved struct {
	version  int
	policies []report.Policy
}

// of returns the target's policies as of that version or a later one. They are
// not to be altered.
func (s *shelf) of(ctx context.Context, from state.Reader, target string, version int) ([]report.Policy, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if have, ok := s.all[target]; ok && have.version == version {
		return have.policies, nil
	}
	policies, err := report.OfPolicies(ctx, from, target)
	if err != nil {
		return nil, err
	}
	if s.all == nil {
		s.all = map[string]shelved{}
	}
	s.all[target] = shelved{version, policies}
	return policies, nil
}
