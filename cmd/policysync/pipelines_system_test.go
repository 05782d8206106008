//go:build system

package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
)

// pipeline runs parts of deploy/ci as a runner would, in a checkout of its own.
type pipeline struct {
	t      *testing.T
	dir    string
	env    []string
	forge  *forge
	writes atomic.Int64 // requests to Cloudflare that don't only read
	// The parts: how they are run, and their scripts by name.
	shell   []string
	scripts map[string]string
}

// newPipeline returns a pipeline in whose checkout one policy is missing from
// the account. Variables of the host come from the caller.
func newPipeline(t *testing.T) *pipeline {
	t.Helper()
	program, err := exec.LookPath("policysync")
	if err != nil {
		t.Fatal(err)
	}
	p := &pipeline{t: t, dir: t.TempDir(), forge: newForge(t, program)}
	account := simulator.New(simulator.Options{Token: token})
	cloudflare := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			p.writes.Add(1)
		}
		account.ServeHTTP(w, r)
	}))
	t.Cleanup(cloudflare.Close)
	p.env = []string{
		"HOME=" + t.TempDir(), "PATH=" + filepath.Join(p.dir, "bin") + ":/usr/bin:/bin", "NO_COLOR=1", "GORACE=atexit_sleep_ms=0",
		"POLICYSYNC_RELEASES=" + p.forge.url + "/releases", "POLICYSYNC_VERSION=0.1.0",
		fmt.Sprintf("POLICYSYNC_SHA256=%x", sha256.Sum256(p.forge.archive)),
		"CLOUDFLARE_ACCOUNT_ID=" + simulator.DefaultAccountID, "CLOUDFLARE_API_TOKEN=" + token, "CLOUDFLARE_BASE_URL=" + cloudflare.URL + "/client/v4",
	}
	p.write("a.yaml", "name: A\ndecision: allow\ninclude:\n  - email_domain: {domain: example.com}\n")
	return p
}

