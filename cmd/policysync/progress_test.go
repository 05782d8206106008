package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/policy"
)

// heldUp runs a command on a terminal, holds requests to the account up until
// a line is there, and returns all that the terminal got.
func heldUp(t *testing.T, account http.Handler, held func(*http.Request) bool, line string, args ...string) string {
	t.Helper()
	seen := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if held(r) {
			<-seen
		}
		account.ServeHTTP(w, r)
	}))
	defer server.Close()
	command := exec.CommandContext(t.Context(), "policysync", args...)
	command.Env = append(os.Environ(), "XDG_STATE_HOME="+t.TempDir(), "CLOUDFLARE_BASE_URL="+server.URL+"/client/v4",
		"CLOUDFLARE_API_TOKEN="+simulator.DefaultToken, "CLOUDFLARE_ACCOUNT_ID="+simulator.DefaultAccountID)
	var once sync.Once
	show := func() { once.Do(func() { close(seen) }) }
	defer show()
	return onTerminal(t, command, func(_ *os.File, screen []byte) {
		if bytes.Contains(screen, []byte(line)) {
			show()
		}
	})
}

// shows fails the test unless the terminal got each of these.
func shows(t *testing.T, screen string, wanted ...string) {
	t.Helper()
	for _, want := range wanted {
		if !strings.Contains(screen, want) {
			t.Errorf("the terminal got nothing of %q:\n%q", want, screen)
		}
	}
}

func TestApplyShowsProgressOnATerminal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"a", "b"} {
		manifest := "name: " + name + "\ndecision: allow\ninclude: [{everyone: {}}]\n"
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(manifest), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	creates := func(r *http.Request) bool { return r.Method == http.MethodPost }
	screen := heldUp(t, simulator.New(simulator.Options{}), creates, "0 of 2 changes", "apply", "--yes", "--dir", dir)
	shows(t, screen, "\x1b[Ka: created\r\n", "b: created\r\n", "\r\x1b[KApplied: 2 created.\r\n")
}

func TestExportShowsProgressOnATerminal(t *testing.T) {
	t.Parallel()
	account := simulator.New(simulator.Options{})
	staff := policy.Rule{Kind: "group", Body: map[string]any{"id": account.Add(policy.ToGroup, "Staff")}}
	if _, err := account.Seed(policy.Policy{Name: "a", Decision: policy.Allow, Include: []policy.Rule{staff}}); err != nil {
		t.Fatal(err)
	}
	groups := func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/access/groups") }
	screen := heldUp(t, account, groups, "1 of 2 lists", "export", "--out", t.TempDir())
	shows(t, screen, "\r\x1b[KExported 1 policy to ", "Recorded 1 policy as ours.\r\n")
}
