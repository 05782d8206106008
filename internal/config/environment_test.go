package config_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/guard"
)

func TestStateGoesWhereTheEnvironmentSays(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		vars map[string]string
		want string
	}{
		"systemd":           {map[string]string{"STATE_DIRECTORY": "/var/lib/policysync", "XDG_STATE_HOME": "/x"}, "/var/lib/policysync/state.db"},
		"systemd, several":  {map[string]string{"STATE_DIRECTORY": "/var/lib/a:/var/lib/b"}, "/var/lib/a/state.db"},
		"XDG":               {map[string]string{"XDG_STATE_HOME": "/x", "HOME": "/h"}, "/x/policysync/state.db"},
		"XDG, not absolute": {map[string]string{"XDG_STATE_HOME": "x", "HOME": "/h"}, "/h/.local/state/policysync/state.db"},
		"home":              {map[string]string{"STATE_DIRECTORY": "", "HOME": "/h"}, "/h/.local/state/policysync/state.db"},
		"odd characters":    {map[string]string{"STATE_DIRECTORY": "/a b/50%/c?d#e"}, "/a b/50%/c?d#e/state.db"},
	} {
		if got := parse(t, minimal, tt.vars).State.Path(); got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

func TestStatePathIsEmptyForOtherURLs(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "postgres://db/x", "sqlite:state.db", "sqlite://host/state.db", "://", "/state.db"} {
		if got := (config.State{URL: url}).Path(); got != "" {
			t.Errorf("%q: got %q", url, got)
		}
	}
}

func TestVariablesFillWhatTheFileLeavesOpen(t *testing.T) {
	t.Parallel()
	vars := map[string]string{
		"HOME": "/h", "CLOUDFLARE_EMAIL": "env@example.com", "CLOUDFLARE_BASE_URL": "https://proxy.example.com",
		"POLICYSYNC_FREEZE": " widening,deletes ,",
	}
	got := parse(t, minimal+"freeze: [deletes]\n", vars)
	if cf := got.Targets[0].Cloudflare; cf.Email != "env@example.com" || cf.BaseURL != "https://proxy.example.com" {
		t.Errorf("got %+v", cf)
	}
	if diff := cmp.Diff([][]guard.Switch{{guard.FreezeDeletes}, {guard.FreezeDeletes, guard.FreezeWidening}}, [][]guard.Switch{got.Freeze, got.FreezeEnv}); diff != "" {
		t.Error(diff)
	}

	got = parse(t, minimal+"    cloudflare: {email: file@example.com, api_key_file: /k, base_url: http://localhost:1}\n", vars)
	cf := got.Targets[0].Cloudflare
	if cf.Email != "file@example.com" || cf.BaseURL != "http://localhost:1" {
		t.Errorf("the file doesn't win: %+v", cf)
	}
	if cf.APIToken.Env != "" {
		t.Error("the file names an API key, and yet a token of the environment would be used")
	}
}

