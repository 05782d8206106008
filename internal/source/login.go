package source

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"

	"github.com/policysync/policysync/internal/secret"
	"github.com/policysync/policysync/internal/source/githubapp"
)

// defaultUsername goes with a password that has no user name: the hosts that
// take an access token as password accept any (GitHub, GitLab, Gitea).
const defaultUsername = "git"

// login is what one conversation shows the server. Its zero value is nobody.
type login struct {
	username string
	password secret.Value
}

// login reads the password as it is now, or gets a token.
func (r *remote) login(ctx context.Context, client *http.Client) (login, error) {
	l := login{username: cmp.Or(r.username, r.address.username), password: r.address.password}
	switch {
	case r.tokens != nil:
		token, err := r.tokens.Token(ctx, client)
		return login{githubapp.Username, token}, toldOf(err)
	case !r.password.IsZero():
		password, err := r.password.Read()
		if err != nil {
			return login{}, told{fmt.Errorf("read the password of the Git source: %w", err)}
		}
		l.password = password
	}
	if !l.password.IsZero() {
		l.username = cmp.Or(l.username, defaultUsername)
	}
	return l, nil
}

// httpClient returns a client with connections of its own, which release
// closes. It trusts the authorities in the file as it is now.
func (r *remote) httpClient() (client *http.Client, release func(), err error) {
	pool := &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}
	if r.caFile != "" {
		text, err := os.ReadFile(r.caFile)
		if err != nil {
			return nil, nil, fmt.Errorf("read ca_file: %w", err)
		}
		authorities := x509.NewCertPool()
		if !authorities.AppendCertsFromPEM(text) {
			return nil, nil, fmt.Errorf("read ca_file: %s has no certificate in PEM form", r.caFile)
		}
		pool.TLSClientConfig = &tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS12}
	}
	return &http.Client{Transport: pool}, pool.CloseIdleConnections, nil
}

// method returns the login as go-git takes it: nil for nobody.
func (l login) method() transport.AuthMethod {
	if l.username == "" {
		return nil
	}
	return &githttp.BasicAuth{Username: l.username, Password: l.password.Reveal()}
}

// scrub takes the password, or the token that stands in for the user name, out
// of a text in every form in which it travels.
func (l login) scrub(text string) string {
	hidden := cmp.Or(l.password.Reveal(), l.username)
	if hidden == "" {
		return text
	}
	pair := base64.StdEncoding.EncodeToString([]byte(l.username + ":" + l.password.Reveal()))
	return strings.NewReplacer(
		pair, secret.Redacted,
		hidden, secret.Redacted,
		url.QueryEscape(hidden), secret.Redacted,
		url.PathEscape(hidden), secret.Redacted,
	).Replace(text)
}
