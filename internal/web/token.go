package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"

	"github.com/policysync/policysync/internal/secret"
)

// guarded lets only those pass who bear the API's token, and those who read
// where that needs none.
func (o Options) guarded(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if o.Local && r.Method != http.MethodPost {
			next(w, r)
			return
		}
		token, err := o.Token().Read()
		switch {
		case errors.Is(err, secret.ErrNotSet):
			fail(w, http.StatusForbidden, "the API is not open: name a file with a bearer token in server.api_token_file")
		case err != nil:
			fail(w, http.StatusInternalServerError, "the API's token can't be read: look at server.api_token_file")
		case !bears(r, token):
			w.Header().Set("WWW-Authenticate", "Bearer")
			fail(w, http.StatusUnauthorized, "send the token of server.api_token_file as `Authorization: Bearer …`")
		default:
			next(w, r)
		}
	}
}

// bears reports whether a request bears that token (RFC 6750 2.1). How long it
// takes tells nothing of the token.
func bears(r *http.Request, token secret.Value) bool {
	scheme, got, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	want, sent := sha256.Sum256([]byte(token.Reveal())), sha256.Sum256([]byte(strings.TrimSpace(got)))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(want[:], sent[:]) == 1
}