func TestBadVariablesAreNamed(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		vars map[string]string
		want string
	}{
		"freeze":       {map[string]string{"POLICYSYNC_FREEZE": "all,creates"}, `POLICYSYNC_FREEZE: freeze is "creates": want one of all, deletes, widening`},
		"base URL":     {map[string]string{"CLOUDFLARE_BASE_URL": "proxy:80"}, `CLOUDFLARE_BASE_URL: cloudflare.base_url is "proxy:80": want an https or http URL without credentials and query`},
		"state":        {map[string]string{"STATE_DIRECTORY": "state"}, `STATE_DIRECTORY: state.url is "sqlite://state/state.db": want sqlite:// and the absolute path of a file`},
		"no home":      {map[string]string{"HOME": ""}, "policysync.yaml: state.url is missing: set it, or one of STATE_DIRECTORY, XDG_STATE_HOME and HOME"},
		"login in URL": {map[string]string{"CLOUDFLARE_BASE_URL": "https://u:hunter2@proxy"}, `CLOUDFLARE_BASE_URL: cloudflare.base_url is "https://[redacted]@proxy": want an https or http URL without credentials and query`},
	} {
		vars := map[string]string{"HOME": "/h"}
		maps.Copy(vars, tt.vars)
		_, err := config.Parse("policysync.yaml", []byte(minimal), env(vars))
		if diff := cmp.Diff(tt.want, errorText(err)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestVariablesStandInValues(t *testing.T) {
	t.Parallel()
	vars := map[string]string{"HOME": "/h", "A": "x", "B_2": "y", "EMPTY": "", "NESTED": "${A}", "PERCENT": "7", "FREEZE": "all"}
	for written, want := range map[string]string{
		"${A}":        "x",
		"${A}${B_2}z": "xyz",
		"$A":          "$A",
		"a$":          "a$",
		"$$":          "$",
		"$${A}":       "${A}",
		"$$${A}":      "$x",
		"$$$${A}":     "$${A}",
		"${NESTED}":   "${A}",
		"${EMPTY}":    "",
	} {
		got := parse(t, minimal+"      auth: {username: '"+written+"'}\n", vars)
		if got := got.Targets[0].Source.Auth.Username; got != want {
			t.Errorf("%s: got %q, want %q", written, got, want)
		}
	}
	got := parse(t, minimal+"    limits: {max_changes: '${PERCENT}%'}\nfreeze: ['${FREEZE}']\n", vars)
	if got.Targets[0].Limits.MaxChanges != 7 || !slices.Contains(got.Freeze, guard.FreezeAll) {
		t.Errorf("got %v and %v", got.Targets[0].Limits, got.Freeze)
	}
}

func TestWithoutAFileThereIsOneTarget(t *testing.T) {
	t.Parallel()
	got, err := config.FromEnvironment(env(map[string]string{
		"HOME": "/home/me", "CLOUDFLARE_ACCOUNT_ID": "023e105f4ecef8ad9ca31a8372d0c353", "POLICYSYNC_FREEZE": "all",
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := defaults(t)
	want.Targets[0].Name, want.Targets[0].Source.URL = "default", ""
	want.FreezeEnv = []guard.Switch{guard.FreezeAll}
	if diff := cmp.Diff(want, got, sameSchedule()); diff != "" {
		t.Error(diff)
	}
	got.Targets[0].Source.URL, got.Targets[0].Source.Path = "/srv/access.git", "policies/"
	if err := got.Validate(); err != nil {
		t.Error(err)
	}
	if got.Targets[0].Source.Path != "policies" {
		t.Errorf("path %q isn't clean", got.Targets[0].Source.Path)
	}
}

func TestFlagsAreCheckedAsAFileIs(t *testing.T) {
	t.Parallel()
	got, err := config.FromEnvironment(env(map[string]string{"HOME": "/h"}))
	if err != nil {
		t.Fatal(err)
	}
	got.Targets[0].Source.Commit = "abc"
	got.Targets[0].FullListEvery = 0
	got.Targets[0].Limits.MaxChanges = 0
	got.Server.Listen = "nowhere"
	want := `flags and environment: account_id is missing
flags and environment: full_list_every is "0s": want at least 1s
flags and environment: limits.max_changes is "0%": want 1% to 100%; to stop every change, set freeze: [all]
flags and environment: server.listen is "nowhere": want host:port, such as 127.0.0.1:8080 or :8080
flags and environment: source has more than one of branch, tag and commit: keep one
flags and environment: source.commit is "abc": want the full hash, in lower case
flags and environment: source.url is missing`
	if diff := cmp.Diff(want, errorText(got.Validate())); diff != "" {
		t.Error(diff)
	}
}

func TestWithoutAFileBadVariablesAreRefused(t *testing.T) {
	t.Parallel()
	got, err := config.FromEnvironment(env(map[string]string{"HOME": "/h", "POLICYSYNC_FREEZE": "none"}))
	if want := `POLICYSYNC_FREEZE: freeze is "none": want one of all, deletes, widening`; got != nil || errorText(err) != want {
		t.Errorf("got %v and error %v", got, err)
	}
}
