package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/reconcile"
	"github.com/policysync/policysync/internal/state/sqlite"
)

// scale is a target of any size: manifests in a repository that git serves
// over http, a simulated account, and a state on disk.
type scale struct {
	testing.TB
	dir     string // holds the repository, the state and the config
	repo    string // the repository's URL
	api     string // the API's
	account *simulator.Account
	fetches atomic.Int64 // requests to git
}

// newScale returns a target of n policies in Git and none anywhere else.
func newScale(t testing.TB, n int, o simulator.Options) *scale {
	t.Helper()
	o.Limit = 1 << 30
	s := &scale{TB: t, dir: t.TempDir(), account: simulator.New(o)}
	account := httptest.NewServer(s.account)
	t.Cleanup(account.Close)
	s.api = account.URL
	s.serveGit()
	all := map[int]string{}
	for i := range n {
		all[i] = "example.com"
	}
	s.commit(all)
	text := fmt.Sprintf(`targets:
  - name: big
    account_id: %s
    source: {url: %s, path: policies}
    cloudflare: {base_url: %s, api_token_file: %s/token, requests_per_5m: 1200}
    mode: sync
    drift: heal
state: {url: sqlite://%s/state.db}
`, simulator.DefaultAccountID, s.repo, s.api, s.dir, s.dir)
	for name, content := range map[string]string{"policysync.yaml": text, "token": simulator.DefaultToken} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// newInSync returns a target of n policies that are as Git says and recorded.
func newInSync(t testing.TB, n int, o simulator.Options) *scale {
	t.Helper()
	s := newScale(t, n, o)
	records := make([]policy.Recorded, n)
	for i := range records {
		id, err := s.account.Seed(bodyOf(i, "example.com"))
		if err != nil {
			t.Fatal(err)
		}
		records[i] = policy.Recorded{
			Key: nameOf(i), ID: id, Sent: bodyOf(i, "example.com"), ReadBack: bodyOf(i, "example.com"),
			File: fileOf(i), Line: 1, CreatedAt: time.Now(), UpdatedAt: time.Now(),
		}
	}
	store := s.store()
	if err := store.Refresh(t.Context(), "big", records); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *scale) config() string { return filepath.Join(s.dir, "policysync.yaml") }

func nameOf(i int) string { return fmt.Sprintf("Policy %d", i) }

func fileOf(i int) string { return fmt.Sprintf("team-%d/policy-%d.yaml", i%100, i) }

// bodyOf returns the body that textOf declares.
func bodyOf(i int, domain string) policy.Policy {
	return policy.Policy{
		Name: nameOf(i), Decision: policy.Allow,
		Include: []policy.Rule{
			{Kind: "email_domain", Body: map[string]any{"domain": domain}},
			{Kind: "group", Body: map[string]any{"id": groupOf(i)}},
		},
		Require:  []policy.Rule{{Kind: "geo", Body: map[string]any{"country_code": "US"}}},
		Settings: map[string]any{"session_duration": "24h"},
	}
}

func textOf(i int, domain string) string {
	return fmt.Sprintf(`name: %s
decision: allow
include:
  - email_domain: {domain: %s}
  - group: {id: %s}
require:
  - geo: {country_code: US}
session_duration: 24h
`, nameOf(i), domain, groupOf(i))
}

func groupOf(i int) string { return fmt.Sprintf("f174e90a-fafe-4643-bbbc-%012d", i) }

// serveGit makes an empty repository and serves it.
func (s *scale) serveGit() {
	s.Helper()
	git, err := exec.LookPath("git")
	if err != nil {
		s.Fatal(err)
	}
	s.git("", "init", "--quiet", "--bare", "--initial-branch=main", s.dir+"/access.git")
	backend := &cgi.Handler{
		Path: git, Args: []string{"http-backend"}, Stderr: io.Discard,
		Env: []string{"GIT_PROJECT_ROOT=" + s.dir, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1"},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fetches.Add(1)
		backend.ServeHTTP(w, r)
	}))
	s.Cleanup(server.Close)
	s.repo = server.URL + "/access.git"
}

// commit writes the manifests of these numbers, which let in the people of a
// domain each, on top of what is there.
func (s *scale) commit(domains map[int]string) {
	s.Helper()
	var b strings.Builder
	b.WriteString("feature done\ncommit refs/heads/main\ncommitter Ada <ada@example.com> 1793613600 +0000\ndata 0\n")
	if s.git("", "for-each-ref") != "" {
		b.WriteString("from refs/heads/main^0\n")
	}
	for i, domain := range domains {
		text := textOf(i, domain)
		fmt.Fprintf(&b, "M 100644 inline policies/%s\ndata %d\n%s\n", fileOf(i), len(text), text)
	}
	b.WriteString("done\n")
	s.git(b.String(), "fast-import", "--quiet")
}

// git runs git in the repository and returns what it prints.
func (s *scale) git(input string, args ...string) string {
	s.Helper()
	c := exec.CommandContext(s.Context(), "git", append([]string{"--git-dir=" + s.dir + "/access.git"}, args...)...)
	c.Stdin = strings.NewReader(input)
	out, err := c.CombinedOutput()
	if err != nil {
		s.Fatalf("git %s: %v\n%s", args[0], err, out)
	}
	return string(out)
}

func (s *scale) store() *sqlite.Store {
	s.Helper()
	store, err := sqlite.Open(s.Context(), filepath.Join(s.dir, "state.db"))
	if err != nil {
		s.Fatal(err)
	}
	return store
}

// reconciler returns what the daemon would run for the target.
func (s *scale) reconciler(sink event.Sink) *reconcile.Reconciler {
	s.Helper()
	a := &app{env: func(string) (string, bool) { return "", false }}
	cfg, err := config.Load(s.config(), a.env)
	if err != nil {
		s.Fatal(err)
	}
	store := s.store()
	s.Cleanup(func() {
		if err := store.Close(); err != nil {
			s.Error(err)
		}
	})
	all, err := workshop{a, budgetsBeside(cfg.State), store, nil, sink}.reconcilers(cfg)
	if err != nil {
		s.Fatal(err)
	}
	return all[0]
}
