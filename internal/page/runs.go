package page

import (
	"errors"
	"net/http"
	"time"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/report"
	"github.com/policysync/policysync/internal/state"
)

type runPage struct {
	frame
	Run     *report.Run
	Took    time.Duration // 0: it hasn't ended
	Counts  []count
	Phases  []state.Phase
	Whole   time.Duration   // of all phases
	Changes []report.Change // of this page
	Pager   pager
}

func (s *server) run(w http.ResponseWriter, r *http.Request) {
	view := runPage{frame: s.live(r, "", "")}
	found, err := s.State.Run(r.Context(), r.PathValue("run"))
	if errors.Is(err, state.ErrNoRun) {
		s.fail(w, http.StatusNotFound, "There is no run "+clip(r.PathValue("run"))+".")
		return
	}
	var run *report.Run
	if err == nil {
		run, err = report.OfRun(r.Context(), s.State, found)
	}
	if err != nil {
		s.fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	view.Title, view.Target, view.Run = "Run of "+found.Started.UTC().Format(time.DateTime)+" UTC", found.Target, run
	view.Phases = found.Phases
	if underWay := s.Watch.phasesOf(found.Target, found.ID); underWay != nil {
		view.Phases = underWay
	}
	for _, p := range view.Phases {
		view.Whole += p.Took
	}
	view.Counts = counted(func(s diff.State) int { return found.Counts[string(s)] })
	if !found.Finished.IsZero() {
		view.Took = found.Finished.Sub(found.Started)
	}
	view.Changes, view.Pager = turn(run.Changes, perPage, r)
	s.show(w, http.StatusOK, "run", view)
}
