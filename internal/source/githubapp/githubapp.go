// Package githubapp gives the tokens with which an installed GitHub App reads
// repositories (docs.github.com, "Generating an installation access token for a
// GitHub App").
package githubapp

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/policysync/policysync/internal/secret"
)

// Username is the user whose password at the Git server is a token.
const Username = "x-access-token"

// renewal is how long before its end a token, which lasts an hour, is replaced.
const renewal = 5 * time.Minute

// App is an installation of a GitHub App; its zero value is none.
type App struct {
	ID             int64
	InstallationID int64
	PrivateKey     secret.Source // RSA, PEM; read whenever a token is asked for
}

// IsZero reports whether nothing is set.
func (a App) IsZero() bool { return a == App{} }

// Check returns what is missing.
func (a App) Check() error {
	if a.ID <= 0 || a.InstallationID <= 0 || a.PrivateKey.IsZero() {
		return errors.New("github_app needs all of app_id, installation_id and private_key_file")
	}
	return nil
}

// API returns the address of the API that belongs to a GitHub host: GitHub's
// own, that of a tenant of ghe.com, or of a GitHub Enterprise Server.
func API(scheme, host string) string {
	switch name := strings.ToLower(host); {
	case name == "github.com", name == "www.github.com":
		return scheme + "://api.github.com"
	case strings.HasSuffix(name, ".ghe.com"):
		return scheme + "://api." + name
	}
	return scheme + "://" + host + "/api/v3"
}

// Tokens keeps the token of one installation until shortly before it expires.
// It may be used concurrently.
type Tokens struct {
	App App
	API string // see API

	mu      sync.Mutex
	token   secret.Value
	expires time.Time
}

// Token returns a token, for which it asks by client when it has none that
// lasts. Its errors say what to do and have neither key nor token in them.
func (t *Tokens) Token(ctx context.Context, client *http.Client) (secret.Value, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if time.Until(t.expires) > renewal {
		return t.token, nil
	}
	token, expires, err := t.ask(ctx, client)
	if err != nil {
		return secret.Value{}, err
	}
	t.token, t.expires = token, expires
	return token, nil
}

// Forget makes the next Token ask for a new one: a server that refuses a token
// has revoked it.
func (t *Tokens) Forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expires = time.Time{}
}
