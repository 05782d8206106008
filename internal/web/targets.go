package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/policysync/policysync/internal/diagnostic"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/report"
	"github.com/policysync/policysync/internal/state"
	"github.com/policysync/policysync/internal/visitor"
)

// Targets makes targets run, and keeps them from running. It is used
// concurrently, and only with names of Options.Names.
type Targets interface {
	// Ask makes a target run now, as by says, and reports whether it will.
	Ask(target, by string) bool

	// Sync makes a target run now, as by says, and returns how that run ended. Its
	// error wraps state.ErrSuspended where the target doesn't run.
	Sync(ctx context.Context, target, by string) (event.RunDone, error)

	// Next returns when the target's next run is to begin; the zero time while
	// it runs or isn't to run again.
	Next(target string) time.Time

	// Suspend keeps a target from running, and returns when it writes nothing
	// any more.
	Suspend(ctx context.Context, suspension state.Suspension) error

	// Resume makes a target run again, as by says.
	Resume(ctx context.Context, target, by string) error
}

// ofTarget is a route below /api/v1/targets/{target}.
type ofTarget func(w http.ResponseWriter, r *http.Request, target string)

// target answers for the targets that there are.
func (o Options) target(next ofTarget) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name, names := r.PathValue("target"), o.Names()
		if slices.Contains(names, name) {
			next(w, r, name)
			return
		}
		hint := "there is " + strings.Join(names, ", ")
		if near := diagnostic.Nearest(name, names); near != "" {
			hint = "did you mean " + near + "?"
		}
		fail(w, http.StatusNotFound, fmt.Sprintf("no target is named %q: %s", name, hint))
	}
}

func (o Options) listTargets(w http.ResponseWriter, r *http.Request) {
	all := []report.Target{}
	for _, name := range o.Names() {
		t, err := o.ofTarget(r.Context(), name)
		if err != nil {
			fail(w, http.StatusInternalServerError, err.Error())
			return
		}
		all = append(all, t)
	}
	respond(w, http.StatusOK, map[string]any{"targets": all})
}

func (o Options) showTarget(w http.ResponseWriter, r *http.Request, target string) {
	t, err := o.ofTarget(r.Context(), target)
	answerWith(w, t, err)
}

func (o Options) ofTarget(ctx context.Context, name string) (report.Target, error) {
	t, err := report.OfTarget(ctx, o.State, name, time.Now())
	t.NextRun = report.Time(o.Targets.Next(name))
	return t, err
}

func (o Options) listPolicies(w http.ResponseWriter, r *http.Request, target string) {
	policies, err := report.OfPolicies(r.Context(), o.State, target)
	answerWith(w, map[string]any{"policies": policies}, err)
}

// defaultRuns is how many runs are listed when no limit is asked for.
const defaultRuns = 20

func (o Options) listRuns(w http.ResponseWriter, r *http.Request, target string) {
	limit := defaultRuns
	if text := r.URL.Query().Get("limit"); text != "" {
		var err error
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 {
			fail(w, http.StatusBadRequest, "limit: want a whole number of 1 or more")
			return
		}
	}
	runs, err := o.State.Runs(r.Context(), state.RunQuery{Target: target, Limit: limit})
	all := []*report.Run{}
	for _, run := range runs {
		all = append(all, report.NewRun(run))
	}
	answerWith(w, map[string]any{"runs": all}, err)
}

func (o Options) showRun(w http.ResponseWriter, r *http.Request) {
	found, err := o.State.Run(r.Context(), r.PathValue("run"))
	if errors.Is(err, state.ErrNoRun) {
		fail(w, http.StatusNotFound, err.Error())
		return
	}
	if err != nil {
		fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	run, err := report.OfRun(r.Context(), o.State, found)
	answerWith(w, run, err)
}

func answerWith(w http.ResponseWriter, body any, err error) {
	if err != nil {
		fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	respond(w, http.StatusOK, body)
}

// woken is the answer to a sync that isn't waited for.
type woken struct {
	Target string `json:"target"`
	Woken  bool   `json:"woken"`
}

func (o Options) sync(w http.ResponseWriter, r *http.Request, target string) {
	wait, err := strconv.ParseBool(r.URL.Query().Get("wait"))
	if err != nil && r.URL.Query().Has("wait") {
		fail(w, http.StatusBadRequest, "wait: want true or false")
		return
	}
	by := visitor.Of(r.Context()).Name
	if !wait && o.Targets.Ask(target, by) {
		respond(w, http.StatusAccepted, woken{target, true})
		return
	}
	done, err := o.Targets.Sync(r.Context(), target, by)
	switch {
	case errors.Is(err, state.ErrSuspended):
		s, _ := o.State.Suspension(r.Context(), target) // without it, less is said
		fail(w, http.StatusConflict, fmt.Sprintf("target %s is %s; resume it first", target, s))
	case err != nil:
		fail(w, http.StatusServiceUnavailable, err.Error())
	default:
		respond(w, http.StatusOK, newRun(done))
	}
}

// newRun returns a run that has just ended.
func newRun(done event.RunDone) *report.Run {
	run := state.Run{
		ID: done.Run, Target: done.Target, Trigger: string(done.Trigger), Commit: done.Commit, Result: string(done.Result),
		Counts: map[string]int{}, Started: done.At.Add(-done.Took), Finished: done.At,
	}
	if done.Err != nil {
		run.Error = done.Err.Error()
	}
	for s, n := range done.States {
		run.Counts[string(s)] = n
	}
	return report.NewRun(run)
}

// suspendRequest is the body of POST …/suspend.
type suspendRequest struct {
	Reason string `json:"reason"`
	Until  string `json:"until"`
}

func (o Options) suspend(w http.ResponseWriter, r *http.Request, target string) {
	var request suspendRequest
	if !read(w, r, &request) {
		return
	}
	now := time.Now()
	until, err := state.ParseUntil(request.Until, now)
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	reason := strings.TrimSpace(request.Reason)
	if reason == "" {
		fail(w, http.StatusBadRequest, `"reason" is missing: whoever finds the target suspended will want to know`)
		return
	}
	err = o.Targets.Suspend(r.Context(), state.Suspension{Target: target, Reason: reason, By: visitor.Of(r.Context()).Name, Since: now, Until: until})
	if err != nil {
		fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	o.showTarget(w, r, target)
}

func (o Options) resume(w http.ResponseWriter, r *http.Request, target string) {
	if err := o.Targets.Resume(r.Context(), target, visitor.Of(r.Context()).Name); err != nil {
		fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	o.showTarget(w, r, target)
}
