package main

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// The daemon, as it is started, trusts those that Cloudflare Access lets through,
// and the config that is in force says who of them is an operator.
func TestTheDaemonBehindCloudflareAccess(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	team := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "1"}}})
	}))
	t.Cleanup(team.Close)
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("team.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: team.Certificate().Raw})))
	config := func(operators string) string {
		return fmt.Sprintf("targets: [{name: a, account_id: 023e105f4ecef8ad9ca31a8372d0c353, source: {url: %q}, schedule: '@every 1h'}]\n"+
			"state: {url: 'sqlite://%s/state.db'}\nserver: {listen: '127.0.0.1:0', access: {team_domain: %q, audience: tag, operators: [%s]}}\n",
			dir, dir, strings.TrimPrefix(team.URL, "https://"), operators)
	}
	write("policysync.yaml", config("ann@example.com"))
	c := exec.CommandContext(t.Context(), "policysync", "run")
	c.Dir, c.Env = dir, append(os.Environ(), "SSL_CERT_FILE="+filepath.Join(dir, "team.pem"), "SSL_CERT_DIR="+dir, "CLOUDFLARE_API_TOKEN=x", "CLOUDFLARE_BASE_URL=http://127.0.0.1:1")
	lines := logOf(t, c)
	base := "http://" + lines.until("listening").Address

	assertion := func(email string) string {
		return signedAssertion(t, key, map[string]any{"iss": team.URL, "aud": []string{"tag"}, "exp": time.Now().Add(time.Hour).Unix(), "email": email})
	}
	ask := func(method, path, body, email string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if email != "" {
			r.Header.Set("Cf-Access-Jwt-Assertion", assertion(email))
		}
		response, err := (&http.Client{}).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close() //nolint:errcheck // only read from
		said, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(said)
	}
	check := func(want int, says string) func(status int, said string) {
		return func(status int, said string) {
			t.Helper()
			if status != want || !strings.Contains(said, says) {
				t.Errorf("%d %s, want %d and %q", status, said, want, says)
			}
		}
	}
	const suspend = "/api/v1/targets/a/suspend"
	check(401, "come through Cloudflare Access")(ask("GET", "/", "", ""))
	check(200, "policysync_build_info")(ask("GET", "/metrics", "", ""))
	check(200, "<h1>")(ask("GET", "/", "", "bob@example.com"))
	check(403, "bob@example.com may look and not act")(ask("POST", suspend, `{"reason": "x"}`, "bob@example.com"))
	check(200, `"reason":"x","by":"ann@example.com"`)(ask("POST", suspend, `{"reason": "x"}`, "ann@example.com"))

	write("policysync.yaml", config("bob@example.com"))
	if err := c.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	lines.until("config in force")
	check(403, "ann@example.com may look and not act")(ask("POST", suspend, `{"reason": "y"}`, "ann@example.com"))
	check(200, `"reason":"y","by":"bob@example.com"`)(ask("POST", suspend, `{"reason": "y"}`, "bob@example.com"))
}

func signedAssertion(t *testing.T, key *ecdsa.PrivateKey, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "1"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signature.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The form leads to a session, with which the page's buttons work.
func TestPeopleSignInAtTheDaemon(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"token": "api-token\n",
		"policysync.yaml": fmt.Sprintf("targets: [{name: a, account_id: 023e105f4ecef8ad9ca31a8372d0c353, source: {url: %q}, schedule: '@every 1h'}]\n"+
			"state: {url: 'sqlite://%s/state.db'}\nserver: {listen: '127.0.0.1:0', api_token_file: %q}\n", dir, dir, filepath.Join(dir, "token")),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.CommandContext(t.Context(), "policysync", "run")
	c.Dir, c.Env = dir, append(os.Environ(), "CLOUDFLARE_API_TOKEN=x", "CLOUDFLARE_BASE_URL=http://127.0.0.1:1")
	base := "http://" + logOf(t, c).until("listening").Address
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	fill := func(path string, form url.Values, status int, says string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", base)
		r.Header.Set("Accept", "text/html")
		response, err := browser.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close() //nolint:errcheck // only read from
		said, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != status || !strings.Contains(string(said), says) {
			t.Errorf("%s: %d %s, want %d and %q", path, response.StatusCode, said, status, says)
		}
	}
	const signIn, signOut = `action="/signin"`, `action="/signout"`
	suspend := url.Values{"reason": {"incident 7"}}
	fill("/targets/a/suspend", suspend, 200, signIn) // it leads to the form
	fill("/signin", url.Values{"token": {"guess"}}, 401, "this is not the token")
	fill("/signin", url.Values{"token": {"api-token"}, "to": {"/targets/a"}}, 200, signOut)
	fill("/targets/a/suspend", suspend, 200, "by token")
	fill("/signout", nil, 200, signIn)
	fill("/targets/a/suspend", suspend, 200, signIn)
}

// logLines are what a daemon logs.
type logLines struct {
	*testing.T
	*bufio.Scanner
	all bytes.Buffer
}

type logLine struct{ Msg, Address string }

// logOf starts a daemon, which ends with the test, and returns its log.
func logOf(t *testing.T, c *exec.Cmd) *logLines {
	t.Helper()
	stderr, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGINT)
		_, _ = io.Copy(io.Discard, stderr)
		_ = c.Wait()
	})
	l := &logLines{T: t}
	l.Scanner = bufio.NewScanner(io.TeeReader(stderr, &l.all))
	return l
}

// until reads on until there is a line with that message.
func (l *logLines) until(msg string) logLine {
	l.Helper()
	for l.Scan() {
		var line logLine
		if json.Unmarshal(l.Bytes(), &line) == nil && line.Msg == msg {
			return line
		}
	}
	l.Fatalf("the daemon never says %q:\n%s", msg, &l.all)
	return logLine{}
}
