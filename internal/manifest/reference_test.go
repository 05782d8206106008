package manifest_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/doctest"
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
			if diff := gocmp.Diff(blocks[i+1].text, lines(t, err)); diff != "" {
				t.Errorf("errors (-page +got):\n%s", diff)
			}
		}
	}
}

// TestReferenceIsMadeOfTheTables that the decoder goes by, and the schema.
func TestReferenceIsMadeOfTheTables(t *testing.T) {
	t.Parallel()
	var own []policy.Field
	fields := manifest.Fields()
	for i := range fields {
		if fields[i].Name == "policysync" {
			own, fields[i].Fields = fields[i].Fields, nil
		}
	}
	var kinds strings.Builder
	for _, k := range policy.Kinds() {
		table := "It has no fields.\n"
		if len(k.Fields) > 0 {
			table = head + rows("", nil, k.Fields)
		}
		fmt.Fprintf(&kinds, "### %s\n\n%s\n\n%s\n```yaml\n- %s: %s\n```\n\n", k.Name, k.Doc, table, k.Name, k.Example)
	}
	for _, part := range []struct{ name, text string }{
		{"fields", head + rows("", told, fields)},
		{"policysync", head + rows("policysync.", told, own)},
		{"kinds", kinds.String()},
		{"rule sets", head + rows("", told, manifest.RuleSetFields()[1:3])},
	} {
		doctest.Part(t, "../../docs/reference/manifest.md", part.name, part.text, *update)
	}
}

const head = "| field | value | |\n|---|---|---|\n"

// rows are the rows of a table of fields, and of fields within these, with what
// is told of their values.
func rows(prefix string, told map[string]string, fields []policy.Field) string {
	var b strings.Builder
	for _, f := range fields {
		fmt.Fprintf(&b, "| `%s%s` | %s | %s |\n", prefix, f.Name, cmp.Or(told[prefix+f.Name], value(f)), meant(f))
		inner := prefix + f.Name + "."
		if f.Many {
			inner = prefix + f.Name + "[]."
		}
		b.WriteString(rows(inner, told, f.Fields))
	}
	return b.String()
}

// told are the values of fields for which their type doesn't say enough.
var told = map[string]string{
	"name": "text on one line", "policysync.key": "text on one line", "policysync": "[object](#policysync)",
	"policysync.previously": "list of names",
	"kind":                  "`Policy`, or `RuleSet` for a [rule set](#rule-sets)",
}

var types = map[policy.Type]string{
	policy.Text: "text", policy.Bool: "true or false", policy.Number: "whole number, 0 or more", policy.Duration: "duration",
	policy.Email: "e-mail address", policy.Domain: "domain", policy.CIDR: "IP address or block", policy.Country: "country",
	policy.URL: "https URL", policy.Object: "object", policy.Rules: "list of [rules](#rules)",
}

// value is what may stand in a field, in words.
func value(f policy.Field) string {
	text, known := types[f.Type]
	switch {
	case f.Type == policy.ID:
		article := "a"
		if strings.ContainsAny(string(f.Refers[:1]), "aeiouAEIOU") {
			article = "an"
		}
		text = "id of " + article + " " + strings.Replace(string(f.Refers), "email", "e-mail", 1)
	case f.Enum != nil:
		text = "`" + strings.Join(f.Enum, "`, `") + "`"
	case f.Units != "":
		text += " in `" + strings.Join(slices.Sorted(strings.SplitSeq(f.Units, "")), "` and `") + "`"
	case !known:
		text = "day, `YYYY-MM-DD`" // the one type that policysync's own settings add
	}
	if f.Longest > 0 {
		text += fmt.Sprintf(", at most `%gh`", f.Longest.Hours())
	}
	switch {
	case f.Many && f.Enum == nil:
		text = "list of " + strings.Replace(text, "address", "addresses", 1)
		text = strings.Replace(text, "object", "objects", 1)
	case f.Many:
		text = "list of " + text
	}
	if f.Required && (f.Many || f.Type == policy.Rules) {
		text += ", at least one"
	}
	if f.Nullable {
		text += ", or null"
	}
	return text
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
