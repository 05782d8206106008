package page

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/report"
	"github.com/policysync/policysync/internal/state"
)

const (
	maxRuns = 1000 // of a target that can be looked through; `policysync history` knows them all
	perRun  = 5    // changes of a run that are named
)

// timelinePage is what happened in a target.
type timelinePage struct {
	frame
	Days  []day
	Pager pager
}

// day is what happened in one, the newest first.
type day struct {
	Date    string
	Entries []entry
}

// entry is a run, or something else that happened.
type entry struct {
	At      time.Time
	Run     *report.Run // nil: it is a note
	Note    note
	Changes []report.Change // the first of the run
	More    int             // that are not in Changes
	Off     int             // policies that it found not to be as Git says
	Same    []entry         // the runs right before it, where neither it nor they did or found anything
}

// quiet reports whether a run did nothing and found all to be as Git says.
func (e *entry) quiet() bool {
	return e.Run != nil && e.Run.Result == string(event.Noop) && e.Off == 0
}

// First returns the oldest of Same.
func (e *entry) First() entry { return e.Same[len(e.Same)-1] }

func (s *server) timeline(w http.ResponseWriter, r *http.Request, target string) {
	view := timelinePage{frame: s.live(r, "Timeline of "+target, target)}
	runs, err := s.State.Runs(r.Context(), state.RunQuery{Target: target, Limit: maxRuns})
	if err != nil {
		s.fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	notes, err := s.State.Notes(r.Context(), target, maxNotes)
	if err != nil {
		s.fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	some, pager := turn(entriesOf(runs, notes), perPage, r)
	view.Pager = pager
	for _, e := range some {
		if err := s.name(r.Context(), &e); err != nil {
			s.fail(w, http.StatusInternalServerError, err.Error())
			return
		}
		date := e.At.UTC().Format(time.DateOnly)
		if n := len(view.Days); n == 0 || view.Days[n-1].Date != date {
			view.Days = append(view.Days, day{Date: date})
		}
		view.Days[len(view.Days)-1].add(e)
	}
	s.show(w, http.StatusOK, "timeline", view)
}

// add adds what happened before all else that day.
func (d *day) add(e entry) {
	if n := len(d.Entries); n > 0 && e.quiet() && d.Entries[n-1].quiet() {
		d.Entries[n-1].Same = append(d.Entries[n-1].Same, e)
		return
	}
	d.Entries = append(d.Entries, e)
}

// entriesOf returns runs and notes, the newest first.
func entriesOf(runs []state.Run, notes []state.Note) []entry {
	all := make([]entry, 0, len(runs)+len(notes))
	for _, r := range runs {
		all = append(all, entry{At: r.Started, Run: report.NewRun(r), Off: deviant(r.Counts)})
	}
	for _, n := range notes {
		all = append(all, entry{At: n.At, Note: newNote(n)})
	}
	slices.SortStableFunc(all, func(a, b entry) int { return b.At.Compare(a.At) })
	return all
}

// name names the first changes of a run.
func (s *server) name(ctx context.Context, e *entry) error {
	if e.Run == nil || e.Run.Result == string(event.Noop) {
		return nil
	}
	changes, err := s.State.Outcomes(ctx, e.Run.ID, "")
	if err != nil {
		return err
	}
	e.More = max(0, len(changes)-perRun)
	for _, c := range changes[:len(changes)-e.More] {
		e.Changes = append(e.Changes, report.Change{Action: c.Action, Key: c.Key, Name: c.Name, Result: c.Result})
	}
	return nil
}

// stripped is how many runs a strip has.
const stripped = 40

// strip is how the last runs ended, as bars from the oldest to the newest.
type strip struct {
	Bars []bar
	Say  string // the same in words
}

// bar is a run in an SVG: the worse, the higher.
type bar struct {
	X, Y, Height int
	Mood         string // as of a standing
}

const (
	barWidth, barGap, stripHeight = 6, 2, 24
	barOK, barWarn                = 8, 16 // heights; what is bad has all
)

// stripOf shows runs, which are the newest first.
func stripOf(runs []state.Run) strip {
	runs = runs[:min(len(runs), stripped)]
	var s strip
	counts := map[string]int{}
	for i, r := range slices.Backward(runs) {
		b := bar{X: (len(runs) - 1 - i) * (barWidth + barGap), Mood: moodOf(r)}
		switch b.Mood {
		case "ok":
			b.Height = barOK
		case "bad":
			b.Height = stripHeight
		default:
			b.Height = barWarn
		}
		b.Y = stripHeight - b.Height
		s.Bars = append(s.Bars, b)
		counts[b.Mood]++
	}
	var parts []string
	for _, p := range []struct{ mood, word string }{{"ok", "well"}, {"warn", "partly or not at an end"}, {"bad", "failed"}} {
		if n := counts[p.mood]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, p.word))
		}
	}
	s.Say = fmt.Sprintf("the last %d that are recorded: %s", len(runs), strings.Join(parts, ", "))
	return s
}

// moodOf is how a strip marks a run: one that went well and found policies that
// are not as Git says hasn't gone quite well.
func moodOf(r state.Run) string {
	switch {
	case r.Result == string(event.Failed):
		return "bad"
	case (r.Result == string(event.Success) || r.Result == string(event.Noop)) && deviant(r.Counts) == 0:
		return "ok"
	default:
		return "warn"
	}
}

// Width returns how wide the strip's SVG is.
func (s strip) Width() int { return max(0, len(s.Bars)*(barWidth+barGap)-barGap) }
