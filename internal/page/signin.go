package page

import (
	"net/http"
	"time"
)

// SignIn returns what answers with the form in which people sign in: it posts
// token and to, where they want to go, to /signin. The problem is why they are
// not signed in; "": they haven't tried.
func SignIn(now func() time.Time) func(w http.ResponseWriter, r *http.Request, status int, to, problem string) {
	s := &server{Options: Options{Now: now}}
	s.parse()
	return func(w http.ResponseWriter, r *http.Request, status int, to, problem string) {
		secure(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			s.show(w, status, "signin", struct {
				frame
				To, Problem string
			}{frame{Title: "Sign in", Now: s.Now()}, to, problem})
		})).ServeHTTP(w, r)
	}
}
