package githubapp_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/policysync/policysync/internal/secret"
	"github.com/policysync/policysync/internal/source/githubapp"
)

// github is the endpoint for tokens, as GitHub documents it. It is an
// http.RoundTripper, so that no network stands in the way of virtual time.
type github struct {
	app, installation string
	key               *rsa.PublicKey
	ahead             time.Duration // of its clock
	fault             *answer
	asked             int
}

type answer struct {
	status int
	body   string
}

// RoundTrip answers a request.
func (g *github) RoundTrip(q *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	w.Header().Set("Date", time.Now().Add(g.ahead).UTC().Format(http.TimeFormat))
	a := g.answer(q)
	w.WriteHeader(a.status)
	_, _ = w.WriteString(a.body)
	return w.Result(), nil
}

func (g *github) answer(q *http.Request) answer {
	g.asked++
	if g.fault != nil {
		return *g.fault
	}
	if q.Method != http.MethodPost || q.URL.Host != "github.example.com" || !strings.HasPrefix(q.URL.Path, "/api/v3/app/installations/") {
		return answer{http.StatusNotFound, `{"message":"Not Found"}`}
	}
	if body, err := io.ReadAll(q.Body); err != nil || string(body) != `{"permissions":{"contents":"read"}}` {
		return answer{http.StatusUnprocessableEntity, `{"message":"more was asked for than reading"}`}
	}
	if refused := g.check(strings.TrimPrefix(q.Header.Get("Authorization"), "Bearer ")); refused != nil {
		return *refused
	}
	if q.URL.Path != "/api/v3/app/installations/"+g.installation+"/access_tokens" {
		return answer{http.StatusNotFound, `{"message":"Not Found"}`}
	}
	text, err := json.Marshal(map[string]any{"token": fmt.Sprint("ghs_", g.asked), "expires_at": time.Now().Add(g.ahead + time.Hour).UTC().Format(time.RFC3339)})
	if err != nil {
		panic(err)
	}
	return answer{http.StatusCreated, string(text)}
}

// check looks at a JWT as GitHub does.
func (g *github) check(jwt string) *answer {
	bad := func(text string) *answer { return &answer{http.StatusUnauthorized, `{"message":"` + text + `"}`} }
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return bad("A JSON web token could not be decoded")
	}
	var header struct{ Alg, Typ string }
	var claims struct {
		Iss      string
		Iat, Exp int64
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	switch {
	case err != nil || !decode(parts[0], &header) || !decode(parts[1], &claims) || header.Alg != "RS256" || header.Typ != "JWT",
		rsa.VerifyPKCS1v15(g.key, crypto.SHA256, sum[:], signature) != nil:
		return bad("A JSON web token could not be decoded")
	case claims.Iss != g.app:
		return &answer{http.StatusNotFound, `{"message":"Integration not found"}`}
	}
	now := time.Now().Add(g.ahead).Unix()
	switch {
	case claims.Iat > now:
		return bad("'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued")
	case claims.Exp <= now || claims.Exp > now+600:
		return bad("'Expiration time' claim ('exp') is too far in the future")
	}
	return nil
}

func decode(part string, into any) bool {
	text, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(text, into) == nil
}

// newApp returns a GitHub where the app 7 has the installation 9, and that app.
func newApp(t *testing.T) (*github, *githubapp.Tokens) {
	t.Helper()
	key := newKey(t)
	file := filepath.Join(t.TempDir(), "app.pem")
	writeKey(t, file, key)
	return &github{app: "7", installation: "9", key: &key.PublicKey}, &githubapp.Tokens{
		App: githubapp.App{ID: 7, InstallationID: 9, PrivateKey: secret.Source{File: file}},
		API: githubapp.API("https", "github.example.com"),
	}
}

func newKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func writeKey(t *testing.T, file string, key *rsa.PrivateKey) {
	t.Helper()
	writePEM(t, file, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
}

func writePEM(t *testing.T, file, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTokenIsKeptUntilShortlyBeforeItExpires(t *testing.T) {
	t.Parallel()
	hub, tokens := newApp(t)
	synctest.Test(t, func(t *testing.T) {
		client := &http.Client{Transport: hub}
		want := func(token string) {
			t.Helper()
			got, err := tokens.Token(t.Context(), client)
			if err != nil || got.Reveal() != token {
				t.Fatalf("token %q, %v; want %q", got.Reveal(), err, token)
			}
		}
		want("ghs_1")
		time.Sleep(54 * time.Minute)
		want("ghs_1")
		time.Sleep(2 * time.Minute)
		want("ghs_2")

		tokens.Forget()
		next := newKey(t)
		hub.key = &next.PublicKey
		writeKey(t, tokens.App.PrivateKey.File, next) // rotated, without a restart
		want("ghs_3")
		der, err := x509.MarshalPKCS8PrivateKey(next)
		if err != nil {
			t.Fatal(err)
		}
		tokens.Forget()
		writePEM(t, tokens.App.PrivateKey.File, "PRIVATE KEY", der)
		want("ghs_4")
	})
}

func TestErrorSaysWhyThereIsNoToken(t *testing.T) {
	t.Parallel()
	const from = "get a token for the GitHub App from https://github.example.com/api/v3: "
	for name, c := range map[string]struct {
		change func(*testing.T, *github, *githubapp.Tokens)
		want   string
	}{
		"wrong app": {
			func(_ *testing.T, g *github, _ *githubapp.Tokens) { g.app = "8" },
			from + `there is no app 7 there: check app_id (status 404, "Integration not found")`,
		},
		"wrong installation": {
			func(_ *testing.T, g *github, _ *githubapp.Tokens) { g.installation = "10" },
			from + `the app 7 has no installation 9 there: check installation_id (status 404, "Not Found")`,
		},
		"another app's key": {
			func(t *testing.T, _ *github, k *githubapp.Tokens) {
				t.Helper()
				writeKey(t, k.App.PrivateKey.File, newKey(t))
			},
			from + `private_key_file isn't a key of the app 7: check app_id, and that the key wasn't deleted (status 401, "A JSON web token could not be decoded")`,
		},
		"clock ahead": {
			func(_ *testing.T, g *github, _ *githubapp.Tokens) { g.ahead = -5 * time.Minute },
			from + `this machine's clock is 5m0s off the server's: set it right (status 401, "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued")`,
		},
		"clock behind": {
			func(_ *testing.T, g *github, _ *githubapp.Tokens) { g.ahead = time.Hour },
			from + `this machine's clock is -1h0m0s off the server's: set it right (status 401, "'Expiration time' claim ('exp') is too far in the future")`,
		},
		"suspended": {
			func(_ *testing.T, g *github, _ *githubapp.Tokens) {
				g.fault = &answer{http.StatusForbidden, `{"message":"This installation has been suspended"}`}
			},
			from + `the installation is suspended: somebody has to unsuspend it in the organisation's settings (status 403, "This installation has been suspended")`,
		},
		"may not read": {
			func(_ *testing.T, g *github, _ *githubapp.Tokens) {
				g.fault = &answer{http.StatusUnprocessableEntity, `{"message":"The permissions requested are not granted to this installation."}`}
			},
			from + `the app may not read files: give it the repository permission Contents, read-only (status 422, "The permissions requested are not granted to this installation.")`,
		},
		"a page": {
			func(_ *testing.T, g *github, _ *githubapp.Tokens) {
				g.fault = &answer{http.StatusBadGateway, "<html>" + strings.Repeat("long", 1000)}
			},
			from + `try again later (status 502, "no JSON")`,
		},
		"no token": {
			func(_ *testing.T, g *github, _ *githubapp.Tokens) { g.fault = &answer{http.StatusCreated, "{}"} },
			from + `try again later (status 201, "")`,
		},
		"no key": {
			func(t *testing.T, _ *github, k *githubapp.Tokens) {
				t.Helper()
				writePEM(t, k.App.PrivateKey.File, "EC PRIVATE KEY", []byte("x"))
			},
			"get a token for the GitHub App: read private_key_file FILE: it has no RSA private key, unencrypted, as GitHub gives one out",
		},
		"no PEM": {
			func(t *testing.T, _ *github, k *githubapp.Tokens) {
				t.Helper()
				if err := os.WriteFile(k.App.PrivateKey.File, []byte("s3cret"), 0o600); err != nil {
					t.Fatal(err)
				}
			},
			"get a token for the GitHub App: read private_key_file FILE: it has no key in PEM form",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hub, tokens := newApp(t)
			c.change(t, hub, tokens)
			want := strings.ReplaceAll(c.want, "FILE", tokens.App.PrivateKey.File)
			synctest.Test(t, func(t *testing.T) { // so that the clocks are off by just that
				_, err := tokens.Token(t.Context(), &http.Client{Transport: hub})
				if err == nil || err.Error() != want {
					t.Errorf("error %q\nwant  %q", err, want)
				}
			})
		})
	}
}

func TestAPIIsFoundByTheHost(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		"github.com":          "https://api.github.com",
		"GitHub.com":          "https://api.github.com",
		"acme.ghe.com":        "https://api.acme.ghe.com",
		"git.example.com:844": "https://git.example.com:844/api/v3",
	} {
		if got := githubapp.API("https", host); got != want {
			t.Errorf("%s: %s, want %s", host, got, want)
		}
	}
}
