//go:build release

package release_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// hardened fails the test unless systemd understands all of the unit and finds
// it exposed by at most 2.0 of 10.
func hardened(t *testing.T, unit, program string) {
	t.Helper()
	text, err := os.ReadFile(unit)
	check(t, err)
	const command = "\nExecStart=policysync run "
	if !strings.Contains(string(text), command) {
		t.Fatalf("it starts something else: %s", text)
	}
	// where systemd would look for it, this machine doesn't have it
	there := strings.Replace(string(text), command, "\nExecStart="+program+" run ", 1)
	copied := filepath.Join(t.TempDir(), "policysync.service")
	check(t, os.WriteFile(copied, []byte(there), 0o600))
	if said := output(t, "systemd-analyze", "verify", "--man=no", copied); said != "" {
		t.Error(said)
	}
	output(t, "systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=20", copied)
}
