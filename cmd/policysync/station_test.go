package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
)

// station is where an operator works: a folder of policies, a config, a state,
// and a simulated account.
type station struct {
	*testing.T
	account                 *simulator.Account
	policies, config, state string
}

// newStation returns a station with some settings of its one target.
func newStation(t *testing.T, settings string) *station {
	t.Helper()
	return newStationWith(t, simulator.Options{}, settings)
}

// newStationWith returns one whose account is so.
func newStationWith(t *testing.T, options simulator.Options, settings string) *station {
	t.Helper()
	account := simulator.New(options)
	server := httptest.NewServer(account)
	t.Cleanup(server.Close)
	dir := t.TempDir()
	s := &station{
		T: t, account: account,
		policies: filepath.Join(dir, "policies"), config: filepath.Join(dir, "policysync.yaml"), state: filepath.Join(dir, "state", "state.db"),
	}
	s.write(s.config, fmt.Sprintf(`targets:
  - {name: production, account_id: %s, source: {url: %q}, cloudflare: {base_url: %q, api_token_file: %q}%s}
state: {url: %q}
server: {listen: 127.0.0.1:0}
`, simulator.DefaultAccountID, dir, server.URL, filepath.Join(dir, "token"), settings, "sqlite://"+s.state))
	s.write(filepath.Join(dir, "token"), simulator.DefaultToken)
	return s
}

func (s *station) write(file, text string) {
	s.Helper()
	s.must(os.MkdirAll(filepath.Dir(file), 0o700))
	s.must(os.WriteFile(file, []byte(text), 0o600))
}

func (s *station) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// declare makes Git say that there are these policies, with that session.
func (s *station) declare(session string, names ...string) {
	s.Helper()
	s.must(os.RemoveAll(s.policies))
	for _, name := range names {
		s.write(filepath.Join(s.policies, name+".yaml"), declared(name, session))
	}
}

// declared returns a manifest.
func declared(name, session string) string {
	return fmt.Sprintf("name: %s\ndecision: allow\ninclude:\n  - everyone: {}\nsession_duration: %s\n", name, session)
}

// run runs a command.
func (s *station) run(args ...string) (code int, stdout, stderr string) {
	s.Helper()
	args = append(args, "--config", s.config)
	switch args[0] {
	case "apply":
		args = append(args, "--yes", "--dir", s.policies)
	case "plan", "run":
		args = append(args, "--dir", s.policies)
	}
	return try(s.T, nil, args...)
}

// apply applies, and fails the test unless that ends so.
func (s *station) apply(want string) {
	s.Helper()
	if code, out, stderr := s.run("apply"); code != 0 || !strings.HasSuffix(out, want+"\n") {
		s.Fatalf("apply exits with %d, %s%s\nwant %q", code, out, stderr, want)
	}
}

// names returns the names of the account's policies.
func (s *station) names() string {
	s.Helper()
	all, err := s.account.Policies()
	s.must(err)
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.Name
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// writes counts the requests that write.
func (s *station) writes() string {
	return fmt.Sprintf("%d created, %d updated, %d deleted", s.account.Count("create"), s.account.Count("update"), s.account.Count("delete"))
}

// files returns what is in the state's folder: the state and, if there is
// anything in it, its log, but not the lock nor SQLite's index.
func (s *station) files() string {
	s.Helper()
	var all strings.Builder
	s.must(filepath.WalkDir(filepath.Dir(s.state), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".lock") || strings.HasSuffix(path, "-shm") {
			return err
		}
		text, err := os.ReadFile(path)
		if len(text) > 0 {
			fmt.Fprintf(&all, "%s: %q\n", path, text)
		}
		return err
	}))
	return all.String()
}

// refused fails the test unless the command fails with an error that names
// the state and stands in the guide, and writes nothing.
func (s *station) refused(command, says string) {
	s.Helper()
	before := s.writes()
	code, out, stderr := s.run(command)
	if code != exitError || !strings.Contains(stderr, s.state) || !strings.Contains(stderr, says) {
		s.Errorf("%s exits with %d, %s%s\nwant an error about %s that says %q", command, code, out, stderr, s.state, says)
	}
	if err := inGuide(stderr, s.state); err != nil {
		s.Errorf("%s: %v", command, err)
	}
	if after := s.writes(); after != before {
		s.Errorf("%s: the account had %s, now %s", command, before, after)
	}
}

// query does as the sqlite3 tool does.
func (s *station) query(statement string) string {
	s.Helper()
	var out strings.Builder
	s.must(queries(s.state, strings.NewReader(statement), &out))
	return out.String()
}

// overwrite puts garbage in the place of a part of the state file.
func (s *station) overwrite(from, length int) {
	s.Helper()
	text, err := os.ReadFile(s.state)
	s.must(err)
	copy(text[from:], bytes.Repeat([]byte{0xA5}, length))
	s.must(os.WriteFile(s.state, text, 0o600))
}

// try runs a command and returns what came of it.
func try(t *testing.T, env map[string]string, args ...string) (code int, out, complaints string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	a := &app{stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr, env: func(name string) (string, bool) {
		value, set := env[name]
		return value, set
	}}
	code = run(context.WithoutCancel(t.Context()), a, args)
	return code, stdout.String(), stderr.String()
}
