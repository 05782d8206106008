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

	"github.com/creack/pty"

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
	terminal, err := pty.StartWithSize(apply, &pty.Winsize{Rows: 24, Cols: 100})
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close() //nolint:errcheck // all has been read
	var screen bytes.Buffer
	var once sync.Once
	for buffer := make([]byte, 1024); ; {
		n, err := terminal.Read(buffer)
		screen.Write(buffer[:n])
		if bytes.Contains(screen.Bytes(), []byte("0 of 2 changes")) {
			once.Do(func() { close(seen) })
		}
		if err != nil {
			break // a terminal that its program has left gives an error, not an end
		}
	}
	if err := apply.Wait(); err != nil {
		t.Errorf("apply: %v", err)
	}
	for _, want := range []string{"\x1b[Ka: created\r\n", "b: created\r\n", "\r\x1b[KApplied: 2 created.\r\n"} {
		if !strings.Contains(screen.String(), want) {
			t.Errorf("the terminal got nothing of %q:\n%q", want, screen.String())
		}
	}
}
