package deploy_test

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestChartReadmeListsEveryValue with the default that it has.
func TestChartReadmeListsEveryValue(t *testing.T) {
	t.Parallel()
	values, ok := generic(t, read(t, chart, "values.yaml")).(map[string]any)
	if !ok {
		t.Fatal("values.yaml is no object")
	}
	want := leaves("", values)
	var got []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (.*?) \\| .+ \\|$").FindAllStringSubmatch(read(t, chart, "README.md"), -1) {
		got = append(got, row[1]+" = "+strings.Trim(row[2], "`"))
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("README.md has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// whole are values that are taken as they are, not key by key.
var whole = []string{"podSecurityContext", "securityContext", "resources.requests", "resources.limits", "dashboard.labels"}

// leaves returns each key below a prefix with its value, sorted.
func leaves(prefix string, values map[string]any) []string {
	var all []string
	for _, key := range slices.Sorted(maps.Keys(values)) {
		name := prefix + key
		deeper, is := values[key].(map[string]any)
		if is && len(deeper) > 0 && !slices.Contains(whole, name) {
			all = append(all, leaves(name+".", deeper)...)
			continue
		}
		all = append(all, name+" = "+compact(values[key]))
	}
	slices.Sort(all)
	return all
}

// compact is a value on one line, or "see values.yaml" where it is long.
func compact(value any) string {
	text, err := json.Marshal(value)
	if err != nil || len(text) > 40 {
		return "see values.yaml"
	}
	return string(text)
}
