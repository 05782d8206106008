package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestTutorial does what docs/tutorial.md says, block by block, but for what
// needs Prometheus. It takes as long as the daemon does to look, ten times.
func TestTutorial(t *testing.T) {
	t.Parallel()
	newStudent(t).follow(tutorial, 20, func(block string) bool { return !strings.Contains(block, "127.0.0.1:9090") })
}

// tutorial is docs/tutorial.md.
var tutorial = filepath.Join(root, "docs", "tutorial.md")

// student is someone who follows a page with an empty home. Its terminals share
// the home and the folder, not the variables.
type student struct {
	t     *testing.T
	home  string
	env   []string
	ports *strings.Replacer // the ports of the page to ones that are free here
}

func newStudent(t *testing.T) *student {
	t.Helper()
	s := &student{t: t, home: t.TempDir(), ports: strings.NewReplacer("127.0.0.1:8080", freeAddress(t), "127.0.0.1:9090", freeAddress(t))}
	bin := filepath.Join(s.home, "go", "bin")
	s.env = []string{
		"HOME=" + s.home, "PATH=" + bin + ":" + os.Getenv("PATH"), "GOBIN=" + bin, "GORACE=atexit_sleep_ms=0",
		"GIT_CONFIG_COUNT=2", "GIT_CONFIG_KEY_0=user.name", "GIT_CONFIG_VALUE_0=Student",
		"GIT_CONFIG_KEY_1=user.email", "GIT_CONFIG_VALUE_1=student@example.com",
	}
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOFLAGS", "GOPROXY"} { // so that nothing is fetched or built twice
		value, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		s.env = append(s.env, name+"="+strings.TrimSpace(string(value)))
	}
	clone, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	s.save("folder", clone)
	s.save("variables", "")
	return s
}

// freeAddress returns an address that nobody listens on now.
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

func (s *student) save(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.home, name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// follow does what those blocks of a page say that are wanted, at least so many,
// and holds what is printed against the text that follows each.
func (s *student) follow(page string, least int, wanted func(block string) bool) {
	s.t.Helper()
	all, done := blocks(s.t, page), 0
	for i, block := range all {
		if !wanted(block[1]) {
			continue
		}
		want := ""
		if i+1 < len(all) && all[i+1][0] == "text" {
			want = s.ports.Replace(all[i+1][1])
		}
		switch script := s.ports.Replace(block[1]); block[0] {
		case "sh":
			s.do(script, want)
			done++
		case "sh terminal":
			s.leave(script, want)
			done++
		case "text":
		default:
			s.t.Errorf("nothing tests this %s block:\n%s", block[0], block[1])
		}
	}
	if done < least {
		s.t.Errorf("%d blocks were done, want %d", done, least)
	}
}

// do runs a script in the first terminal. One that only looks is run again
// until it shows what it should, for half a minute: the daemon takes its time.
func (s *student) do(script, want string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		c := s.terminal(`set -a; . "$HOME/variables"; cd "$(cat "$HOME/folder")"
` + script + `
code=$?; pwd >"$HOME/folder"; export -p >"$HOME/variables"; exit "$code"`)
		out, err := c.CombinedOutput()
		switch fails := strings.Contains(want, "Error: "); {
		case printed(string(out), want) && (err != nil) == fails:
			return
		case !onlyLooks(script) || ctx.Err() != nil:
			s.t.Fatalf("%s\n%v, and printed\n%s\nwant\n%s", script, err, out, want)
		}
		<-again.C
	}
}

// onlyLooks reports whether a script changes nothing.
func onlyLooks(script string) bool {
	for line := range strings.SplitSeq(strings.ReplaceAll(script, "\\\n", ""), "\n") {
		if strings.Contains(line, "-X") || !regexp.MustCompile(`^(curl|policysync (status|history|plan)) ?`).MatchString(line) {
			return false
		}
	}
	return true
}

// leave starts a script in another terminal, waits until it shows what it
// should, and leaves it running until the end.
func (s *student) leave(script, want string) {
	s.t.Helper()
	c := s.terminal(`cd "$(cat "$HOME/folder")"
` + script)
	out := &screen{wanted: want, seen: make(chan struct{})}
	c.Stdout, c.Stderr = out, out
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C reaches all that the terminal runs
	if err := c.Start(); err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	s.t.Cleanup(func() {
		if err := syscall.Kill(-c.Process.Pid, syscall.SIGINT); err != nil {
			s.t.Error(err)
		}
		if err := <-ended; err != nil && !strings.Contains(err.Error(), "signal: interrupt") {
			s.t.Errorf("%s ended with %v:\n%s", script, err, out)
		}
	})
	select {
	case <-out.seen:
	case <-time.After(time.Minute):
		s.t.Fatalf("%s shows\n%s\nwant\n%s", script, out, want)
	}
}

func (s *student) terminal(script string) *exec.Cmd {
	s.t.Helper()
	folder, err := os.ReadFile(filepath.Join(s.home, "folder"))
	if err != nil {
		s.t.Fatal(err)
	}
	c := exec.CommandContext(context.WithoutCancel(s.t.Context()), "sh", "-c", script) // what is left running ends in the clean-up
	c.Env = slices.Concat(s.env, []string{"PWD=" + strings.TrimSpace(string(folder))})
	return c
}

// screen is what a program has written, and closes seen once that is what is
// wanted.
type screen struct {
	wanted string
	seen   chan struct{}

	mu  sync.Mutex
	all bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := printed(s.all.String(), s.wanted)
	n, err := s.all.Write(p)
	if !before && printed(s.all.String(), s.wanted) {
		close(s.seen)
	}
	return n, err
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.String()
}

// printed reports whether an output is what a page shows, in which … stands for
// anything. A page that shows nothing takes whatever comes.
func printed(output, page string) bool {
	if page == "" {
		return true
	}
	pattern := strings.ReplaceAll(regexp.QuoteMeta(page), "…", "(?s:.*)")
	return regexp.MustCompile(`^` + pattern + `\s*$`).MatchString(output)
}

// TestTheAlertOfTheTutorialIsTheDeployedOne but for how long it waits.
func TestTheAlertOfTheTutorialIsTheDeployedOne(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"docs/tutorial.md", "deploy/prometheus/rules.yaml"} {
		rule := regexp.MustCompile(`- alert: PolicysyncDrift\n +expr: policysync_policies\{state="drifted"\} > 0\n`)
		if !rule.MatchString(text(t, file)) {
			t.Errorf("%s has another rule for PolicysyncDrift than the other", file)
		}
	}
}
