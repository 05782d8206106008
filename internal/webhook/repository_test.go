package webhook_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/policysync/policysync/internal/webhook"
)

func TestFormsOfOneRepositoryAreEqual(t *testing.T) {
	t.Parallel()
	for _, forms := range [][]string{
		{
			"https://git.example.com/security/access.git",
			"https://git.example.com/security/access",
			"https://git.example.com/security/access/",
			"https://git.example.com/security/access.git/",
			"https://git.example.com:443/security/access",
			"HTTPS://Git.Example.COM/security/access.git",
			"https://git.example.com/Security/Access.git",
			"https://git.example.com//security/./access",
			"https://user:password@git.example.com/security/access",
			"https://git.example.com/security/access?x=y#z",
			"https://git.example.com/security/%61ccess",
			"http://git.example.com/security/access",
			"http://git.example.com:80/security/access",
			"ssh://git@git.example.com/security/access.git",
			"ssh://git.example.com:22/security/access",
			"git+ssh://git@git.example.com/security/access",
			"git://git.example.com:9418/security/access",
			"git@git.example.com:security/access.git",
			"git@git.example.com:/security/access.git",
			"git.example.com:security/access",
		},
		{"https://git.example.com:8443/a", "https://git.example.com:8443/a.git", "ssh://git@git.example.com:8443/a"},
		{"https://git.example.com:8443/security/access"},
		{"https://git.example.com/security/access2"},
		{"https://git.example.org/security/access"},
		{"https://git.example.com/access"},
		{"ssh://[2001:db8::1]/a", "git@[2001:db8::1]:a.git", "https://[2001:DB8::1]:443/a"},
		{"ssh://git@git.example.com:7999/~ann/access.git", "ssh://git.example.com:7999/~ann/access"},
		{"/srv/git/access.git", "/srv/git/access", "/srv/git/access/", "/srv/git//access/.git", "file:///srv/git/access.git", "file://localhost/srv/git/access"},
		{"/srv/git/Access"},
		{"", "access", "./access", "../x", "https://", "https://git.example.com", "https://git.example.com/", "https://git.example.com/.git", "://", "https://git.example.com/%zz", "@:", "\x00"},
	} {
		for _, form := range forms {
			if got, want := webhook.NewRepository(form), webhook.NewRepository(forms[0]); got != want {
				t.Errorf("%s is %q, and %s is %q", form, got, forms[0], want)
			}
		}
		for _, other := range []string{"https://git.example.com/security/acces", "/srv/git/acces"} {
			if webhook.NewRepository(forms[0]) == webhook.NewRepository(other) {
				t.Errorf("%s is the same as %s", forms[0], other)
			}
		}
	}
}

func TestARelativePathOfATargetIsOfThisFolder(t *testing.T) {
	t.Parallel()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, webhook.Target{Name: "a", URL: "access", Ref: "refs/heads/main"})
	for repository, want := range map[string]webhook.Result{
		filepath.Join(here, "access"): webhook.Accepted, "access": webhook.IgnoredRepo, "": webhook.Malformed,
	} {
		body := generic(t, repository, "refs/heads/main")
		if got := w.send(webhook.Generic, body, signed(webhook.Generic, body, "")); got.Result != want {
			t.Errorf("%q is %s, want %s", repository, got.Result, want)
		}
	}
}

// FuzzRepository holds that what a name means doesn't change when it is written
// as it is meant.
func FuzzRepository(f *testing.F) {
	for _, seed := range []string{"https://a.example/b.git", "git@a.example:b", "/srv/b/.git", "file:///b", "ssh://[::1]:22/b", ".git:.git"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, location string) {
		got := webhook.NewRepository(location)
		if host, path, ok := strings.Cut(got, "/"); ok && host != "" && (path == "" || host != strings.ToLower(host)) {
			t.Errorf("%q means %q", location, got)
		}
	})
}
