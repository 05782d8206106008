package main

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/diff/render"
	"github.com/policysync/policysync/internal/report"
)

// TestReferenceNamesEveryCommandFlagAndJSONField holds docs/reference/commands.md
// against the program.
func TestReferenceNamesEveryCommandFlagAndJSONField(t *testing.T) {
	t.Parallel()
	reference := text(t, "docs/reference/commands.md")
	root := newRoot(&app{})
	root.InitDefaultCompletionCmd()
	var flags []string
	for _, c := range append(root.Commands(), root) {
		if c != root && !strings.Contains(reference, "\n| `policysync "+c.Use+"`") {
			t.Errorf("nothing is said of the command %s", c.Name())
		}
		flags = append(flags, aFlag.FindAllString(c.LocalFlags().FlagUsages(), -1)...)
	}
	for _, flag := range flags {
		if !strings.Contains(reference, "`"+flag+"`") {
			t.Errorf("nothing is said of the flag %s", flag)
		}
	}
	for _, field := range jsonFields(t) {
		if !strings.Contains(reference, "`"+field+"`") {
			t.Errorf("nothing is said of the JSON field %s", field)
		}
	}
}

// aFlag is a flag in a command's help, with what its value is called.
var aFlag = regexp.MustCompile(`--[a-z-]+( [A-Z=]+)?\b`)

// jsonFields returns the names of all fields that --format json writes.
func jsonFields(t *testing.T) []string {
	t.Helper()
	plan := diff.Plan{Changes: []diff.Change{{Fields: []diff.FieldChange{{}}}}}
	var b strings.Builder
	if err := render.JSON(&b, render.Document{Plan: plan}); err != nil {
		t.Fatal(err)
	}
	run := report.Run{Changes: []report.Change{{}}}
	status := report.Status{
		Target: report.Target{LastRun: &run, Suspended: &report.Suspension{}}, Policies: []report.Policy{{}},
	}
	fields := map[string]bool{}
	for _, document := range []any{json.RawMessage(b.String()), run, status} {
		encoded, err := json.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		var decoded any
		if err := json.Unmarshal(encoded, &decoded); err != nil {
			t.Fatal(err)
		}
		collect(decoded, fields)
	}
	return slices.Sorted(maps.Keys(fields))
}

func collect(value any, names map[string]bool) {
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			names[name] = true
			collect(inner, names)
		}
	case []any:
		for _, inner := range v {
			collect(inner, names)
		}
	}
}
