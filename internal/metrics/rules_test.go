package metrics_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/policysync/policysync/internal/doctest"
)

var deployed = filepath.Join("..", "..", "deploy")

// rule is an alert of deploy/prometheus/rules.yaml.
type rule struct {
	Alert, Expr         string
	Labels, Annotations map[string]string
}

func rules(t *testing.T) []rule {
	t.Helper()
	var file struct {
		Groups []struct{ Rules []rule }
	}
	decode(t, "rules.yaml", &file)
	var all []rule
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

func decode(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(deployed, "prometheus", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

func TestAlertsNameWhatThereIs(t *testing.T) {
	t.Parallel()
	for _, r := range rules(t) {
		for _, fault := range faults(r.Expr) {
			t.Errorf("%s: %s", r.Alert, fault)
		}
		if severities := []string{"critical", "warning", "info"}; !slices.Contains(severities, r.Labels["severity"]) {
			t.Errorf("%s is of severity %q, want one of %q", r.Alert, r.Labels["severity"], severities)
		}
		if r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
			t.Errorf("%s has no summary or no description", r.Alert)
		}
		if where := regexp.MustCompile(`\$labels\.(target|instance|provider)\b`); !where.MatchString(r.Annotations["description"]) {
			t.Errorf("%s doesn't say what it is about", r.Alert)
		}
	}
}

// TestEveryAlertHasARunbook and every runbook an alert.
func TestEveryAlertHasARunbook(t *testing.T) {
	t.Parallel()
	const address = "https://github.com/policysync/policysync/blob/main/docs/runbooks/"
	folder := filepath.Join("..", "..", "docs", "runbooks")
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	pages := map[string]bool{}
	for _, e := range entries {
		pages[e.Name()] = true
	}
	for _, r := range rules(t) {
		page := r.Alert + ".md"
		if r.Annotations["runbook_url"] != address+page {
			t.Errorf("the runbook of %s is at %q", r.Alert, r.Annotations["runbook_url"])
		}
		if !pages[page] {
			t.Errorf("there is no docs/runbooks/%s", page)
			continue
		}
		delete(pages, page)
		text, err := os.ReadFile(filepath.Join(folder, page))
		if err != nil {
			t.Fatal(err)
		}
		var headings []string
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "# ") && len(headings) == 0 || strings.HasPrefix(line, "## ") {
				headings = append(headings, strings.TrimSpace(line))
			}
		}
		want := []string{"# " + r.Alert, "## What it means", "## Why it matters", "## How to look", "## What to do"}
		if !slices.Equal(headings, want) {
			t.Errorf("%s has the headings %q, want %q", page, headings, want)
		}
	}
	for page := range pages {
		t.Errorf("docs/runbooks/%s is of no alert", page)
	}
}

// TestTheMapListsEveryAlert with its runbook and how severe it is.
func TestTheMapListsEveryAlert(t *testing.T) {
	t.Parallel()
	table, label := "| alert | severity | says |\n|---|---|---|\n", regexp.MustCompile(`\{\{ \$labels\.\w+ \}\}`)
	for _, r := range rules(t) {
		says := label.ReplaceAllString(r.Annotations["summary"], "…")
		table += fmt.Sprintf("| [%s](runbooks/%s.md) | %s | %s |\n", r.Alert, r.Alert, r.Labels["severity"], says)
	}
	doctest.Part(t, filepath.Join("..", "..", "docs", "README.md"), "alerts", table, *update)
}

// TestEveryAlertIsTested by a time at which it fires and one at which it doesn't.
// That they do is for promtool to say.
func TestEveryAlertIsTested(t *testing.T) {
	t.Parallel()
	var file struct {
		Tests []struct {
			InputSeries []struct{ Series string } `yaml:"input_series"`
			Alerts      []struct {
				Alertname string
				Expected  []any `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}
	decode(t, "rules_test.yaml", &file)
	fires, silent := map[string]bool{}, map[string]bool{}
	for _, test := range file.Tests {
		for _, s := range test.InputSeries {
			for _, fault := range faults(s.Series) {
				t.Errorf("%s: %s", s.Series, fault)
			}
		}
		for _, a := range test.Alerts {
			if len(a.Expected) > 0 {
				fires[a.Alertname] = true
			} else {
				silent[a.Alertname] = true
			}
		}
	}
	for _, r := range rules(t) {
		if !fires[r.Alert] || !silent[r.Alert] {
			t.Errorf("%s is tested to fire: %t, not to fire: %t", r.Alert, fires[r.Alert], silent[r.Alert])
		}
	}
}
