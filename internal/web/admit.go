package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/visitor"
)

// admitted has next answer those who may pass, and tells the others why not.
func (g *gate) admitted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := g.admit(r)
		if err != nil {
			g.tell(r, who, err)
			turnAway(w, r, err, g.SignIn != nil)
			return
		}
		r = r.WithContext(visitor.With(r.Context(), who))
		if isAPI(r) {
			w = discreet{w, who}
		}
		next.ServeHTTP(w, r)
	})
}

// tell tells of a request that may not pass.
func (g *gate) tell(r *http.Request, who visitor.Visitor, err error) {
	refused, ok := errors.AsType[*refusal](err)
	if !ok || g.Sink == nil {
		return
	}
	e := event.TurnedAway{Reason: refused.reason, Client: clientOf(r), By: who.Name, Said: refused.problem}
	if e.Reason != event.NothingShown && e.Reason != event.TooMany { // those are no news at all
		e.Often = g.news.Take(time.Now()) > 0
	}
	g.Sink.Emit(e)
}

func isAPI(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/api/") }

// turnAway says why a request may not pass; people are led to where they sign
// in, if that would help.
func turnAway(w http.ResponseWriter, r *http.Request, err error, signsIn bool) {
	w.Header().Set("Cache-Control", "no-store")
	status, problem, signIn := told(w, err)
	switch {
	case isAPI(r):
		fail(w, status, problem)
	case signIn && signsIn && strings.Contains(r.Header.Get("Accept"), "text/html"):
		to := "/"
		if reads(r) {
			to = onThisSite(r.URL.RequestURI())
		}
		http.Redirect(w, r, "/signin?"+url.Values{"to": {to}}.Encode(), http.StatusSeeOther)
	default:
		http.Error(w, problem, status)
	}
}
