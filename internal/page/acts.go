package page

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/policysync/policysync/internal/state"
	"github.com/policysync/policysync/internal/visitor"
)

// Actions is what operators do to targets; daemon.Daemon is one. It is used
// concurrently, and only with names of Options.Targets.
type Actions interface {
	// Ask makes a target run now, as by says, and reports whether it will.
	Ask(target, by string) bool

	// Suspend keeps a target from running, and returns when it writes nothing
	// any more.
	Suspend(ctx context.Context, suspension state.Suspension) error

	// Resume makes a target run again, as by says.
	Resume(ctx context.Context, target, by string) error
}

// act is target for those who may act.
func (s *server) act(next func(w http.ResponseWriter, r *http.Request, target string)) http.HandlerFunc {
	return s.target(func(w http.ResponseWriter, r *http.Request, target string) {
		if !visitor.Of(r.Context()).Operator {
			view := failurePage{s.still(r, http.StatusText(http.StatusForbidden), target), "Only operators have targets run, suspend and resume them. Sign in as one."}
			view.Path = "/targets/" + target
			s.show(w, http.StatusForbidden, "failure", view)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		next(w, r, target)
	})
}

const maxForm = 64 << 10 // bytes

// What was done, as notices name it.
const (
	didSync    = "sync"
	didNothing = "nothing"
	didSuspend = "suspend"
	didResume  = "resume"
)

func (s *server) sync(w http.ResponseWriter, r *http.Request, target string) {
	if s.Actions.Ask(target, visitor.Of(r.Context()).Name) {
		s.back(w, r, target, didSync)
		return
	}
	s.back(w, r, target, didNothing)
}

func (s *server) resume(w http.ResponseWriter, r *http.Request, target string) {
	if err := s.Actions.Resume(r.Context(), target, visitor.Of(r.Context()).Name); err != nil {
		s.fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	s.back(w, r, target, didResume)
}

// suspendPage asks why and until when.
type suspendPage struct {
	frame
	Reason, Until           string // as they were sent
	ReasonError, UntilError string // what is wrong with them
	Example                 time.Time
}

const exampleAhead = 24 * time.Hour

func (s *server) suspendForm(w http.ResponseWriter, r *http.Request, target string) {
	form := suspendPage{frame: s.still(r, "Suspend "+target, target), Example: s.Now().Add(exampleAhead)}
	now, err := s.State.Suspension(r.Context(), target)
	if err != nil {
		s.fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	if now.InForce(s.Now()) {
		form.Reason = now.Reason
		if !now.Until.IsZero() {
			form.Until = now.Until.UTC().Format(time.RFC3339)
		}
	}
	s.show(w, http.StatusOK, "suspend", form)
}

func (s *server) suspend(w http.ResponseWriter, r *http.Request, target string) {
	now := s.Now()
	form := suspendPage{
		frame:  s.still(r, "Suspend "+target, target),
		Reason: strings.TrimSpace(r.PostFormValue("reason")), Until: strings.TrimSpace(r.PostFormValue("until")),
		Example: now.Add(exampleAhead),
	}
	until, err := state.ParseUntil(form.Until, now)
	if err != nil {
		form.UntilError = err.Error()
	}
	if form.Reason == "" {
		form.ReasonError = "Say why: whoever finds the target suspended will want to know."
	}
	if form.UntilError != "" || form.ReasonError != "" {
		s.show(w, http.StatusUnprocessableEntity, "suspend", form)
		return
	}
	suspension := state.Suspension{Target: target, Reason: form.Reason, By: visitor.Of(r.Context()).Name, Since: now, Until: until}
	if err := s.Actions.Suspend(r.Context(), suspension); err != nil {
		s.fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	s.back(w, r, target, didSuspend)
}

// back sends somebody who has done something to the target's page.
func (s *server) back(w http.ResponseWriter, r *http.Request, target, did string) {
	query := url.Values{"did": {did}, "at": {strconv.FormatInt(s.Now().Unix(), 10)}}
	to := url.URL{Path: "/targets/" + target, RawQuery: query.Encode()}
	http.Redirect(w, r, to.String(), http.StatusSeeOther)
}

// noticed is how long a notice is shown, so that no bookmark shows it for ever.
const noticed = time.Minute

// notice returns what to say to somebody who has just done something; "": they haven't.
func (s *server) notice(r *http.Request) string {
	at, err := strconv.ParseInt(r.URL.Query().Get("at"), 10, 64)
	if err != nil || s.Now().Sub(time.Unix(at, 0)).Abs() > noticed {
		return ""
	}
	switch r.URL.Query().Get("did") {
	case didSync:
		return "It was told to run now."
	case didNothing:
		return "It doesn't run: it is suspended. Resume it first."
	case didSuspend:
		return "It is suspended. Nothing runs, and nothing is written."
	case didResume:
		return "It is resumed, and was told to run now."
	default:
		return ""
	}
}
