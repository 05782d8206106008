package deploy_test

import (
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// workflows returns the files of ours, and of that for repositories with policies.
func workflows(t *testing.T) []string {
	t.Helper()
	ours, err := filepath.Glob(filepath.Join(root, ".github", "workflows", "*.y*ml"))
	if err != nil || len(ours) < 2 {
		t.Fatal(ours, err)
	}
	return append(ours, filepath.Join(deploy, "ci", "github-action.yaml"))
}

// TestWorkflowsAreSound by actionlint, which has shellcheck look at their
// scripts, and use only actions that can't be exchanged.
func TestWorkflowsAreSound(t *testing.T) {
	t.Parallel()
	must(t, "shellcheck", "--version") // without it actionlint would pass scripts over
	pinned := regexp.MustCompile(`^\s*(- )?uses: (\./\S*|[\w/.-]+@[0-9a-f]{40} # v\S+)$`)
	for _, file := range workflows(t) {
		must(t, "actionlint", "-shellcheck=shellcheck", "-no-color", file)
		for line := range strings.SplitSeq(read(t, file), "\n") {
			if strings.Contains(line, "uses:") && !pinned.MatchString(line) {
				t.Errorf("%s: not pinned by its commit: %s", file, line)
			}
		}
	}
}

// workflow is what counts of one for who may do what.
type workflow struct {
	On          map[string]any `json:"true"` // to YAML 1.1 the word on is true
	Permissions map[string]string
	Jobs        map[string]struct {
		Permissions map[string]string
		Steps       []struct {
			Run, Uses string
			With      map[string]any
		}
	}
}

func parsed(t *testing.T, file string) workflow {
	t.Helper()
	var w workflow
	if err := yaml.Unmarshal([]byte(read(t, file)), &w); err != nil {
		t.Fatal(err)
	}
	return w
}

// TestWorkflowsMayDoNoMoreThanTheyMust: each job says what it may, a checkout
// leaves no token behind, and nothing that strangers write becomes part of a
// script.
func TestWorkflowsMayDoNoMoreThanTheyMust(t *testing.T) {
	t.Parallel()
	for _, file := range workflows(t) {
		w := parsed(t, file)
		if w.Permissions == nil || len(w.Permissions) > 0 {
			t.Errorf("%s: by default jobs may %v, want nothing", file, w.Permissions)
		}
		if _, is := w.On["pull_request_target"]; is || len(w.Jobs) == 0 {
			t.Errorf("%s: triggered by %v, with %d jobs", file, w.On, len(w.Jobs))
		}
		for name, job := range w.Jobs {
			if job.Permissions == nil {
				t.Errorf("%s: the job %s doesn't say what it may", file, name)
			}
			for _, step := range job.Steps {
				if strings.Contains(step.Run, "${{") {
					t.Errorf("%s: give it to the script of %s by env: %s", file, name, step.Run)
				}
				if strings.HasPrefix(step.Uses, "actions/checkout@") && fmt.Sprint(step.With["persist-credentials"]) != "false" {
					t.Errorf("%s: %s leaves the token in the checkout", file, name)
				}
			}
		}
	}
}

// TestPlansAreForPullRequestsAlone, so that the secret is for nothing else.
func TestPlansAreForPullRequestsAlone(t *testing.T) {
	t.Parallel()
	w := parsed(t, filepath.Join(deploy, "ci", "github-action.yaml"))
	if len(w.On) != 1 || w.On["pull_request"] == nil {
		t.Errorf("it is triggered by %v", w.On)
	}
}

// TestDependabotSeesAllThatIsPinned in files of any kind that it can read.
func TestDependabotSeesAllThatIsPinned(t *testing.T) {
	t.Parallel()
	var config struct {
		Updates []struct {
			Ecosystem   string   `json:"package-ecosystem"`
			Directory   string   `json:"directory"`
			Directories []string `json:"directories"`
		} `json:"updates"`
	}
	if err := yaml.Unmarshal([]byte(read(t, root, ".github", "dependabot.yml")), &config); err != nil {
		t.Fatal(err)
	}
	var seen []string
	for _, u := range config.Updates {
		for _, folder := range append(u.Directories, u.Directory) {
			if folder != "" {
				seen = append(seen, u.Ecosystem+" "+folder)
			}
		}
	}
	pinned := pinnedThings(t)
	slices.Sort(seen)
	slices.Sort(pinned)
	if !slices.Equal(seen, pinned) {
		t.Errorf("dependabot looks at %q, and there is %q", seen, pinned)
	}
}

// pinnedThings returns what names versions of others, as the ecosystem and the
// folder that dependabot knows it by.
func pinnedThings(t *testing.T) []string {
	t.Helper()
	kinds := map[string]string{"go.mod": "gomod", "package-lock.json": "npm", "Dockerfile": "docker", "compose.yaml": "docker-compose"}
	found := []string{"github-actions /"} // by which it means .github/workflows
	uses := regexp.MustCompile(`(?m)^\s*(- )?uses: `)
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{".git", "node_modules", "testdata", "dist"}, entry.Name()):
			return filepath.SkipDir
		case entry.IsDir():
			return nil
		}
		folder, err := filepath.Rel(root, filepath.Dir(file))
		folder = path.Join("/", filepath.ToSlash(folder))
		if kind, is := kinds[entry.Name()]; is {
			found = append(found, kind+" "+folder)
		}
		if strings.HasPrefix(filepath.Ext(file), ".y") && folder != "/.github/workflows" && uses.MatchString(read(t, file)) {
			found = append(found, "github-actions "+folder)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return slices.Compact(found)
}
