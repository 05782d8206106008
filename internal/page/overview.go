package page

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/policysync/policysync/internal/report"
	"github.com/policysync/policysync/internal/state"
	"github.com/policysync/policysync/internal/visitor"
)

const (
	perLook   = 25  // targets on a page
	perTarget = 5   // of its policies that are not as Git says
	looksBack = 200 // how many runs are read to tell since when
)

type overviewPage struct {
	frame
	Targets []card
	Pager   pager
}

// card is how a target stands.
type card struct {
	Target
	standing
	Commit    commit
	Suspended *report.Suspension
	Running   bool
	Next      time.Time
	Last      *report.Run // the last that is recorded; nil: none
	Off       []*deviance // the first of them
	More      int         // that are not in Off
	Planned   time.Time   // what Off is as of
	Budget    Budget
	Strip     strip
	Operator  bool // whoever looks may act
}

func (s *server) overview(w http.ResponseWriter, r *http.Request) {
	view := overviewPage{frame: s.live(r, "Targets", "")}
	some, pager := turn(s.urgent(), perLook, r)
	view.Pager = pager
	for _, t := range some {
		c, err := s.card(r, t)
		if err != nil {
			s.fail(w, http.StatusInternalServerError, err.Error())
			return
		}
		view.Targets = append(view.Targets, c)
	}
	s.show(w, http.StatusOK, "overview", view)
}

// urgent returns the targets, those first that were seen not to be as Git says.
func (s *server) urgent() []Target {
	all := slices.Clone(s.Targets())
	if len(all) <= perLook {
		return all
	}
	calm := map[string]int{}
	for _, t := range all {
		if standOf(s.Watch.look(t.Name), nil, false).Mood == "ok" {
			calm[t.Name] = 1
		}
	}
	slices.SortStableFunc(all, func(a, b Target) int { return cmp.Compare(calm[a.Name], calm[b.Name]) })
	return all
}

func (s *server) card(r *http.Request, t Target) (card, error) {
	ctx := r.Context()
	now := s.Watch.look(t.Name)
	c := card{Target: t, Commit: now.commit, Running: now.running, Next: s.Next(t.Name), Planned: now.planned, Operator: visitor.Of(ctx).Operator, Budget: s.Budget(t.Name)}
	recorded, err := report.OfTarget(ctx, s.State, t.Name, s.Now())
	if err != nil {
		return c, err
	}
	runs, err := s.State.Runs(ctx, state.RunQuery{Target: t.Name, Limit: looksBack})
	if err != nil {
		return c, err
	}
	c.Strip = stripOf(runs)
	c.Suspended, c.Last = recorded.Suspended, recorded.LastRun
	c.standing = standOf(now, runs, len(runs) == looksBack)
	if c.Suspended != nil && c.Mood == "ok" { // as far as anybody knows
		c.Mood, c.Word, c.Since, c.AtLeast = "warn", "Suspended", c.Suspended.Since, false
		c.Say = "The account was as Git says when the last run looked; whether it still is, nobody looks."
	}
	if c.Suspended == nil && slices.Contains(s.Stalled(), t.Name) {
		c.Mood, c.Word, c.Say = "bad", "Stalled", "It has shown no sign of life in time. Look at the log of policysync, and start it anew."
	}
	if c.Commit.Hash == "" {
		c.Commit.Hash = lastCommit(runs)
	}
	all := deviances(now)
	c.Off = all[:min(len(all), perTarget)]
	c.More = len(all) - len(c.Off)
	return c, nil
}

func lastCommit(runs []state.Run) string {
	for _, r := range runs {
		if r.Commit != "" {
			return r.Commit
		}
	}
	return ""
}

// deviances returns what isn't as Git says, by name.
func deviances(now seen) []*deviance {
	all := make([]*deviance, 0, len(now.off))
	for _, d := range now.off {
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b *deviance) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Key, b.Key))
	})
	return all
}
