package metrics_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/metrics"
)

var update = flag.Bool("update", false, "rewrite docs/reference/metrics.md")

// preface is what the page says before the metrics.
const preface = `# Metrics

<!-- go test ./internal/metrics -update writes this page. -->

` + "`GET /metrics`" + ` gives these for Prometheus, in OpenMetrics to those who ask for it, and those of the Go runtime (` + "`go_…`" + `) and the
process (` + "`process_…`" + `). The values of labels are bounded: none is a commit, a person, a policy or the text of an error. Every series whose
labels are known stands at 0 from the start, so that its first increase is seen. [deploy](../../deploy/README.md#prometheus) has
alerts and a dashboard made of them.
`

// reference is the page of all metrics.
func reference() string {
	var page strings.Builder
	page.WriteString(preface)
	for _, f := range metrics.Families() {
		fmt.Fprintf(&page, "\n## %s\n\n%s: %s\n", f.Name, strings.ToUpper(f.Type[:1])+f.Type[1:], f.Help)
		if len(f.Labels) > 0 {
			page.WriteString("\n| label | values |\n|---|---|\n")
		}
		for _, l := range f.Labels {
			values := l.Of
			if l.Values != nil {
				values = "`" + strings.Join(l.Values, "`, `") + "`"
			}
			fmt.Fprintf(&page, "| `%s` | %s |\n", l.Name, values)
		}
	}
	return page.String()
}

func TestReferenceListsEveryMetric(t *testing.T) {
	t.Parallel()
	file := filepath.Join("..", "..", "docs", "reference", "metrics.md")
	if *update {
		if err := os.WriteFile(file, []byte(reference()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(page), reference()); d != "" {
		t.Errorf("docs/reference/metrics.md is behind; go test ./internal/metrics -update writes it (-file +metrics):\n%s", d)
	}
}
