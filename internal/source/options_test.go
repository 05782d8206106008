package source_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/policysync/policysync/internal/secret"
	"github.com/policysync/policysync/internal/source"
	"github.com/policysync/policysync/internal/source/githubapp"
)

const (
	noKey    = "ssh needs ssh_key_file, the private key that opens the repository: neither an agent nor ~/.ssh is asked"
	noHosts  = "ssh needs known_hosts_file, by which the server is recognised: ssh-keyscan prints the keys of example.com; compare them with what its operators publish"
	twoWays  = "there is more than one password: keep one of that in the URL, password_file and github_app"
	oneRef   = "set exactly one of branch, tag and commit"
	badURL   = "the URL cannot be parsed: percent-encode special characters, in user and password too"
	noPath   = "the URL must end with the path of a repository, without ? and #"
	noFolder = " must be a folder inside the repository, such as policies/prod"
)

var app = githubapp.App{ID: 1, InstallationID: 2, PrivateKey: secret.Source{File: "app.pem"}}

func withSSH(o *source.Options, url string) {
	o.URL, o.SSHKey.File, o.KnownHosts = url, "id", "known_hosts"
}

func TestNewGitChecksItsOptions(t *testing.T) {
	t.Parallel()
	commit := strings.Repeat("0123456789", 4)
	for name, c := range map[string]struct {
		change func(*source.Options)
		want   []string
	}{
		"nothing wrong":         {func(*source.Options) {}, nil},
		"http":                  {func(o *source.Options) { o.URL = "http://127.0.0.1:8080/a.git" }, nil},
		"upper-case scheme":     {func(o *source.Options) { o.URL = "HTTPS://example.com/a.git" }, nil},
		"IPv6":                  {func(o *source.Options) { o.URL = "https://[::1]:8443/a.git" }, nil},
		"file on localhost":     {func(o *source.Options) { o.URL = "file://localhost/srv/a.git" }, nil},
		"relative path":         {func(o *source.Options) { o.URL = "../a.git" }, nil},
		"path with a colon":     {func(o *source.Options) { o.URL = "./git@example.com:a.git" }, nil},
		"commit in upper case":  {func(o *source.Options) { o.Branch, o.Commit = "", strings.ToUpper(commit[:30])+"ABCDEFABCD" }, nil},
		"no URL":                {func(o *source.Options) { o.URL = "" }, []string{"no URL is set"}},
		"ssh":                   {func(o *source.Options) { withSSH(o, "ssh://git@example.com:2222/a.git") }, nil},
		"git+ssh":               {func(o *source.Options) { withSSH(o, "git+ssh://example.com/~me/a.git") }, nil},
		"scp-like":              {func(o *source.Options) { withSSH(o, "git@example.com:team/a.git") }, nil},
		"scp-like without user": {func(o *source.Options) { withSSH(o, "example.com:a.git") }, nil},
		"scp-like with IPv6":    {func(o *source.Options) { withSSH(o, "git@[::1]:team/a.git") }, nil},
		"scp-like without path": {func(o *source.Options) { withSSH(o, "git@example.com:") }, []string{"the URL looks like host:path, but no path follows (a path with a colon is written ./a:b)"}},
		"ssh with a password":   {func(o *source.Options) { withSSH(o, "ssh://git:hidden@example.com/a.git") }, []string{"an ssh URL has no password here: name the file of a key instead"}},
		"ssh without files":     {func(o *source.Options) { o.URL = "git@example.com:a.git" }, []string{noKey, noHosts}},
		"ssh with a password file": {func(o *source.Options) {
			withSSH(o, "git@example.com:a.git")
			o.Password.File = "x"
		}, []string{"password_file is of no use for this URL: leave it out"}},
		"https with a key": {func(o *source.Options) { o.SSHKey.File = "x" }, []string{"ssh_key_file is of no use for this URL: leave it out"}},
		"GitHub App":       {func(o *source.Options) { o.GitHubApp = app }, nil},
		"half a GitHub App": {func(o *source.Options) {
			o.GitHubApp = app
			o.GitHubApp.InstallationID = 0
		}, []string{"github_app needs all of app_id, installation_id and private_key_file"}},
		"GitHub App and password": {func(o *source.Options) { o.GitHubApp, o.Password.File = app, "x" }, []string{twoWays}},
		"git":                     {func(o *source.Options) { o.URL = "git://example.com/a.git" }, nil},
		"git with a user":         {func(o *source.Options) { o.URL = "git://me@example.com/a.git" }, []string{"a git:// URL has no user: nobody logs in there"}},
		"git with a password file": {
			func(o *source.Options) { o.URL, o.Password.File = "git://example.com/a.git", "x" },
			[]string{"password_file is of no use for this URL: leave it out"},
		},
		"bad port":              {func(o *source.Options) { o.URL = "https://example.com:70000/a.git" }, []string{"the URL's port is none: want 1 to 65535"}},
		"other scheme":          {func(o *source.Options) { o.URL = "ftp://example.com/a.git" }, []string{"the URL's scheme is unknown: use https, ssh, git, http, file, or a plain path"}},
		"no host":               {func(o *source.Options) { o.URL = "https:///a.git" }, []string{"the URL names no host"}},
		"no path":               {func(o *source.Options) { o.URL = "https://example.com" }, []string{noPath}},
		"query":                 {func(o *source.Options) { o.URL = "https://example.com/a.git?token=hidden" }, []string{noPath}},
		"file on another host":  {func(o *source.Options) { o.URL = "file://srv/a.git" }, []string{"a file URL names no host: write file:///path/of/the/repository"}},
		"raw slash in password": {func(o *source.Options) { o.URL = "https://me:hid/den@example.com/a.git" }, []string{badURL}},
		"raw % in password":     {func(o *source.Options) { o.URL = "https://me:hidden%zz@example.com/a.git" }, []string{badURL}},
		"two passwords": {func(o *source.Options) {
			o.URL, o.Password = "https://me:hidden@example.com/a.git", secret.Source{Env: "X"}
		}, []string{twoWays}},
		"no ref":          {func(o *source.Options) { o.Branch = "" }, []string{oneRef}},
		"two refs":        {func(o *source.Options) { o.Tag = "v1" }, []string{oneRef}},
		"short commit":    {func(o *source.Options) { o.Branch, o.Commit = "", "0123abc" }, []string{`commit "0123abc" is not a full hash of 40 hex digits`}},
		"no cache":        {func(o *source.Options) { o.CacheDir = "" }, []string{"no cache folder is set"}},
		"negative time":   {func(o *source.Options) { o.Timeout = -time.Second }, []string{"timeout -1s is negative"}},
		"absolute path":   {func(o *source.Options) { o.Path = "/policies" }, []string{`path "/policies"` + noFolder}},
		"path outside":    {func(o *source.Options) { o.Path = "a/../../b" }, []string{`path "a/../../b"` + noFolder}},
		"several at once": {func(o *source.Options) { *o = source.Options{Path: ".."} }, []string{"no URL is set", oneRef, "no cache folder is set", `path ".."` + noFolder}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := source.Options{URL: "https://example.com/a.git", Branch: "main", CacheDir: "git"}
			c.change(&o)
			_, err := source.NewGit(o)
			want := ""
			if c.want != nil {
				want = "set up the Git source: " + strings.Join(c.want, "\n")
			}
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != want {
				t.Errorf("error %q, want %q", got, want)
			}
			if strings.Contains(got, "hid") {
				t.Errorf("error %q has the password in it", got)
			}
		})
	}
}

// Nobody listens at port 1, so that every URL that is accepted fails at once.
func TestNoErrorEverContainsThePasswordOfTheURL(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		password := rapid.StringMatching(`Q[!-~]{4,12}Q`).Draw(t, "password")
		_, err := visit(t, "http://robot:"+password+"@127.0.0.1:1/access.git", dir)
		if err == nil {
			t.Fatal("nobody listens there")
		}
		if strings.Contains(err.Error(), password) {
			t.Fatalf("error %q contains the password %q", err, password)
		}
	})
}

func visit(t *rapid.T, url, dir string) (*source.Snapshot, error) {
	g, err := source.NewGit(source.Options{URL: url, Branch: "main", CacheDir: dir})
	if err != nil {
		return nil, err
	}
	return g.Fetch(t.Context())
}
