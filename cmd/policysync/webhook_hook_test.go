//go:build system

package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/webhook"
)

// TestAPushIsLiveAtOnce pushes to a repository with the hook that
// docs/webhooks.md shows.
func TestAPushIsLiveAtOnce(t *testing.T) {
	t.Parallel()
	s := newScale(t, 3, simulator.Options{})
	bare := filepath.Join(s.dir, "access.git")
	r := s.receive(bare+"/", nil)
	for range 3 {
		<-r.live
	}
	s.install(r.url)
	clone := filepath.Join(s.dir, "clone")
	git := func(args ...string) string {
		t.Helper()
		c := exec.CommandContext(t.Context(), "git", append([]string{"-C", clone, "-c", "user.name=Ann", "-c", "user.email=ann@example.com"}, args...)...)
		c.Env = append(os.Environ(), "PATH=/usr/local/bin:/usr/bin:/bin") // with the real curl
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	if out, err := exec.CommandContext(t.Context(), "git", "clone", "--quiet", bare, clone).CombinedOutput(); err != nil {
		t.Fatalf("git clone: %v\n%s", err, out)
	}
	if err := os.WriteFile(filepath.Join(clone, "policies", "new.yaml"), []byte(textOf(7, "example.net")), 0o600); err != nil {
		t.Fatal(err)
	}
	git("add", ".")
	git("commit", "--quiet", "--message=Let them in")
	before := time.Now()
	if said := git("push", "origin", "HEAD:main", "HEAD:refs/heads/other"); !strings.Contains(said, `{"result":"accepted","woken":["big"]}`) ||
		!strings.Contains(said, `no target follows refs/heads/other`) {
		t.Errorf("the hook says %s", said)
	}
	<-r.live
	done := <-r.ended
	commit := strings.TrimSpace(git("rev-parse", "HEAD"))
	if done.Trigger != event.Webhook || done.Result != event.Success || done.Commit != commit || done.ToLive <= 0 || done.ToLive > time.Since(before) {
		t.Errorf("run %+v, want one of %s by a webhook, live within %s", done, commit, time.Since(before))
	}
	if got := r.all[0]; got.Commit != commit || got.Ref != "refs/heads/main" {
		t.Errorf("the delivery is told as %+v", got)
	}
	metrics := answerTo(http.MethodGet, r.url+"/metrics", "", "")
	for _, result := range webhook.Results() {
		n := map[webhook.Result]int{webhook.Accepted: 1, webhook.IgnoredRef: 1}[result]
		if want := fmt.Sprintf("policysync_webhook_requests_total{provider=\"generic\",result=%q} %d\n", result, n); !strings.Contains(metrics, want) {
			t.Errorf("there is no %s", want)
		}
	}
	if strings.Contains(metrics, `provider="github"`) {
		t.Error("a provider without a receiver has series")
	}
	s.git("", "config", "receive.denyDeleteCurrent", "ignore")
	git("push", "--quiet", "origin", ":main")
	if got := answerTo(http.MethodGet, r.url+"/metrics", "", ""); !strings.Contains(got, `result="ignored_ref"} 2`) || s.account.Count("delete") != 0 {
		t.Errorf("%d deletes, and metrics are\n%s", s.account.Count("delete"), got)
	}
}

// install installs the documented hook, for this server.
func (s *scale) install(server string) {
	s.Helper()
	all := blocks(s, filepath.Join(root, "docs", "webhooks.md"))
	i := slices.IndexFunc(all, func(block [2]string) bool { return strings.HasPrefix(block[1], "#!/bin/sh") })
	if i < 0 {
		s.Fatal("docs/webhooks.md has no hook")
	}
	hook := strings.NewReplacer("https://policysync.example.com", server, "/etc/git/policysync-webhook", filepath.Join(s.dir, "webhook-secret")).Replace(all[i][1])
	if err := os.WriteFile(filepath.Join(s.dir, "access.git", "hooks", "post-receive"), []byte(hook+"\n"), 0o700); err != nil {
		s.Fatal(err)
	}
}
