package source_test

import (
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/policysync/policysync/internal/source"
)

// How long it takes to find that nothing has changed, against `git ls-remote`
// of the same server.
func BenchmarkUnchangedAgainstLsRemote(b *testing.B) {
	r := newRepository(b, files{"a.yaml": "1"})
	all := map[string]source.Options{"http": {URL: newServer(b, r).repo()}, "git": {URL: gitDaemon(b, r)}}
	for _, ssh := range bySSH(b, r, nil) {
		all["ssh"] = ssh
	}
	for way, o := range all {
		b.Run(way, func(b *testing.B) {
			o.Branch, o.CacheDir = "main", b.TempDir()
			g := newGit(b, o)
			fetch(b, g)
			var ratios []float64
			for b.Loop() {
				began := time.Now()
				fetch(b, g)
				ours := time.Since(began)
				peer := exec.CommandContext(b.Context(), "git", "ls-remote", o.URL, "refs/heads/main")
				peer.Env = append(os.Environ(), "GIT_SSH_COMMAND=ssh -F none -i "+o.SSHKey.File+" -o UserKnownHostsFile="+o.KnownHosts)
				if out, err := peer.CombinedOutput(); err != nil {
					b.Fatalf("%v: %s", err, out)
				}
				ratios = append(ratios, ours.Seconds()/(time.Since(began)-ours).Seconds())
			}
			slices.Sort(ratios)
			b.ReportMetric(ratios[len(ratios)/2], "×ls-remote")
		})
	}
}
