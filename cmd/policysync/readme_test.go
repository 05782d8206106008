package main

import (
	"bufio"
	"bytes"
	"context"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/policy"
)

// TestReadme does what the README says, block by block, as its reader would.
// It takes seconds, because the demo is compiled and looks once a second.
func TestReadme(t *testing.T) {
	t.Parallel()
	r := newReader(t)
	done := 0
	for _, block := range blocks(t, filepath.Join("..", "..", "README.md")) {
		lang, text := block[0], block[1]
		switch first, _, _ := strings.Cut(text, "\n"); first {
		case "go run ./cmd/policysync demo":
			r.demo(text)
		case "make test":
			r.isWhatCIRuns(text)
		case "go install ./cmd/policysync":
			r.sh(filepath.Join("..", ".."), text)
		case "# policies/engineering.yaml":
			r.write("policies/engineering.yaml", text)
		case "policysync validate policies":
			if got := r.sh(r.dir, text); got != "No mistakes in 1 policy of 1 file.\n" {
				t.Errorf("validate says %q", got)
			}
		case "targets:":
			r.config(text)
		case "policysync export --out policies":
			r.export(text)
		case "policysync plan":
			r.planApplyRun(text)
		case "policysync status":
			r.look(text)
		case "export CLOUDFLARE_API_TOKEN=… CLOUDFLARE_ACCOUNT_ID=023e105f4ecef8ad9ca31a8372d0c353":
			r.withoutConfig(text)
		default:
			t.Errorf("nothing tests this %s block:\n%s", lang, text)
			continue
		}
		done++
	}
	if done < 10 {
		t.Errorf("%d blocks were tried, want all 10", done)
	}
}

// reader is someone who follows the README, in a folder that is a repository,
// with a simulated account.
type reader struct {
	t       *testing.T
	dir     string
	env     []string
	account *simulator.Account
	daemon  *exec.Cmd
}

func newReader(t *testing.T) *reader {
	t.Helper()
	account := simulator.New(simulator.Options{})
	server := httptest.NewServer(account)
	t.Cleanup(server.Close)
	dir := t.TempDir()
	return &reader{t: t, dir: dir, account: account, env: append(
		os.Environ(), "CLOUDFLARE_BASE_URL="+server.URL, "XDG_STATE_HOME="+filepath.Join(dir, "home"),
		"GOBIN="+filepath.Join(dir, "bin"), "GORACE=atexit_sleep_ms=0", "GIT_CONFIG_COUNT=2",
		"GIT_CONFIG_KEY_0=user.name", "GIT_CONFIG_VALUE_0=Reader", "GIT_CONFIG_KEY_1=user.email", "GIT_CONFIG_VALUE_1=reader@example.com",
	)}
}

// sh runs a shell script and returns its standard output.
func (r *reader) sh(dir, script string) string {
	r.t.Helper()
	command := exec.CommandContext(r.t.Context(), "sh", "-e", "-c", script)
	command.Dir, command.Env = dir, r.env
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		r.t.Fatalf("%s: %v\n%s%s", script, err, out, stderr.Bytes())
	}
	return string(out)
}

