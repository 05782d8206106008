package lint_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/diagnostic"
	"github.com/policysync/policysync/internal/doctest"
	"github.com/policysync/policysync/internal/lint"
	"github.com/policysync/policysync/internal/manifest"
	"github.com/policysync/policysync/internal/policy"
)

var update = flag.Bool("update", false, "rewrite what the pages of lints say is found")

// found returns what is found in a manifest, errors too, a line for each.
func found(t *testing.T, text string, things map[policy.Reference][]policy.Thing) []string {
	t.Helper()
	return foundIn(t, fstest.MapFS{"policy.yaml": {Data: []byte(text)}}, things)
}

func foundIn(t *testing.T, files fstest.MapFS, things map[policy.Reference][]policy.Thing) []string {
	t.Helper()
	set, err := manifest.Decode(files)
	list, mistaken := errors.AsType[diagnostic.List](err)
	if !mistaken {
		list = lint.Check(set, things)
	}
	lines := []string{}
	for _, d := range list {
		lines = append(lines, d.String())
	}
	return lines
}

// page is a page of a lint, cut where its fenced blocks begin and end: prose at
// even indices, blocks with their language at odd ones.
func page(t *testing.T, code string) (file string, parts []string) {
	t.Helper()
	file = filepath.Join("..", "..", "docs", "lints", code+".md")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return file, strings.Split(string(text), "```")
}

func TestEveryLintHasAPageWhoseExamplesShowIt(t *testing.T) {
	t.Parallel()
	for _, l := range lint.All() {
		t.Run(l.Code, func(t *testing.T) {
			t.Parallel()
			file, parts := page(t, l.Code)
			if head := fmt.Sprintf("# %s: %s\n\n%s\n\n", l.Code, l.Title, l.Doc); !strings.HasPrefix(parts[0], head) {
				t.Errorf("the page doesn't begin with %q", head)
			}
			shown := map[string]int{}
			for i := 1; i < len(parts); i += 2 {
				info, text, _ := strings.Cut(parts[i], "\n")
				shown[info]++
				switch info {
				case "yaml bad":
					lines := found(t, text, nil)
					others := slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return strings.HasSuffix(line, "("+l.Code+")") })
					if len(others) == len(lines) || len(others) > 0 && l.Code != "PS001" { // which silences nothing
						t.Errorf("found %q", lines)
					}
					parts[i+2] = expect(t, parts[i+2], lines)
				case "yaml", "yaml silenced":
					if lines := found(t, text, nil); len(lines) > 0 {
						t.Errorf("the %s example has mistakes: %q", info, lines)
					}
				}
			}
			want := map[string]int{"yaml bad": 1, "text": 1, "yaml": max(1, shown["yaml"])}
			if !strings.HasPrefix(l.Code, "PS0") {
				want["yaml silenced"] = 1
			}
			if d := cmp.Diff(want, shown); d != "" {
				t.Errorf("blocks (-want +got):\n%s", d)
			}
			if *update {
				if err := os.WriteFile(file, []byte(strings.Join(parts, "```")), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// expect compares the block of a page that shows findings with these, and
// returns what the block should be.
func expect(t *testing.T, block string, lines []string) string {
	t.Helper()
	want := "text\n" + strings.Join(lines, "\n") + "\n"
	if d := cmp.Diff(want, block); d != "" && !*update {
		t.Errorf("findings (-got +page), rewritten by -update:\n%s", d)
	}
	return want
}

func TestEveryPageIsOfALintAndInTheTable(t *testing.T) {
	t.Parallel()
	var want, got []string
	for _, l := range lint.All() {
		want = append(want, l.Code+".md")
	}
	pages, err := os.ReadDir(filepath.Join("..", "..", "docs", "lints"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pages {
		got = append(got, p.Name())
	}
	if d := cmp.Diff(want, got); d != "" || !slices.IsSorted(want) {
		t.Errorf("pages (-lints +pages):\n%s", d)
	}
	var table strings.Builder
	table.WriteString("| code | | | |\n|---|---|---|---|\n")
	for _, l := range lint.All() {
		fmt.Fprintf(&table, "| [%s](../lints/%s.md) | %s | %s | %s |\n", l.Code, l.Code, l.Title, l.Severity, l.Doc)
	}
	doctest.Part(t, filepath.Join("..", "..", "docs", "reference", "lints.md"), "lints", table.String(), *update)
}
