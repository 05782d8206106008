package webhook_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/secret"
	"github.com/policysync/policysync/internal/webhook"
)

// TestRecordedPayloads sends what hosts have sent to a target that follows what
// was pushed to.
func TestRecordedPayloads(t *testing.T) {
	t.Parallel()
	const branch, tag = "refs/heads/master", "refs/tags/simple-tag"
	hello := "ssh://git@github.com/codertocat/hello-world"
	sample := "https://user@GitHub.com:443/binkkatal/sample_app/"
	diaspora := "git@example.com:mike/diaspora.git"
	dataCenter := "ssh://git@server.bitbucket.local:7999/~gopher/webhook-test.git"
	for _, tc := range []struct {
		provider        webhook.Provider
		file, event     string
		url, ref        string
		result          webhook.Result
		commit, pusher  string
		pushedAt, where string
	}{
		{webhook.GitHub, "push", "push", sample, branch, webhook.Accepted, "fd489864e7642b48eaad6e3f155c10e46810ec72", "binkkatal", "2018-06-29T14:04:35Z", ""},
		{webhook.GitHub, "forced_push", "push", sample, branch, webhook.Accepted, "fd489864e7642b48eaad6e3f155c10e46810ec72", "binkkatal", "2018-06-29T14:04:35Z", ""},
		{webhook.GitHub, "first_push", "push", hello, branch, webhook.Accepted, "6113728f27ae82c7b1a177c8d03f9e96e0adf246", "Codertocat", "2019-05-15T15:20:57Z", ""},
		{webhook.GitHub, "tag_push", "push", hello, tag, webhook.Accepted, "6113728f27ae82c7b1a177c8d03f9e96e0adf246", "Codertocat", "2019-05-15T15:20:57Z", ""},
		{webhook.GitHub, "create", "create", hello, tag, webhook.Accepted, "", "Codertocat", "", ""},
		{webhook.GitHub, "create", "create", hello, "refs/heads/simple-tag", webhook.IgnoredRef, "", "", "", "no target follows refs/tags/simple-tag"},
		{webhook.GitHub, "tag_deleted_push", "push", hello, tag, webhook.IgnoredRef, "", "", "", "was deleted"},
		{webhook.GitHub, "delete", "delete", hello, tag, webhook.IgnoredRef, "", "", "", "was deleted"},
		{webhook.GitHub, "ping", "ping", hello, branch, webhook.Accepted, "", "", "", "a ping"},
		{webhook.GitHub, "issues", "issues", "https://github.com/baxterthehacker/public-repo", branch, webhook.IgnoredRef, "", "", "", `"issues" is no push`},
		{webhook.GitHub, "push", "push", hello, branch, webhook.IgnoredRepo, "", "", "", "https://github.com/binkkatal/sample_app.git"},
		{webhook.GitHub, "push", "push", sample, "refs/heads/main", webhook.IgnoredRef, "", "", "", "no target follows refs/heads/master"},
		{webhook.GitHub, "push", "push", sample, "", webhook.IgnoredRef, "", "", "", "no target follows refs/heads/master"},
		{webhook.GitLab, "push", "Push Hook", diaspora, branch, webhook.Accepted, "da1560886d4f094c3e6c9ef40349f7d38b5d27d7", "John Smith", "", ""},
		{webhook.GitLab, "system_push", "System Hook", diaspora, branch, webhook.Accepted, "da1560886d4f094c3e6c9ef40349f7d38b5d27d7", "John Smith", "", ""},
		{webhook.GitLab, "tag", "Tag Push Hook", "http://example.com/jsmith/example", "refs/tags/v1.0.0", webhook.Accepted, "82b3d5ae55f7080f1e6022629cdb57bfae7cccc7", "John Smith", "", ""},
		{webhook.GitLab, "system_tag", "System Hook", "http://example.com/jsmith/example", "refs/tags/v1.0.0", webhook.Accepted, "82b3d5ae55f7080f1e6022629cdb57bfae7cccc7", "John Smith", "", ""},
		{webhook.GitLab, "issue", "Issue Hook", "http://example.com/gitlabhq/gitlab-test", branch, webhook.IgnoredRef, "", "", "", "is no push"},
		{webhook.Gitea, "push", "push", "git@localhost:example/example", branch, webhook.Accepted, "67b56589a45103f891bdee7c0546e5d40bc02001", "example", "", ""},
		{webhook.Gitea, "create", "create", "http://localhost:3000/example/example", branch, webhook.Accepted, "67b56589a45103f891bdee7c0546e5d40bc02001", "example", "", ""},
		{webhook.Gitea, "delete", "delete", "http://localhost:3000/example/example", "refs/heads/example3", webhook.IgnoredRef, "", "", "", "was deleted"},
		{webhook.Gogs, "push", "push", "ssh://git@localhost:2222/gopher/webhooks", "refs/heads/develop", webhook.Accepted, "bffeb74224043ba2feb48d137756c8a9331c449a", "gopher", "", ""},
		{webhook.Gogs, "create", "create", "git@gogs.example.com:user/repo.git", "refs/heads/feature-branch", webhook.Accepted, "", "", "", ""},
		{webhook.Gogs, "delete", "delete", "git@gogs.example.com:user/repo.git", "refs/heads/obsolete-branch", webhook.IgnoredRef, "", "", "", "was deleted"},
		{webhook.Bitbucket, "cloud_push", "repo:push", "git@bitbucket.org:team_name/repo_name.git", "refs/heads/name-of-branch", webhook.Accepted, "709d658dc5b6d6afcd46049c2f332ee3f515a67d", "emmap1", "", ""},
		{webhook.Bitbucket, "cloud_updated", "repo:updated", "git@bitbucket.org:team_name/repo_name.git", branch, webhook.IgnoredRef, "", "", "", "is no push"},
		{webhook.Bitbucket, "server_push", "repo:refs_changed", dataCenter, "refs/heads/feature/wip", webhook.Accepted, "178864a7d521b6f5e720b386b2c2b0ef8563e0dc", "gopher", "2019-03-01T09:37:14Z", ""},
		{webhook.Bitbucket, "server_delete", "repo:refs_changed", dataCenter, "refs/heads/feature/wip", webhook.IgnoredRef, "", "", "", "was deleted"},
	} {
		t.Run(string(tc.provider)+" "+tc.file+" for "+tc.url+" "+tc.ref, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, webhook.Target{Name: "production", URL: tc.url, Ref: tc.ref}, webhook.Target{Name: "other", URL: "https://example.org/other", Ref: tc.ref})
			body := payload(t, string(tc.provider)+"/"+tc.file+".json")
			began := time.Now()
			got := w.send(tc.provider, body, signed(tc.provider, body, tc.event))
			if got.Status != 202 || got.Result != tc.result || !strings.Contains(got.Reason, tc.where) {
				t.Fatalf("answer %+v, want 202 %s, because %q", got, tc.result, tc.where)
			}
			if tc.where != "" {
				if len(w.woken) > 0 || len(got.Woken) > 0 {
					t.Errorf("woken: %q, told: %q", w.woken, got.Woken)
				}
				return
			}
			if d := cmp.Diff([]string{"production"}, w.woken); d != "" || cmp.Diff(w.woken, got.Woken) != "" {
				t.Fatalf("woken, told %q (-want +got):\n%s", got.Woken, d)
			}
			p := w.pushes[0]
			if p.Ref != tc.ref || p.Commit != tc.commit || p.Pusher != tc.pusher {
				t.Errorf("push %+v, want %s %s by %s", p, tc.ref, tc.commit, tc.pusher)
			}
			if at := p.At.UTC().Format(time.RFC3339); tc.pushedAt != "" && at != tc.pushedAt {
				t.Errorf("pushed at %s, want %s", at, tc.pushedAt)
			}
			if tc.pushedAt == "" && (p.At.Before(began) || p.At.After(time.Now())) {
				t.Errorf("pushed at %s, want the time of receipt", p.At)
			}
		})
	}
}

