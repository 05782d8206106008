package main

import (
	"bytes"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creack/pty"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
)

func TestColourIsForTerminalsUnlessItIsTurnedOff(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(simulator.New(simulator.Options{}))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.yaml"), []byte("name: A\ndecision: allow\ninclude: [{everyone: {}}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		flags    []string
		noColour string
		coloured bool
	}{
		"a terminal":           {coloured: true},
		"NO_COLOR is set":      {noColour: "1"},
		"--no-color":           {flags: []string{"--no-color"}},
		"JSON is for programs": {flags: []string{"--format", "json"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plan := exec.CommandContext(t.Context(), "policysync", append([]string{"plan", "--dir", dir}, tc.flags...)...)
			plan.Env = append(os.Environ(), "XDG_STATE_HOME="+t.TempDir(), "CLOUDFLARE_BASE_URL="+server.URL+"/client/v4", "NO_COLOR="+tc.noColour,
				"CLOUDFLARE_API_TOKEN="+simulator.DefaultToken, "CLOUDFLARE_ACCOUNT_ID="+simulator.DefaultAccountID)
			screen := onTerminal(t, plan, func(*os.File, []byte) {})
			if !strings.Contains(screen, "create") || strings.Contains(screen, "\x1b[") != tc.coloured {
				t.Errorf("colour: want %t, got\n%q", tc.coloured, screen)
			}
		})
	}
}

// onTerminal runs a command on a terminal, tells see after each piece what the
// terminal shows by then, and returns all that it showed.
func onTerminal(t *testing.T, command *exec.Cmd, see func(terminal *os.File, screen []byte)) string {
	t.Helper()
	terminal, err := pty.StartWithSize(command, &pty.Winsize{Rows: 24, Cols: 100})
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close() //nolint:errcheck // all has been read
	var screen bytes.Buffer
	for buffer := make([]byte, 1024); ; {
		n, err := terminal.Read(buffer)
		screen.Write(buffer[:n])
		if err != nil {
			break // a terminal that its program has left gives an error, not an end
		}
		see(terminal, screen.Bytes())
	}
	if err := command.Wait(); err != nil {
		t.Errorf("%v: %v\n%s", command.Args, err, screen.String())
	}
	return screen.String()
}
