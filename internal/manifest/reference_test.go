package manifest_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/manifest"
	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/yamltree"
)

// block is a fenced block of a Markdown page.
type block struct{ info, text string }

func reference(t *testing.T) (page string, blocks []block) {
	t.Helper()
	text, err := os.ReadFile("../../docs/reference/manifest.md")
	if err != nil {
		t.Fatal(err)
	}
	for i, part := range strings.Split(string(text), "```") {
		if info, body, _ := strings.Cut(part, "\n"); i%2 == 1 {
			blocks = append(blocks, block{info, body})
		}
	}
	if len(blocks) < len(policy.Kinds()) {
		t.Fatalf("the page has %d blocks", len(blocks))
	}
	return string(text), blocks
}

func TestExamplesOfTheReferenceAreValid(t *testing.T) {
	t.Parallel()
	_, blocks := reference(t)
	for i, b := range blocks {
		files := fstest.MapFS{"policy.yaml": {Data: []byte(b.text)}}
		switch {
		case b.info == "yaml" && strings.HasPrefix(b.text, "- "):
			files["policy.yaml"].Data = []byte("name: A\ndecision: allow\ninclude:\n" + b.text)
			fallthrough
		case b.info == "yaml":
			if set, err := manifest.Decode(files); err != nil || len(set.Policies) != 1 {
				t.Errorf("%d policies, error %v in:\n%s", len(set.Policies), err, b.text)
			}
		case b.info == "yaml vars":
			decoder := manifest.Decoder{Vars: map[string]any{"env": "staging", "domain": "example.com", "strict": true, "approvals": json.Number("2")}}
			if set, err := decoder.Decode(files); err != nil || len(set.Policies) != 1 {
				t.Errorf("%d policies, error %v in:\n%s", len(set.Policies), err, b.text)
			}
		case b.info == "yaml bad":
			_, err := manifest.Decode(files)
			if diff := cmp.Diff(blocks[i+1].text, lines(t, err)); diff != "" {
				t.Errorf("errors (-page +got):\n%s", diff)
			}
		}
	}
}

// The page's prose is that of the tables, so that the schema says the same.
func TestReferenceSaysOfEveryKindAndFieldWhatTheTablesSay(t *testing.T) {
	t.Parallel()
	page, _ := reference(t)
	documented(t, page, "", manifest.Fields())
	documented(t, after(page, "\n## Rule sets\n"), "", manifest.RuleSetFields()[1:3])
	for _, k := range policy.Kinds() {
		section, _, _ := strings.Cut(after(page, "\n### "+k.Name+"\n"), "\n##")
		if !strings.HasPrefix(section, "\n"+k.Doc+"\n") || !strings.Contains(section, "- "+k.Name+":") {
			t.Errorf("no section of kind %s with %q and an example", k.Name, k.Doc)
		}
		documented(t, section, "", k.Fields)
	}
}

func documented(t *testing.T, page, prefix string, fields []policy.Field) {
	t.Helper()
	for _, f := range fields {
		row, _, _ := strings.Cut(after(page, "\n| `"+prefix+f.Name+"` | "), "\n")
		value, meaning, _ := strings.Cut(row, " | ")
		if want := meant(f); meaning != want+" |" {
			t.Errorf("field %s%s: got %q, want %q", prefix, f.Name, meaning, want)
		}
		for _, word := range f.Enum {
			if !strings.Contains(value, "`"+word+"`") {
				t.Errorf("field %s%s: value %s is not named", prefix, f.Name, word)
			}
		}
		inner := prefix + f.Name + "."
		if f.Many {
			inner = prefix + f.Name + "[]."
		}
		documented(t, page, inner, f.Fields)
	}
}

// meant is what the page says in the last column.
func meant(f policy.Field) string {
	switch {
	case f.Required && f.Doc != "":
		return "**required**; " + f.Doc
	case f.Required:
		return "**required**"
	default:
		return f.Doc
	}
}

// after returns what follows a text, or "".
func after(page, text string) string {
	_, rest, _ := strings.Cut(page, text)
	return rest
}

func TestReferenceStatesTheLimits(t *testing.T) {
	t.Parallel()
	page, _ := reference(t)
	want := fmt.Sprintf("| %d MiB |\n| objects and lists within each other | %d |\n| values of a document, after its aliases are expanded | %d,000 |\n| errors shown of one file | %d,000 |\n"+
		"| rules that one rule set stands for, with those that it uses | %d,000 |\n| rule sets within each other | %d |\n| rules that rule sets stand for, in all policies together | %d,000,000 |\n",
		manifest.MaxFileSize>>20, yamltree.MaxDepth, yamltree.MaxValues/1000, yamltree.MaxFindings/1000,
		manifest.MaxRuleSetRules/1000, manifest.MaxRuleSetDepth, manifest.MaxExpandedRules/1_000_000)
	if !strings.Contains(page, want) {
		t.Errorf("the page doesn't have:\n%s", want)
	}
}
