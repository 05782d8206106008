package deploy_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// TestPodLivesWhileGitIsAway but isn't ready: as the chart starts it, and by
// the questions that its probes and helm test ask.
func TestPodLivesWhileGitIsAway(t *testing.T) {
	t.Parallel()
	all := decode(t, render(t, "--values", minimal))
	pod := only[appsv1.Deployment](t, all).Spec.Template.Spec.Containers[0]
	asker := only[corev1.Pod](t, all).Spec.Containers[0]
	dir, metrics := t.TempDir(), freeAddress(t)
	here := strings.NewReplacer("/etc/policysync", dir, "/run/secrets", dir, "/var/lib/policysync", dir,
		"https://git.example.com/", "http://"+freeAddress(t)+"/", "127.0.0.1:8080", freeAddress(t), "0.0.0.0:8081", freeAddress(t),
		"0.0.0.0:9090", metrics, "access-policysync:9090", metrics)
	for name, text := range map[string]string{"policysync.yaml": all.config(t), "git-token": "x", "cloudflare-token": "x"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(here.Replace(text)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	daemon := exec.CommandContext(t.Context(), "policysync", replaced(here, pod.Args)...)
	var log strings.Builder
	daemon.Stderr = &log
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = daemon.Wait() // ended by the test's context
		if t.Failed() {
			t.Log(log.String())
		}
	})
	var asked result
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); <-time.After(50 * time.Millisecond) {
		if asked = run(t, "policysync", replaced(here, asker.Args)...); asked.err == nil {
			break
		}
	}
	if asked.err != nil {
		t.Errorf("helm test would say %v: %s%s", asked.err, asked.stdout, asked.stderr)
	}
	if got := ask(t, "http://"+metrics+pod.LivenessProbe.HTTPGet.Path, nil); !strings.Contains(got, "ok") {
		t.Errorf("the probe of liveness gets %q", got)
	}
	if got := ask(t, "http://"+metrics+pod.ReadinessProbe.HTTPGet.Path, nil); !strings.Contains(got, "production") {
		t.Errorf("the probe of readiness gets %q, though Git is away", got)
	}
}

func replaced(here *strings.Replacer, args []string) []string {
	var all []string
	for _, a := range args {
		all = append(all, here.Replace(a))
	}
	return all
}

// freeAddress returns an address of this machine at which nothing listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	free, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	return free.Addr().String()
}
