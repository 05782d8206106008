package cloudflare

import (
	"errors"
	"net/http"
	"strings"

	"github.com/policysync/policysync/internal/secret"
)

// Credentials are what Cloudflare knows us by: an API token, or else the older
// pair of an e-mail address and the global API key.
type Credentials struct {
	Token secret.Value
	Email string
	Key   secret.Value
}

// check returns an error where no request could be signed.
func (c Credentials) check() error {
	switch {
	case !c.Token.IsZero():
		return checkHeader("API token", c.Token.Reveal())
	case c.Email == "" || c.Key.IsZero():
		return errors.New("no credentials: set an API token, or an e-mail address and an API key")
	default:
		return errors.Join(checkHeader("API e-mail address", c.Email), checkHeader("API key", c.Key.Reveal()))
	}
}

func checkHeader(what, value string) error {
	if strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("the " + what + " holds a space, a line break or another character that none has: set it again, without quotes")
	}
	return nil
}

func (c Credentials) sign(header http.Header) {
	if !c.Token.IsZero() {
		header.Set("Authorization", "Bearer "+c.Token.Reveal())
		return
	}
	header.Set("X-Auth-Email", c.Email)
	header.Set("X-Auth-Key", c.Key.Reveal())
}

// scrub returns a text that came from outside without the secrets, should a
// proxy's error page echo the request.
func (c Credentials) scrub(text string) string {
	for _, s := range []secret.Value{c.Token, c.Key} {
		if !s.IsZero() {
			text = strings.ReplaceAll(text, s.Reveal(), secret.Redacted)
		}
	}
	return text
}
