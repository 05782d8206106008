//go:build system

package metrics_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

func promtool(t *testing.T, folder string, args ...string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "promtool", args...)
	c.Dir = folder
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("promtool %q: %v\n%s", args, err, out)
	}
}

func TestAlertsFireWhenTheyShould(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(deployed, "prometheus")
	promtool(t, folder, "check", "rules", "--lint-fatal", "rules.yaml")
	promtool(t, folder, "test", "rules", "rules_test.yaml")
}

// TestQueriesOfTheDashboardArePromQL has promtool read them as recording rules.
func TestQueriesOfTheDashboardArePromQL(t *testing.T) {
	t.Parallel()
	type recording struct{ Record, Expr string }
	var all []recording
	variables := strings.NewReplacer("$__rate_interval", "5m", "$__range", "1d", "$target", ".*")
	for _, p := range readDashboard(t).Panels {
		for _, q := range p.Targets {
			all = append(all, recording{"query", variables.Replace(q.Expr)})
		}
	}
	text, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "dashboard", "rules": all}}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "queries.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "", "check", "rules", "--lint=none", file)
}
