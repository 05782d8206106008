package schema_test

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/policysync/policysync/internal/schema"
	"github.com/policysync/policysync/internal/yamltree"
)

// compiled returns a schema for an independent validator, which checks it
// against the metaschema first.
func compiled(t *testing.T, write func() ([]byte, error)) *jsonschema.Schema {
	t.Helper()
	text, err := write()
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("schema.json", document); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// schemas are all there are.
var schemas = map[string]func() ([]byte, error){"manifest": schema.Manifest, "config": schema.Config}

func TestSchemasAreThoseOfDraft202012(t *testing.T) {
	t.Parallel()
	metaschema, err := jsonschema.NewCompiler().Compile("https://json-schema.org/draft/2020-12/schema")
	if err != nil {
		t.Fatal(err)
	}
	for name, write := range schemas {
		text, err := write()
		if err != nil {
			t.Fatal(err)
		}
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := metaschema.Validate(document); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if root, _ := document.(map[string]any); root["$schema"] != "https://json-schema.org/draft/2020-12/schema" {
			t.Errorf("%s: $schema is %v", name, root["$schema"])
		}
	}
}

// refused returns what a schema says of the documents of a file, and what is
// wrong with it as YAML, of which a schema sees nothing.
func refused(s *jsonschema.Schema, text []byte) (refusals []string, notYAML map[string]bool) {
	file := yamltree.New("policy.yaml", text)
	for root := range file.Documents() {
		if err := s.Validate(plain(root)); err != nil && !broken(root) {
			refusals = append(refusals, err.Error())
		}
	}
	notYAML = map[string]bool{}
	for _, d := range file.Findings() {
		notYAML[d.Message] = true
	}
	return refusals, notYAML
}

// broken reports whether a part of a document can't be read.
func broken(v yamltree.Value) bool {
	if v.Shape == yamltree.Broken || slices.ContainsFunc(v.Items, broken) {
		return true
	}
	return slices.ContainsFunc(v.Entries, func(e yamltree.Entry) bool { return broken(e.Value) })
}

// plain returns a value as an editor sees it, which reads YAML 1.2: a date is
// text there, and a number is what it counts.
func plain(v yamltree.Value) any {
	switch v.Shape {
	case yamltree.Object:
		object := map[string]any{}
		for _, e := range v.Entries {
			object[e.Key] = plain(e.Value)
		}
		return object
	case yamltree.List:
		list := []any{}
		for _, item := range v.Items {
			list = append(list, plain(item))
		}
		return list
	case yamltree.Bool:
		return strings.EqualFold(v.Text, "true")
	case yamltree.Number:
		return number(v.Text)
	case yamltree.Text, yamltree.Date:
		return v.Text
	default:
		return nil
	}
}

func number(text string) any {
	if json.Valid([]byte(text)) {
		return json.Number(text)
	}
	if n, err := strconv.ParseInt(text, 0, 64); err == nil {
		return n
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return text
	}
	return f
}

// What the reference says of how values are written, descriptions say too.
func TestSchemaSaysOfValuesWhatTheReferenceSays(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/reference/manifest.md")
	if err != nil {
		t.Fatal(err)
	}
	text, err := schema.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{"duration", "e-mail address", "domain", "IP address or block", "country", "URL"} {
		_, row, _ := strings.Cut(string(page), "\n| "+value+" | ")
		said, _, _ := strings.Cut(strings.ReplaceAll(row, "`", ""), " |")
		if said == "" || !strings.Contains(string(text), strings.ToUpper(said[:1])+said[1:]+".") {
			t.Errorf("no field is described as the reference describes a %s: %s", value, said)
		}
	}
}
