package config_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/guard"
	"github.com/policysync/policysync/internal/secret"
)

// minimal is the shortest config there is.
const minimal = `targets:
  - name: production
    account_id: 023e105f4ecef8ad9ca31a8372d0c353
    source:
      url: https://git.example.com/access.git
`

func parse(t *testing.T, text string, vars map[string]string) *config.Config {
	t.Helper()
	c, err := config.Parse("policysync.yaml", []byte(text), env(vars))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func atHome() config.Env { return env(map[string]string{"HOME": "/home/me", "SECRET": hidden}) }

func schedule(t *testing.T, text string) config.Schedule {
	t.Helper()
	s, err := config.ParseSchedule(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sameSchedule() cmp.Option {
	return cmp.Comparer(func(a, b config.Schedule) bool {
		now := time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)
		return a.String() == b.String() && a.Next(now).Equal(b.Next(now))
	})
}

func defaults(t *testing.T) *config.Config {
	t.Helper()
	return &config.Config{
		Targets: []config.Target{{
			Name:      "production",
			AccountID: "023e105f4ecef8ad9ca31a8372d0c353",
			Source: config.Source{
				URL: "https://git.example.com/access.git", Branch: "main", Path: "policies",
				Auth: config.Auth{Username: "git"},
			},
			Cloudflare: config.Cloudflare{
				APIToken:      secret.Source{Env: "CLOUDFLARE_API_TOKEN"},
				APIKey:        secret.Source{Env: "CLOUDFLARE_API_KEY"},
				BaseURL:       "https://api.cloudflare.com/client/v4",
				RequestsPer5m: 600,
			},
			Mode: diff.CreateOnly, Adopt: diff.AdoptIdentical, Drift: diff.DriftReport,
			Schedule:      schedule(t, "@every 1m"),
			FullListEvery: 10 * time.Minute,
			Limits:        config.Limits{MaxChanges: 50, MaxDeletes: 10, MinPolicies: 10},
		}},
		State:  config.State{URL: "sqlite:///home/me/.local/state/policysync/state.db", HistoryRetention: 400},
		Server: config.Server{Listen: "127.0.0.1:8080"},
		Log:    config.Log{Level: config.LevelInfo, Format: config.FormatJSON},
	}
}

func TestWhatIsLeftOutHasItsDefault(t *testing.T) {
	t.Parallel()
	got := parse(t, minimal, map[string]string{"HOME": "/home/me"})
	if diff := cmp.Diff(defaults(t), got, sameSchedule()); diff != "" {
		t.Error(diff)
	}
}

// The sample has every key, with its default where it has one.
func TestSampleHasTheDefaults(t *testing.T) {
	t.Parallel()
	got, err := config.Load("testdata/policysync.yaml", env(nil))
	if err != nil {
		t.Fatal(err)
	}
	want := defaults(t)
	want.Targets[0].Source.URL = "https://git.example.com/security/access.git"
	want.Targets[0].Source.Auth.Password = secret.Source{File: "/run/secrets/git-token"}
	want.Targets[0].Cloudflare.APIToken.File = "/run/secrets/cloudflare-token"
	want.Targets[0].Vars = config.Vars{"env": "production", "approvals": json.Number("2")}
	want.State.URL = "sqlite:///var/lib/policysync/state.db"
	if diff := cmp.Diff(want, got, sameSchedule()); diff != "" {
		t.Error(diff)
	}
}

func TestEveryKeyReachesItsField(t *testing.T) {
	t.Parallel()
	got := parse(t, `
targets:
  - name: staging-1
    account_id: "00000000000000000000000000000001"
    source:
      url: file:///srv/access.git
      tag: 1.0
      path: ./access/policies/
      auth: {username: robot, password_file: /p}
    cloudflare:
      email: ops@example.com
      api_key_file: /k
      base_url: http://127.0.0.1:9000/client/v4
      requests_per_5m: 1200
    mode: sync
    adopt: never
    drift: heal
    schedule: CRON_TZ=Europe/Berlin 30 6 * * MON-FRI
    full_list_every: 1h30m
    limits: {max_changes: 100%, max_deletes: 0%, min_policies: 0}
state: {url: "sqlite:///srv/state%20file.db"}
freeze: [widening, all, widening]
server: {listen: "[::1]:0"}
log: {level: error, format: console}
`, nil)
	want := &config.Config{
		Targets: []config.Target{{
			Name:      "staging-1",
			AccountID: "00000000000000000000000000000001",
			Source: config.Source{
				URL: "file:///srv/access.git", Tag: "1.0", Path: "access/policies",
				Auth: config.Auth{Username: "robot", Password: secret.Source{File: "/p"}},
			},
			Cloudflare: config.Cloudflare{
				Email:         "ops@example.com",
				APIKey:        secret.Source{File: "/k", Env: "CLOUDFLARE_API_KEY"},
				BaseURL:       "http://127.0.0.1:9000/client/v4",
				RequestsPer5m: 1200,
			},
			Mode: diff.Sync, Adopt: diff.AdoptNever, Drift: diff.DriftHeal,
			Schedule:      schedule(t, "CRON_TZ=Europe/Berlin 30 6 * * MON-FRI"),
			FullListEvery: 90 * time.Minute,
			Limits:        config.Limits{MaxChanges: 100},
		}},
		State:  config.State{URL: "sqlite:///srv/state%20file.db", HistoryRetention: 400},
		Freeze: []guard.Switch{guard.FreezeAll, guard.FreezeWidening},
		Server: config.Server{Listen: "[::1]:0"},
		Log:    config.Log{Level: config.LevelError, Format: config.FormatConsole},
	}
	if diff := cmp.Diff(want, got, sameSchedule()); diff != "" {
		t.Error(diff)
	}
	if got, want := got.State.Path(), "/srv/state file.db"; got != want {
		t.Errorf("the state's file is %q, want %q", got, want)
	}
}

func TestHarmlessFormsLoad(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"windows line ends": strings.ReplaceAll(minimal, "\n", "\r\n"),
		"byte order mark":   "\ufeff" + minimal,
		"document marks":    "---\n" + minimal + "...\n",
		"closing mark":      minimal + "---\n",
		"sections without keys": minimal + `
    cloudflare:
    limits: # {max_changes: 50%}
state:
freeze:
server:
  webhooks:
log: {}
`,
		"empty where that means not set": minimal + `
      tag: ""
      auth: {ssh_key_file: "", github_app: {app_id: 0}}
    cloudflare: {email: "", api_key_file: "", base_url: ""}
state: {url: ""}
`,
		"JSON": `{"targets": [{"name": "production", "account_id": "023e105f4ecef8ad9ca31a8372d0c353",
			"source": {"url": "https://git.example.com/access.git"}}]}`,
	} {
		got := parse(t, text, map[string]string{"HOME": "/home/me"})
		if diff := cmp.Diff(defaults(t), got, sameSchedule()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestReceiversThatHaveASecretAreConfigured(t *testing.T) {
	t.Parallel()
	got := parse(t, minimal+"server: {webhooks: {github: {secret_files: [a, b]}, gitlab: {secret_files: []}, generic: {secret_files: [c]}}}\n", map[string]string{"HOME": "/home/me"})
	want := map[string][]secret.Source{"github": {{File: "a"}, {File: "b"}}, "generic": {{File: "c"}}}
	if diff := cmp.Diff(want, got.Server.Webhooks.Configured()); diff != "" {
		t.Error(diff)
	}
}

func TestTargetsShareWhatIsAnchored(t *testing.T) {
	t.Parallel()
	got := parse(t, `
targets:
  - &production
    name: production
    account_id: 023e105f4ecef8ad9ca31a8372d0c353
    source: &git {url: https://git.example.com/access.git}
    mode: sync
  - <<: *production
    name: staging
    source: {<<: *git, branch: next}
`, map[string]string{"HOME": "/"})
	staging := got.Targets[1]
	if staging.Name != "staging" || staging.Mode != diff.Sync || staging.Source.Branch != "next" ||
		staging.Source.URL != got.Targets[0].Source.URL || got.Targets[0].Source.Branch != "main" {
		t.Errorf("got %+v", got.Targets)
	}
}

func TestSourceMayBeAnyKindOfPlace(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"https://git.example.com/a.git", "http://127.0.0.1:3000/a", "file:///srv/a.git", "/srv/a.git", "../a",
		"ssh://git@git.example.com/a.git", "git@git.example.com:a.git", "git://git.example.com/a.git",
	} {
		got := parse(t, strings.Replace(minimal, "https://git.example.com/access.git", url, 1), map[string]string{"HOME": "/"})
		if got.Targets[0].Source.URL != url {
			t.Errorf("got %q, want %q", got.Targets[0].Source.URL, url)
		}
	}
}

func TestFileOfTooManyBytesIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "policysync.yaml")
	text := minimal + "#" + strings.Repeat(" ", 1<<20-len(minimal)-1)
	for _, tt := range []struct{ text, want string }{
		{text, ""},
		{text + " ", path + ": the file is larger than 1 MiB: give each daemon a part of the targets"},
	} {
		if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := config.Load(path, atHome())
		if got := errorText(err); got != tt.want {
			t.Errorf("%d bytes: got error %q, want %q", len(tt.text), got, tt.want)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestUnreadableFileIsAnError(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := config.Load(filepath.Join(dir, "none.yaml"), atHome()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: got %v", err)
	}
	if c, err := config.Load(dir, atHome()); err == nil {
		t.Errorf("folder: got %+v", c)
	}
}

// Aliases of lists of aliases, each ten times the one before.
func TestAliasBombCostsAnErrorAndNotTheMemory(t *testing.T) {
	t.Parallel()
	var bomb strings.Builder
	bomb.WriteString("freeze:\n  - &a0 [all]\n")
	for i := range 30 {
		fmt.Fprintf(&bomb, "  - &a%d [%s*a%d]\n", i+1, strings.Repeat(fmt.Sprintf("*a%d, ", i), 9), i)
	}
	_, err := config.Parse("bomb.yaml", []byte(bomb.String()), atHome())
	if got := errorText(err); !strings.Contains(got, "after its aliases are expanded") {
		t.Errorf("got %q", got)
	}
}

func TestFindLooksInTheFolderFirst(t *testing.T) {
	t.Chdir(t.TempDir())
	const system = "/etc/policysync/policysync.yaml"
	fallback := ""
	if _, err := os.Stat(system); err == nil {
		fallback = system
	}
	find := func(explicit, want string) {
		t.Helper()
		if got, err := config.Find(explicit); err != nil || got != want {
			t.Errorf("Find(%q) = %q, %v; want %q", explicit, got, err, want)
		}
	}
	find("", fallback)
	if err := os.WriteFile("policysync.yaml", []byte(minimal), 0o600); err != nil {
		t.Fatal(err)
	}
	find("", "policysync.yaml")
	find("other.yaml", "other.yaml")
}

// A link that leads in a circle can't be looked through, not even by root.
func TestFindStopsAtAFileItCannotLookAt(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Symlink("policysync.yaml", "policysync.yaml"); err != nil {
		t.Fatal(err)
	}
	if got, err := config.Find(""); err == nil {
		t.Errorf("got %q without an error", got)
	}
}

func TestPrintedConfigShowsNoSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(hidden), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CLOUDFLARE_API_TOKEN", hidden)
	t.Setenv("CLOUDFLARE_API_KEY", hidden)
	t.Setenv("HOME", "/home/me")
	text := minimal + "      auth: {password_file: " + path + "}\n"
	c, err := config.Parse("policysync.yaml", []byte(text), os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range []secret.Source{c.Targets[0].Source.Auth.Password, c.Targets[0].Cloudflare.APIToken} {
		if value, err := source.Read(); err != nil || value.Reveal() != hidden {
			t.Fatalf("read %+v: %v", source, err)
		}
	}
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, printed := range []string{fmt.Sprintf("%+v", *c), fmt.Sprintf("%#v", *c), string(asJSON)} {
		if strings.Contains(printed, hidden) {
			t.Errorf("shows the secret: %s", printed)
		}
		if !strings.Contains(printed, "git.example.com") {
			t.Errorf("shows nothing: %s", printed)
		}
	}
}
