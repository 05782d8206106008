//go:build release

package release_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestServiceRunsUnderSystemd boots systemd on a copy of this machine, installs
// the deb there, and has testdata/inside.sh look at the service.
func TestServiceRunsUnderSystemd(t *testing.T) {
	t.Parallel()
	own, err := os.Executable()
	check(t, err)
	things := t.TempDir()
	for from, to := range map[string]string{
		one(t, "policysync_*_amd64.deb"): "policysync.deb", own: "outside", "testdata/inside.sh": "inside.sh", "testdata/machine.yaml": "machine.yaml",
	} {
		output(t, "cp", from, filepath.Join(things, to))
	}
	said := output(t, "unshare", "--mount", "bash", "testdata/boot.sh", things, t.TempDir())
	if !strings.HasSuffix(said, "\nall is well\n") {
		t.Error(said)
	}
}
