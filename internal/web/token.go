package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"

	"github.com/policysync/policysync/internal/secret"
	"github.com/policysync/policysync/internal/visitor"
)

// guarded lets only those pass who bear the API's token, and those who read
// where that needs none.
func (o Options) guarded(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if status, problem := o.refused(w, r); status != 0 {
			fail(w, status, problem)
			return
		}
		v := visitor.Visitor{Addresses: true}
		if r.Method == http.MethodPost {
			v.Name, v.Operator = "token", true
		}
		next(discreet{w, v}, r.WithContext(visitor.With(r.Context(), v)))
	}
}

// looking is guarded for people with a browser, who can't send a token.
func (o Options) looking(next http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if status, problem := o.refused(w, r); status != 0 {
			http.Error(w, throughTunnel+"\n\nOr, where a program looks: "+problem, status)
			return
		}
		next.ServeHTTP(w, r.WithContext(visitor.With(r.Context(), visitor.Visitor{Addresses: true})))
	}
}

// throughTunnel says how to look from elsewhere.
const throughTunnel = `The status page is open to the machine itself: set server.listen to 127.0.0.1:8080, the default, and look through a tunnel:

  ssh -L 8080:127.0.0.1:8080 HOST

then open http://127.0.0.1:8080/ here.`

// refused returns why a request may not pass, and with what status; 0: it may.
func (o Options) refused(w http.ResponseWriter, r *http.Request) (status int, problem string) {
	if o.Local && r.Method != http.MethodPost {
		return 0, ""
	}
	token, err := o.Token().Read()
	switch {
	case errors.Is(err, secret.ErrNotSet):
		return http.StatusForbidden, "the API is not open: name a file with a bearer token in server.api_token_file"
	case err != nil:
		return http.StatusInternalServerError, "the API's token can't be read: look at server.api_token_file"
	case !bears(r, token):
		w.Header().Set("WWW-Authenticate", "Bearer")
		return http.StatusUnauthorized, "send the token of server.api_token_file as `Authorization: Bearer …`"
	default:
		return 0, ""
	}
}

// bears reports whether a request bears that token (RFC 6750 2.1). How long it
// takes tells nothing of the token.
func bears(r *http.Request, token secret.Value) bool {
	scheme, got, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	want, sent := sha256.Sum256([]byte(token.Reveal())), sha256.Sum256([]byte(strings.TrimSpace(got)))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(want[:], sent[:]) == 1
}
