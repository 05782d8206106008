package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/guard"
	"github.com/policysync/policysync/internal/secret"
	"github.com/policysync/policysync/internal/web"
)

// frozenStation is where an operator freezes: a freezer with a state folder of
// its own, what it told of, and how often it woke the targets.
type frozenStation struct {
	*freezer
	file  string
	lines []string
	woken int
}

// Emit keeps warnings. The freezer emits them one at a time.
func (s *frozenStation) Emit(e event.Event) {
	if w, ok := e.(event.Warned); ok {
		s.lines = append(s.lines, strings.ReplaceAll(w.Message, s.file, "FILE"))
	}
}

func newFrozenStation(t *testing.T, configured, env []guard.Switch) *frozenStation {
	t.Helper()
	dir := t.TempDir()
	s := &frozenStation{file: filepath.Join(dir, "freeze")}
	s.freezer = &freezer{
		cfg: func() *config.Config {
			return &config.Config{Freeze: configured, FreezeEnv: env, State: config.StateAt(filepath.Join(dir, "state.db"))}
		},
		sink: s, wake: func() { s.woken++ },
	}
	return s
}

// write writes the file as an operator does.
func (s *frozenStation) write(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(s.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAnyOnePlaceThatFreezesIsEnough(t *testing.T) {
	t.Parallel()
	deletes := []guard.Switch{guard.FreezeDeletes}
	for name, tc := range map[string]struct {
		configured, env []guard.Switch
		file, want      string
	}{
		"none":            {nil, nil, "", "none"},
		"config":          {deletes, nil, "", "deletes (the config file)"},
		"environment":     {nil, deletes, "", "deletes (POLICYSYNC_FREEZE)"},
		"file":            {nil, nil, "deletes", "deletes (FILE)"},
		"a slip":          {nil, nil, "delete", `all (FILE, where freeze is "delete": want one of all, deletes, widening)`},
		"all of them":     {deletes, deletes, "deletes", "deletes (the config file), deletes (POLICYSYNC_FREEZE), deletes (FILE)"},
		"each its switch": {deletes, []guard.Switch{guard.FreezeWidening}, "all", "deletes (the config file), widening (POLICYSYNC_FREEZE), all (FILE)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFrozenStation(t, tc.configured, tc.env)
			if tc.file != "" {
				s.write(t, tc.file)
			}
			if got := strings.ReplaceAll(list(s.InForce()), s.file, "FILE"); got != tc.want {
				t.Errorf("in force: %s, want %s", got, tc.want)
			}
		})
	}
}

func TestOnlyLiftingWakesTheTargets(t *testing.T) {
	t.Parallel()
	all, deletes, widening := guard.FreezeAll, guard.FreezeDeletes, guard.FreezeWidening
	for name, tc := range map[string]struct {
		configured []guard.Switch
		file       string
		set        []guard.Switch
		woken      int
	}{
		"freeze":                   {nil, "", []guard.Switch{deletes}, 0},
		"freeze again":             {nil, "deletes", []guard.Switch{deletes}, 0},
		"freeze more":              {nil, "deletes", []guard.Switch{deletes, widening}, 0},
		"freeze all instead":       {nil, "deletes", []guard.Switch{all}, 0},
		"nothing to lift":          {nil, "", nil, 0},
		"lift":                     {nil, "deletes", nil, 1},
		"lift a touched file":      {nil, "\n", nil, 1},
		"lift one of two":          {nil, "deletes widening", []guard.Switch{widening}, 1},
		"freeze less":              {nil, "all", []guard.Switch{deletes, widening}, 1},
		"lift what another sets":   {[]guard.Switch{deletes}, "deletes", nil, 0},
		"lift what another covers": {[]guard.Switch{all}, "deletes", nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFrozenStation(t, tc.configured, nil)
			if tc.file != "" {
				s.write(t, tc.file)
			}
			if err := s.Freeze(tc.set, "a test", "ann@example.com"); err != nil || s.woken != tc.woken {
				t.Errorf("woken %d times, want %d: %v", s.woken, tc.woken, err)
			}
		})
	}
}

func TestSwitchesAreToldOnceWhenTheyChange(t *testing.T) {
	t.Parallel()
	s := newFrozenStation(t, nil, []guard.Switch{guard.FreezeWidening})
	twoRuns := func() {
		for range 2 {
			s.freezer.Emit(event.RunStarted{})
			s.InForce()
		}
	}
	twoRuns()
	s.write(t, "all")
	twoRuns()
	if err := s.Freeze([]guard.Switch{guard.FreezeDeletes}, "incident\n7", "ann@example.com"); err != nil {
		t.Fatal(err)
	}
	twoRuns()
	if err := os.Remove(s.file); err != nil {
		t.Fatal(err)
	}
	twoRuns()
	want := []string{
		"freeze switches in force now: widening (POLICYSYNC_FREEZE)",
		"freeze switches in force now: widening (POLICYSYNC_FREEZE), all (FILE)",
		`the API set the freeze switches to deletes: "incident\n7", by "ann@example.com"`,
		"freeze switches in force now: widening (POLICYSYNC_FREEZE), deletes (FILE)",
		"freeze switches in force now: widening (POLICYSYNC_FREEZE)",
	}
	if d := cmp.Diff(want, s.lines); d != "" {
		t.Errorf("told (-want +got):\n%s", d)
	}
}

// TestPostsAtOnceOverHTTP has many clients set one of two switches, and others
// ask for what is refused: each answer is that of one client, whole.
func TestPostsAtOnceOverHTTP(t *testing.T) {
	t.Parallel()
	s := newFrozenStation(t, nil, nil)
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("api-token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(web.Handler(web.Options{
		Metrics: prometheus.NewRegistry(), Freezer: s.freezer, Token: func() secret.Source { return secret.Source{File: token} },
	}))
	defer server.Close()
	requests := []struct{ token, body, want string }{
		{"api-token", `{"switches": ["deletes"], "reason": "a"}`, `200 {"freeze":[{"switch":"`},
		{"api-token", `{"switches": ["widening"], "reason": "b"}`, `200 {"freeze":[{"switch":"`},
		{"", `{"switches": []}`, "401 "},
		{"other", `{"switches": []}`, "401 "},
		{"api-token", `{"switches": [], "until": "tomorrow"}`, "400 "},
		{"api-token", `{"switches": [], "reason": "` + strings.Repeat("x", 8<<10) + `"}`, "413 "},
	}
	const each = 5
	var all sync.WaitGroup
	for range each {
		for _, r := range requests {
			all.Go(func() {
				got := answerTo(http.MethodPost, server.URL+"/api/v1/freeze", r.token, r.body)
				if !strings.HasPrefix(got, r.want) || strings.Count(got, `"switch"`) > 1 {
					t.Errorf("%.60s is answered with %s, want %s", r.body, got, r.want)
				}
			})
		}
	}
	all.Wait()
	if set := slices.DeleteFunc(s.lines, func(l string) bool { return !strings.HasPrefix(l, "the API set") }); len(set) != 2*each {
		t.Errorf("told of %d posts, want %d", len(set), 2*each)
	}
	if left, err := os.ReadDir(filepath.Dir(s.file)); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestOnlyLoopbackIsLocal(t *testing.T) {
	t.Parallel()
	for ip, want := range map[string]bool{"127.0.0.1": true, "::1": true, "0.0.0.0": false, "::": false, "192.0.2.1": false} {
		if got := isLoopback(&net.TCPAddr{IP: net.ParseIP(ip)}); got != want {
			t.Errorf("%s is loopback: %v", ip, got)
		}
	}
}
