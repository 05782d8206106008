package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/policysync/policysync/internal/throttle"
	"github.com/policysync/policysync/internal/visitor"
)

// signInForm answers with the form in which people sign in.
func (g *gate) signInForm(w http.ResponseWriter, r *http.Request) {
	g.SignIn(w, r, http.StatusOK, onThisSite(r.URL.Query().Get("to")), "")
}

// signIn begins a session for those who know the token.
func (g *gate) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	to := onThisSite(r.PostFormValue("to"))
	token, err := g.token(r, strings.TrimSpace(r.PostFormValue("token")))
	if err != nil {
		g.tell(r, visitor.Visitor{}, err)
		status, problem, _ := told(w, err)
		g.SignIn(w, r, status, to, problem)
		return
	}
	http.SetCookie(w, cookie(r, g.sessions.begin(token, time.Now())))
	http.Redirect(w, r, to, http.StatusSeeOther) //nolint:gosec // onThisSite has seen to it
}

// signOut ends the session.
func (g *gate) signOut(w http.ResponseWriter, r *http.Request) {
	for _, c := range r.CookiesNamed(sessionCookie) {
		g.sessions.end(c.Value)
	}
	http.SetCookie(w, cookie(r, ""))
	http.Redirect(w, r, "/signin", http.StatusSeeOther)
}

// onThisSite returns the path and query of where somebody wants to go; / for
// what may lead to another site, in whatever way a browser reads it.
func onThisSite(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || strings.Contains(to, `\`) ||
		!strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") {
		return "/"
	}
	return (&url.URL{Path: u.Path, RawQuery: u.RawQuery}).String()
}

// told returns what to tell of an error and whether signing in would help, and
// sets the headers that belong to it.
func told(w http.ResponseWriter, err error) (status int, problem string, signIn bool) {
	refused := &refusal{status: http.StatusInternalServerError, problem: err.Error()}
	_ = errors.As(err, &refused) // else it is one that nobody foresaw
	if refused.wait > 0 {
		w.Header().Set("Retry-After", throttle.RetryAfter(refused.wait))
	}
	if refused.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	return refused.status, refused.problem, refused.signIn
}