func (p *pipeline) write(name, text string) {
	p.t.Helper()
	folder := filepath.Join(p.dir, "policies")
	err := os.MkdirAll(folder, 0o750)
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// run runs a part and returns its exit code and all that it said.
func (p *pipeline) run(part string, env ...string) (code int, said string) {
	p.t.Helper()
	script, there := p.scripts[part]
	if !there {
		p.t.Fatalf("there is no %q", part)
	}
	c := exec.CommandContext(p.t.Context(), p.shell[0], append(p.shell[1:], "-c", script)...)
	c.Dir, c.Env = p.dir, slices.Concat(p.env, env)
	out, err := c.CombinedOutput()
	if strings.Contains(string(out), token) || strings.Contains(string(out), forgeToken) {
		p.t.Errorf("%s shows a secret: %s", part, out)
	}
	if err != nil && !errors.As(err, new(*exec.ExitError)) {
		p.t.Fatal(err)
	}
	return c.ProcessState.ExitCode(), string(out)
}

// want runs a part and fails unless it ends so, and says this.
func (p *pipeline) want(part string, code int, says string, env ...string) {
	p.t.Helper()
	if got, said := p.run(part, env...); got != code || !strings.Contains(said, says) {
		p.t.Errorf("%s ends with %d, want %d, and %q:\n%s", part, got, code, says, said)
	}
}

// noted fails unless the note of the pipeline has a text.
func (p *pipeline) noted(text string) {
	p.t.Helper()
	if got := p.forge.ours(p.t); !strings.HasPrefix(got, "<!-- policysync plan -->\n") || !strings.Contains(got, text) {
		p.t.Errorf("the note has no %q:\n%.500s", text, got)
	}
}

// plans goes through the life of a pull request.
func (p *pipeline) plans(plan string) {
	p.t.Helper()
	p.want(plan, 0, "")
	p.noted("1 to create")
	p.write("b.yaml", "name: B\ndecision: deny\ninclude:\n  - everyone: {}\n")
	p.want(plan, 0, "")
	p.noted("2 to create")
	p.write("c.yaml", "name: C\ndecision: alow\n")
	p.want(plan, 1, "c.yaml:2:11")
	p.noted("there is no plan")
	p.noted("c.yaml:2:11")
	p.write("c.yaml", "name: C\ndecision: deny\ninclude:\n  - everyone: {}\n")
	p.want(plan, 1, "Access: Apps and Policies Read", "CLOUDFLARE_API_TOKEN=wrong")
	p.noted("there is no plan")
	p.want(plan, 0, "")
	p.noted("3 to create")
	p.forge.close()
	if code, _ := p.run(plan); code == 0 {
		p.t.Error("a note that can't be written goes unnoticed")
	}
	if n := p.writes.Load(); n != 0 {
		p.t.Errorf("a plan sent %d requests that write", n)
	}
}

func TestGitHubWorkflow(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	p.github()
	p.want("Install policysync", 1, "did NOT match", "POLICYSYNC_SHA256="+strings.Repeat("0", 64))
	if _, err := os.Stat(filepath.Join(p.dir, "bin", "policysync")); err == nil {
		t.Fatal("a program of another checksum is installed")
	}
	p.want("Install policysync", 0, "")
	p.want("Validate", 0, "No mistakes")
	p.want("Show findings beside the lines", 0, "")
	if got := p.forge.scanned(); !strings.Contains(got, `"version":"2.1.0"`) && !strings.Contains(got, `"version": "2.1.0"`) {
		t.Errorf("sent as SARIF: %s", got)
	}
	p.want("Show findings beside the lines", 0, "No code scanning here", "GITHUB_TOKEN=none")
	p.plans("Plan")
	p.want("Validate", 0, "No mistakes")
	p.write("d.yaml", "name: D\n")
	p.want("Validate", 1, "d.yaml:1:1")
}

// TestLongPlanFitsIntoAComment of GitHub, which has a limit.
func TestLongPlanFitsIntoAComment(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	p.github()
	var all strings.Builder
	for i := range 900 {
		fmt.Fprintf(&all, "---\nname: %04d %s\ndecision: deny\ninclude:\n  - everyone: {}\n", i, strings.Repeat("x", 60))
	}
	p.write("many.yaml", all.String())
	p.want("Install policysync", 0, "")
	p.want("Plan", 0, "")
	p.noted("901 to create")
	p.noted("This is not all")
	summary, err := os.ReadFile(filepath.Join(p.dir, "summary"))
	if err != nil || !strings.Contains(string(summary), "0899 x") {
		t.Errorf("the summary isn't whole: %v", err)
	}
}

// github has the pipeline run the steps of the workflow.
func (p *pipeline) github() {
	p.t.Helper()
	var workflow struct {
		Jobs map[string]struct {
			Steps []struct{ Name, Run string }
		}
	}
	if err := yaml.Unmarshal([]byte(text(p.t, "deploy/ci/github-action.yaml")), &workflow); err != nil {
		p.t.Fatal(err)
	}
	p.shell, p.scripts = []string{"bash", "--noprofile", "--norc", "-eo", "pipefail"}, map[string]string{}
	for _, job := range workflow.Jobs {
		for _, step := range job.Steps {
			p.scripts[step.Name] = step.Run
		}
	}
	p.env = append(p.env,
		"GITHUB_API_URL="+p.forge.url, "GITHUB_REPOSITORY=security/access", "GITHUB_TOKEN="+forgeToken, "NUMBER=5",
		"GITHUB_SHA="+strings.Repeat("a", 40), "GITHUB_REF=refs/pull/5/merge", "RUNNER_TEMP="+p.dir,
		"GITHUB_PATH="+filepath.Join(p.dir, "path"), "GITHUB_STEP_SUMMARY="+filepath.Join(p.dir, "summary"))
}

func TestGitLabPipeline(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	p.gitlab()
	if code, said := p.run("policysync validate", "POLICYSYNC_SHA256="+strings.Repeat("0", 64)); code == 0 {
		t.Errorf("a program of another checksum is installed: %s", said)
	}
	p.want("policysync validate", 0, "No mistakes")
	p.plans("policysync plan")
	p.write("d.yaml", "name: D\n")
	p.want("policysync validate", 1, "d.yaml:1:1")
}

// gitlab has the pipeline run the jobs of the other file.
func (p *pipeline) gitlab() {
	p.t.Helper()
	var jobs map[string]struct {
		Before []string `yaml:"before_script"`
		Script []string
	}
	if err := yaml.Unmarshal([]byte(text(p.t, "deploy/ci/gitlab-ci.yml")), &jobs); err != nil {
		p.t.Fatal(err)
	}
	p.shell, p.scripts = []string{"sh", "-e"}, map[string]string{}
	for name, job := range jobs {
		p.scripts[name] = strings.Join(append(jobs[".policysync"].Before, job.Script...), "\n")
	}
	p.env = append(p.env,
		"CI_API_V4_URL="+p.forge.url, "CI_PROJECT_ID=3", "CI_MERGE_REQUEST_IID=5", "GITLAB_TOKEN="+forgeToken)
}
