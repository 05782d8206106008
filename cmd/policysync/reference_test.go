package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/diff/render"
	"github.com/policysync/policysync/internal/doctest"
	"github.com/policysync/policysync/internal/report"
)

// TestReferenceIsMadeOfTheCommands and their flags.
func TestReferenceIsMadeOfTheCommands(t *testing.T) {
	t.Parallel()
	root := newRoot(&app{})
	root.InitDefaultCompletionCmd()
	var commands strings.Builder
	commands.WriteString("| command | does |\n|---|---|\n")
	for _, c := range root.Commands() {
		fmt.Fprintf(&commands, "| `policysync %s` | %s |\n", c.Use, strings.ToLower(c.Short[:1])+c.Short[1:])
	}
	exits := "| code | of | says |\n|---|---|---|\n"
	for _, m := range exitCodes() {
		exits += fmt.Sprintf("| %d | %s | %s |\n", m.code, m.commands, m.says)
	}
	const page = "../../docs/reference/commands.md"
	doctest.Part(t, page, "commands", commands.String(), *update)
	doctest.Part(t, page, "exit codes", exits, *update)
	doctest.Part(t, page, "flags", flagTable(root), *update)
}

// aFlag is a line of a command's help: short form, flag with its value, usage.
var aFlag = regexp.MustCompile(`(?m)^ +(-\w, )?(--[a-z-]+(?: [A-Z=]+)?) {2,}(.+)$`)

// flagTable is a table of all flags, each with the commands that have it, by
// their names.
func flagTable(root *cobra.Command) string {
	of := map[string][]string{}
	for _, c := range root.Commands() {
		for _, found := range aFlag.FindAllStringSubmatch(c.LocalNonPersistentFlags().FlagUsages(), -1) {
			row := "| `" + found[2] + "`"
			if found[1] != "" {
				row += ", `" + strings.TrimSuffix(found[1], ", ") + "`"
			}
			row += " | % | " + found[3] + " |\n"
			of[row] = append(of[row], "`"+c.Name()+"`")
		}
	}
	for _, found := range aFlag.FindAllStringSubmatch(root.PersistentFlags().FlagUsages(), -1) {
		of["| `"+found[2]+"` | % | "+found[3]+" |\n"] = []string{"all"}
	}
	table := "| flag | of | |\n|---|---|---|\n"
	for _, row := range slices.Sorted(maps.Keys(of)) {
		table += strings.Replace(row, "%", strings.Join(of[row], ", "), 1)
	}
	return table
}

// TestReferenceNamesEveryJSONField that commands print.
func TestReferenceNamesEveryJSONField(t *testing.T) {
	t.Parallel()
	reference := text(t, "docs/reference/commands.md")
	for _, field := range jsonFields(t) {
		if !strings.Contains(reference, "`"+field+"`") {
			t.Errorf("nothing is said of the JSON field %s", field)
		}
	}
}

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
