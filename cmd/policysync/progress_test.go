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
)

// TestApplyShowsProgressOnATerminal holds the first create up until the line
// that tells of it is there.
func TestApplyShowsProgressOnATerminal(t *testing.T) {
	t.Parallel()
	account, seen := simulator.New(simulator.Options{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			<-seen
		}
		account.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	for _, name := range []string{"a", "b"} {
		manifest := "name: " + name + "\ndecision: allow\ninclude: [{everyone: {}}]\n"
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(manifest), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	apply := exec.CommandContext(t.Context(), "policysync", "apply", "--yes", "--dir", dir)
	apply.Env = append(os.Environ(), "XDG_STATE_HOME="+t.TempDir(), "CLOUDFLARE_BASE_URL="+server.URL+"/client/v4",
		"CLOUDFLARE_API_TOKEN="+simulator.DefaultToken, "CLOUDFLARE_ACCOUNT_ID="+simulator.DefaultAccountID)
	var once sync.Once
	screen := onTerminal(t, apply, func(_ *os.File, screen []byte) {
		if bytes.Contains(screen, []byte("0 of 2 changes")) {
			once.Do(func() { close(seen) })
		}
	})
	for _, want := range []string{"\x1b[Ka: created\r\n", "b: created\r\n", "\r\x1b[KApplied: 2 created.\r\n"} {
		if !strings.Contains(screen, want) {
			t.Errorf("the terminal got nothing of %q:\n%q", want, screen)
		}
	}
}
