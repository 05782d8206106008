package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/policysync/policysync/internal/visitor"
)

// admitted has next answer those who may pass, and tells the others why not.
func (g *gate) admitted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := g.admit(r)
		if err != nil {
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