func TestOnePushOfManyRefsWakesEachFollowerOnce(t *testing.T) {
	t.Parallel()
	const url = "https://git.example.com/security/access"
	w := newWorld(t,
		webhook.Target{Name: "main", URL: url, Ref: "refs/heads/main"},
		webhook.Target{Name: "stage", URL: "git@git.example.com:security/access.git", Ref: "refs/heads/stage"},
		webhook.Target{Name: "stage-too", URL: url + ".git", Ref: "refs/heads/stage"},
		webhook.Target{Name: "gone", URL: url, Ref: "refs/heads/gone"},
		webhook.Target{Name: "asleep", URL: url, Ref: "refs/heads/stage"},
	)
	w.suspended = "asleep"
	body := []byte(`{"event_name": "repository_update", "project": {"git_http_url": "` + url + `", "web_url": "` + url + `"}, "changes": [
		{"ref": "refs/heads/gone", "after": "0000000000000000000000000000000000000000"},
		{"ref": "refs/heads/main", "after": "a"}, {"ref": "refs/heads/stage", "after": "b"}, {"ref": "refs/heads/stage", "after": "b"}]}`)
	got := w.send(webhook.GitLab, body, signed(webhook.GitLab, body, "System Hook"))
	want := answer{Status: 202, Result: webhook.Accepted, Woken: []string{"main", "stage", "stage-too"}, Suspended: []string{"asleep"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("answer (-want +got):\n%s", d)
	}
}

func TestASuspendedTargetIsNamedAndNotWoken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, webhook.Target{Name: "asleep", URL: "/srv/access", Ref: "refs/heads/main"})
	w.suspended = "asleep"
	body := generic(t, "/srv/access.git", "refs/heads/main")
	got := w.send(webhook.Generic, body, signed(webhook.Generic, body, ""))
	want := answer{Status: 202, Result: webhook.Accepted, Woken: []string{}, Suspended: []string{"asleep"}, Reason: "whoever follows it is suspended"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("answer (-want +got):\n%s", d)
	}
}

