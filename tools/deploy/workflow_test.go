package deploy_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
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