func (r *reader) write(name, text string) {
	r.t.Helper()
	file := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// demo runs the demo, does what it says, and sees it follow.
func (r *reader) demo(script string) {
	r.t.Helper()
	command := exec.CommandContext(r.t.Context(), "sh", "-c", "exec "+script)
	command.Dir, command.Env = filepath.Join("..", ".."), r.env
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C reaches go run and what it runs
	out, err := command.StdoutPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	var stderr bytes.Buffer
	command.Stderr = &stderr
	if err := command.Start(); err != nil {
		r.t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var advice []string
	seen := map[string]bool{}
	for lines.Scan() {
		line := lines.Text()
		seen[line] = true
		if command, isAdvice := strings.CutPrefix(line, "  "); isAdvice && seen["10 policies in sync, 0 missing, 0 held back"] {
			advice = append(advice, command)
		}
		if strings.HasPrefix(line, "and watch it follow.") {
			r.sh(r.dir, strings.Join(advice, "\n"))
		}
		if line == "11 policies in sync, 0 missing, 0 held back" {
			if err := syscall.Kill(-command.Process.Pid, syscall.SIGINT); err != nil {
				r.t.Fatal(err)
			}
		}
	}
	err = command.Wait()
	if !seen["Employees: created"] || !seen["Auditors: created"] {
		r.t.Errorf("the demo showed %v, %v\n%s", seen, err, stderr.String())
	}
	for line := range seen {
		if dir, found := strings.CutPrefix(line, "  repository  "); found {
			if _, err := os.Stat(dir); !os.IsNotExist(err) {
				r.t.Errorf("the demo left %s behind: %v", dir, err)
			}
		}
	}
}

// isWhatCIRuns sees that CI runs the README's test command, which can't be run
// from within itself.
func (r *reader) isWhatCIRuns(script string) {
	r.t.Helper()
	makefile, err := os.ReadFile(filepath.Join("..", "..", "Makefile"))
	if err != nil {
		r.t.Fatal(err)
	}
	ci, err := os.ReadFile(filepath.Join("..", "..", ".ci", "run"))
	if err != nil {
		r.t.Fatal(err)
	}
	if script != "make test" || !regexp.MustCompile(`\nCHECKS := .*\bclean-room\b`).Match(makefile) ||
		!bytes.Contains(makefile, []byte("\" make test\n")) || !bytes.Contains(makefile, []byte("\t$(GO) test ./...\n")) || !bytes.Contains(ci, []byte("\nmake ci ")) {
		r.t.Errorf("CI doesn't run %q", script)
	}
}

// config writes the config, with the places that are this machine's.
func (r *reader) config(text string) {
	r.t.Helper()
	r.write("cloudflare-token", simulator.DefaultToken)
	r.write("git-token", "unused")
	text = regexp.MustCompile(`(?m)^ *auth: .*\n`).ReplaceAllString(text, "") // a folder needs none
	for from, to := range map[string]string{
		"https://git.example.com/security/access.git": r.dir,
		"/run/secrets":        r.dir,
		"/var/lib/policysync": filepath.Join(r.dir, "state"),
	} {
		if !strings.Contains(text, from) {
			r.t.Errorf("the config says nothing of %s", from)
		}
		text = strings.ReplaceAll(text, from, to)
	}
	r.write("policysync.yaml", text+"\nserver: {listen: 127.0.0.1:0}")
	r.sh(r.dir, "git init --quiet --initial-branch=main && git add policies && git commit --quiet -m policies")
}

// export writes out what is in the account, and commits it.
func (r *reader) export(text string) {
	r.t.Helper()
	_, err := r.account.Seed(policy.Policy{Name: "Office", Decision: policy.Deny, Include: []policy.Rule{{Kind: "everyone", Body: map[string]any{}}}})
	if err != nil {
		r.t.Fatal(err)
	}
	if got, want := r.sh(r.dir, text), "Exported 1 policy to policies: 1 new, 0 altered, 0 as they were.\n"; !strings.HasPrefix(got, want) {
		r.t.Errorf("export says\n%s\nwant %s", got, want)
	}
	r.sh(r.dir, "git add policies/office.yaml && git commit --quiet -m office")
}

// planApplyRun looks at the plan, says yes at a terminal, starts the daemon.
func (r *reader) planApplyRun(text string) {
	r.t.Helper()
	if text != "policysync plan\npolicysync apply\npolicysync run" {
		r.t.Fatalf("nothing tests this:\n%s", text)
	}
	if got := r.sh(r.dir, "policysync plan"); !strings.Contains(got, "Plan: 1 to create. 1 in sync.") {
		r.t.Errorf("plan says\n%s", got)
	}
	apply := exec.CommandContext(r.t.Context(), "policysync", "apply")
	apply.Dir, apply.Env = r.dir, r.env
	screen := onTerminal(r.t, apply, func(terminal *os.File, screen []byte) {
		if bytes.HasSuffix(screen, []byte("Only yes is taken as yes: ")) {
			if _, err := terminal.WriteString("yes\n"); err != nil {
				r.t.Fatal(err)
			}
		}
	})
	for _, want := range []string{"Applied: 1 created.", "\x1b[32m  + create\x1b[0m Engineering"} {
		if !strings.Contains(screen, want) {
			r.t.Errorf("apply shows nothing of %q:\n%q", want, screen)
		}
	}
	r.start()
}

// start starts the daemon and waits until it listens.
func (r *reader) start() {
	r.t.Helper()
	r.daemon = exec.CommandContext(context.WithoutCancel(r.t.Context()), "policysync", "run") // until the clean-up
	r.daemon.Dir, r.daemon.Env = r.dir, r.env
	log, err := r.daemon.StderrPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := r.daemon.Start(); err != nil {
		r.t.Fatal(err)
	}
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		if _, rest, found := strings.Cut(lines.Text(), `"msg":"listening","address":"`); found {
			address, _, _ := strings.Cut(rest, `"`)
			r.env = append(r.env, "README_LISTEN="+address)
			break
		}
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for lines.Scan() { // so that the daemon isn't held up
			continue
		}
	}()
	r.t.Cleanup(func() {
		if err := r.daemon.Process.Signal(syscall.SIGTERM); err != nil {
			r.t.Error(err)
		}
		<-drained
		if err := r.daemon.Wait(); err != nil {
			r.t.Errorf("the daemon ended with %v", err)
		}
	})
}

// look looks at what the daemon did.
func (r *reader) look(text string) {
	r.t.Helper()
	got := r.sh(r.dir, text)
	for _, want := range []string{"Last run: ", "success  create  Engineering", "policysync_build_info{"} {
		if !strings.Contains(got, want) {
			r.t.Errorf("%s\nshows nothing of %q:\n%s", text, want, got)
		}
	}
}

// withoutConfig plans by flags and environment, in a folder without a config.
func (r *reader) withoutConfig(text string) {
	r.t.Helper()
	if err := os.Remove(filepath.Join(r.dir, "policysync.yaml")); err != nil {
		r.t.Fatal(err)
	}
	got := r.sh(r.dir, strings.Replace(text, "TOKEN=…", "TOKEN="+simulator.DefaultToken, 1))
	if want := "Plan: 2 to adopt."; !strings.Contains(got, want) {
		r.t.Errorf("plan says\n%s\nwant %q, for the state is another one", got, want)
	}
}