func TestMalformedPayloads(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		provider    webhook.Provider
		event, body string
	}{
		"no JSON":             {webhook.GitHub, "push", `ref=refs/heads/main`},
		"cut":                 {webhook.GitHub, "push", `{"ref": "refs/heads/main", "repository": {`},
		"empty":               {webhook.GitHub, "push", ``},
		"two objects":         {webhook.GitHub, "push", `{"ref": "a"} {"ref": "b"}`},
		"a list":              {webhook.GitHub, "push", `[]`},
		"another type":        {webhook.GitHub, "push", `{"ref": 7, "repository": {"url": "https://a.example/b"}}`},
		"no repository":       {webhook.GitHub, "push", `{"ref": "refs/heads/main"}`},
		"no ref":              {webhook.Gogs, "push", `{"repository": {"clone_url": "https://a.example/b"}}`},
		"null":                {webhook.Generic, "", `null`},
		"no project":          {webhook.GitLab, "Push Hook", `{"object_kind": "push", "ref": "refs/heads/main"}`},
		"GitLab without ref":  {webhook.GitLab, "Push Hook", `{"object_kind": "push", "project": {"web_url": "https://a.example/b"}}`},
		"changes of no refs":  {webhook.GitLab, "System Hook", `{"event_name": "repository_update", "changes": 1}`},
		"no changes":          {webhook.Bitbucket, "repo:push", `{"repository": {"links": {"html": {"href": "https://bitbucket.org/a/b"}}}, "push": {"changes": []}}`},
		"changes of no list":  {webhook.Bitbucket, "repo:refs_changed", `{"changes": {}}`},
		"deeper than allowed": {webhook.GitHub, "push", strings.Repeat("[", 20_000)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			got := w.send(tc.provider, []byte(tc.body), signed(tc.provider, []byte(tc.body), tc.event))
			if got.Status != 400 || got.Result != webhook.Malformed || got.Error == "" {
				t.Errorf("answer %+v, want 400 malformed", got)
			}
		})
	}
}

// FuzzGitHub feeds GitHub's parser, which is that of Gitea, Gogs and the
// generic receiver, too.
func FuzzGitHub(f *testing.F) {
	fuzz(f, webhook.GitHub, "push", "create", "delete", "ping", "issues", "")
}

func FuzzGitLab(f *testing.F) { fuzz(f, webhook.GitLab, "Push Hook") }

func FuzzBitbucket(f *testing.F) {
	fuzz(f, webhook.Bitbucket, "repo:push", "repo:refs_changed", "repo:updated", "diagnostics:ping", "")
}

// recorded returns the payloads of a provider.
func recorded(t testing.TB, provider webhook.Provider) [][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", string(provider), "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no payloads: %v", err)
	}
	var all [][]byte
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text)
	}
	return all
}

// fuzz sends any payload under the right signature: whatever it says, it is
// answered, and wakes at most who follows a ref of the repository.
func fuzz(f *testing.F, provider webhook.Provider, events ...string) {
	f.Helper()
	for _, body := range recorded(f, provider) {
		for i := range events {
			f.Add(body, i)
		}
	}
	file := newWorld(f).secretFile
	f.Fuzz(func(t *testing.T, body []byte, event int) {
		if event < 0 || event >= len(events) {
			return
		}
		w := &world{TB: t, secretFile: file}
		w.Handler = webhook.Handler(webhook.Options{
			Secrets: always(map[webhook.Provider][]secret.Source{provider: {{File: file}}}), Waker: w, Observe: w.observe,
			Targets: always([]webhook.Target{{Name: "a", URL: "https://github.com/Codertocat/Hello-World", Ref: "refs/heads/master"}}),
		})
		got := w.send(provider, body, signed(provider, body, events[event]))
		switch {
		case got.Status == 400 && got.Result == webhook.Malformed:
		case got.Status == 202 && (len(got.Woken) > 0) != (got.Reason == ""):
			t.Errorf("answer %+v says neither who was woken nor why nobody", got)
		case got.Status != 202:
			t.Errorf("answer %+v", got)
		}
	})
}
