package deploy_test

import (
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// TestWorkflowsAreSound by actionlint, which has shellcheck look at their
// scripts, and use only actions that can't be exchanged.
func TestWorkflowsAreSound(t *testing.T) {
	t.Parallel()
	ours, err := filepath.Glob(filepath.Join(root, ".github", "workflows", "*.y*ml"))
	if err != nil {
		t.Fatal(err)
	}
	must(t, "shellcheck", "--version") // without it actionlint would pass scripts over
	pinned := regexp.MustCompile(`^\s*(- )?uses: (\./\S*|[\w/.-]+@[0-9a-f]{40} # v\S+)$`)
	for _, file := range append(ours, filepath.Join(deploy, "ci", "github-action.yaml")) {
		must(t, "actionlint", "-shellcheck=shellcheck", "-no-color", file)
		for line := range strings.SplitSeq(read(t, file), "\n") {
			if strings.Contains(line, "uses:") && !pinned.MatchString(line) {
				t.Errorf("%s: not pinned by its commit: %s", file, line)
			}
		}
	}
}

// TestWorkflowIsOutOfStrangersReach by its trigger and its permissions.
func TestWorkflowIsOutOfStrangersReach(t *testing.T) {
	t.Parallel()
	workflow, is := generic(t, read(t, deploy, "ci", "github-action.yaml")).(map[string]any)
	if !is {
		t.Fatal("no object")
	}
	// To YAML 1.1 the word on is true.
	if on, is := workflow["true"].(map[string]any); !is || len(on) != 1 || on["pull_request"] == nil {
		t.Errorf("it is triggered by %v", workflow["true"])
	}
	if all, is := workflow["permissions"].(map[string]any); !is || len(all) != 0 {
		t.Errorf("every job may %v", workflow["permissions"])
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
