package main

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/secret"
)

// TestTargetsOfOneTokenShareItsBudget uses a budget up through one target, and
// looks how long another waits for a request.
func TestTargetsOfOneTokenShareItsBudget(t *testing.T) {
	t.Parallel()
	secrets := t.TempDir()
	target := func(tokenFile, token string, requests int) config.Target {
		file := filepath.Join(secrets, tokenFile)
		if token != "" {
			if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return config.Target{Cloudflare: config.Cloudflare{APIToken: secret.Source{File: file}, RequestsPer5m: requests}}
	}
	all := []config.Target{
		target("token", "one", 5), target("token", "one", 3), target("other", "two", 3), target("copy", "one\n", 9),
		target("missing", "", 3),
	}
	for name, tc := range map[string]struct {
		next    int // index of the target that asks then
		restart bool
		want    time.Duration
	}{
		"the same target":                    {0, false, 5 * time.Minute},
		"another with the token":             {1, false, 5 * time.Minute},
		"another token":                      {2, false, 0},
		"the token in another file":          {3, false, 5 * time.Minute},
		"a token that can't be read":         {4, false, 0},
		"the same target after a restart":    {0, true, 5 * time.Minute},
		"another target after a restart":     {1, true, 5 * time.Minute},
		"another token's after that restart": {2, true, 0},
		"another file's after that restart":  {3, true, 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				shared := newBudgets(dir)
				for range 3 {
					waits(t, shared, all, 0, 0)
				}
				if tc.restart {
					shared = newBudgets(dir)
				}
				waits(t, shared, all, tc.next, tc.want)
			})
		})
	}
}

// TestReloadingGivesNoTokenAFreshBudget reads the config anew, as it is then,
// when a budget of 3 is used up.
func TestReloadingGivesNoTokenAFreshBudget(t *testing.T) {
	t.Parallel()
	target := func(file string, requests int) config.Target {
		return config.Target{Cloudflare: config.Cloudflare{APIToken: secret.Source{File: file}, RequestsPer5m: requests}}
	}
	for name, tc := range map[string]struct {
		token, file string // what the file token holds then, and which file is named
		requests    int
		want        time.Duration
	}{
		"nothing changed":        {"one", "token", 3, 5 * time.Minute},
		"a larger budget":        {"one", "token", 4, 0},
		"a smaller budget":       {"one", "token", 1, 5 * time.Minute},
		"the token moved":        {"one", "moved", 3, 5 * time.Minute},
		"the token was rotated":  {"two", "token", 3, 5 * time.Minute},
		"a token of another one": {"one", "other", 3, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write := func(file, text string) string {
				path := filepath.Join(dir, file)
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				return path
			}
			synctest.Test(t, func(t *testing.T) {
				before := []config.Target{target(write("token", "one"), 3), target(write("other", "three"), 3)}
				shared := newBudgets(dir)
				for range 3 {
					waits(t, shared, before, 0, 0)
				}
				write("token", tc.token)
				write("moved", "one")
				after := []config.Target{target(filepath.Join(dir, tc.file), tc.requests)}
				if _, err := shared.of(after[0], after); err != nil {
					t.Fatal(err)
				}
				shared.limit(after)
				waits(t, shared, after, 0, tc.want)
			})
		})
	}
}

// waits sends a request for a target and fails unless it waits that long.
func waits(t *testing.T, shared *budgets, all []config.Target, index int, want time.Duration) {
	t.Helper()
	budget, err := shared.of(all[index], all)
	if err != nil {
		t.Fatal(err)
	}
	waited, err := budget.Wait(t.Context(), nil)
	if err != nil || waited != want {
		t.Errorf("waited %s, want %s: %v", waited, want, err)
	}
}
