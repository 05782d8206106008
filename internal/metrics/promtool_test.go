//go:build system

package metrics_test

import (
	"os/exec"
	"path/filepath"
	"testing"
)

func TestAlertsFireWhenTheyShould(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"check", "rules", "--lint-fatal", "rules.yaml"}, {"test", "rules", "rules_test.yaml"}} {
		c := exec.CommandContext(t.Context(), "promtool", args...)
		c.Dir = filepath.Join(deployed, "prometheus")
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("promtool %q: %v\n%s", args, err, out)
		}
	}
}
