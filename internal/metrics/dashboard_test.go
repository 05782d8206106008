package metrics_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// dashboard is what the tests know of Grafana's model.
type dashboard struct {
	UID, Title    string
	SchemaVersion int
	Templating    struct {
		List []struct {
			Name  string
			Query any
		}
	}
	Panels []panel
}

type panel struct {
	ID          int
	Type, Title string
	Datasource  struct{ Type, UID string }
	GridPos     struct{ X, Y, W, H int }
	Targets     []struct{ RefID, Expr, LegendFormat string }
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(deployed, "grafana", "policysync.json"))
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDashboardIsWellFormed(t *testing.T) {
	t.Parallel()
	d := readDashboard(t)
	const grafana10 = 38
	if d.UID == "" || d.Title == "" || d.SchemaVersion < grafana10 {
		t.Errorf("uid %q, title %q, schema version %d", d.UID, d.Title, d.SchemaVersion)
	}
	if v := d.Templating.List; len(v) != 2 || v[0].Name != "datasource" || v[1].Name != "target" {
		t.Errorf("variables %v, want datasource and target", v)
	}
	ids := map[int]bool{}
	taken := map[[2]int]string{}
	for _, p := range d.Panels {
		if p.ID == 0 || ids[p.ID] || p.Title == "" {
			t.Errorf("panel %q has the id %d, which is none or another's", p.Title, p.ID)
		}
		ids[p.ID] = true
		if (p.Type == "row") != (len(p.Targets) == 0) || p.Type != "row" && (p.Datasource.Type != "prometheus" || p.Datasource.UID != "${datasource}") {
			t.Errorf("panel %q has %d queries of %v", p.Title, len(p.Targets), p.Datasource)
		}
		if p.GridPos.X+p.GridPos.W > 24 || p.GridPos.W == 0 || p.GridPos.H == 0 {
			t.Errorf("panel %q lies at %v", p.Title, p.GridPos)
		}
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" {
					t.Fatalf("panel %q lies on %q", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
}

func TestDashboardNamesWhatThereIs(t *testing.T) {
	t.Parallel()
	d := readDashboard(t)
	shown := map[string]bool{}
	for _, p := range d.Panels {
		for _, q := range p.Targets {
			for _, fault := range append(faults(q.Expr), legendFaults(q.LegendFormat, q.Expr)...) {
				t.Errorf("panel %q: %s", p.Title, fault)
			}
			family, _ := familyOf(metricName.FindString(q.Expr))
			shown[family.Name] = true
			if chosen := strings.Contains(q.Expr, `{target=~"$target"`); chosen != slices.Contains(labelsOf(q.Expr), "target") {
				t.Errorf("panel %q: the variable target chooses: %t, in %s", p.Title, chosen, q.Expr)
			}
		}
	}
	query, err := json.Marshal(d.Templating.List[1].Query)
	if want := "label_values(policysync_suspended, target)"; err != nil || !strings.Contains(string(query), want) {
		t.Errorf("the targets are %s, want %s", query, want)
	}
	delete(shown, "")
	if len(shown) < 15 {
		t.Errorf("only %d metrics are shown", len(shown))
	}
}

// labelsOf returns the labels of the metrics in an expression.
func labelsOf(expr string) []string {
	var all []string
	for _, name := range metricName.FindAllString(expr, -1) {
		family, _ := familyOf(name)
		for _, l := range family.Labels {
			all = append(all, l.Name)
		}
	}
	return all
}

// legendFaults returns the labels that a legend names and a query doesn't give.
func legendFaults(legend, expr string) []string {
	var all []string
	given := labelsOf(expr)
	if by := grouping.FindStringSubmatch(expr); by != nil {
		given = strings.Split(strings.ReplaceAll(by[1], " ", ""), ",")
	}
	for _, label := range regexp.MustCompile(`{{(\w+)}}`).FindAllStringSubmatch(legend, -1) {
		if !slices.Contains(given, label[1]) {
			all = append(all, "the legend names "+label[1]+", which "+expr+" doesn't give")
		}
	}
	return all
}
