package schema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/policysync/policysync/internal/manifest"
	"github.com/policysync/policysync/internal/policy"
)

// object returns the schema of an object with these fields and no others; as
// makes that of each.
func object(fields []policy.Field, as func(policy.Field) *jsonschema.Schema) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "object", Properties: properties{}, AdditionalProperties: nothing()}
	for _, f := range fields {
		s.Properties[f.Name] = as(f)
		s.PropertyOrder = append(s.PropertyOrder, f.Name)
		if f.Required {
			s.Required = append(s.Required, f.Name)
		}
	}
	return s
}

// field returns the schema of a field with its description.
func (m manifests) field(f policy.Field) *jsonschema.Schema {
	s := m.value(f)
	if f.Many || f.Type == policy.Rules {
		list := &jsonschema.Schema{Type: "array", Items: s, UniqueItems: f.Type == manifest.Title}
		if f.Required {
			list.MinItems = new(1)
		}
		s = list
	}
	if f.Nullable {
		s = alsoOf("null", m.form(formOf(f)))
	}
	s.Title, s.Description = f.Name, describe(f)
	return s
}

// largestNumber is the largest that a Number may be.
const largestNumber = 999_999_999

// value returns the schema of a single value of a field; of rules, none, for
// which there are is for the document to say.
func (m manifests) value(f policy.Field) *jsonschema.Schema {
	switch {
	case f.Type == policy.Rules:
		return nil
	case f.Type == policy.Object:
		return object(f.Fields, m.field)
	case f.Type == policy.Bool:
		s := m.orVariable(&jsonschema.Schema{Type: "boolean"})
		s.Examples = []any{true, false}
		return s
	case f.Type == policy.Number:
		return m.orVariable(&jsonschema.Schema{Type: "integer", Minimum: new(0.0), Maximum: new(float64(largestNumber))})
	case f.Enum != nil:
		return m.word(f.Enum)
	case f.Units != "":
		return m.text(durationIn("[" + f.Units + "]"))
	default:
		return m.single(f)
	}
}

// describe says what a field is for and how it is written.
func describe(f policy.Field) string {
	switch {
	case f.Refers.Named():
		return sentences(f.Doc, "the id of the "+string(f.Refers)+", or its name as `{name: …}`")
	case f.Refers != "":
		return sentences(f.Doc, "the id of the "+string(f.Refers))
	case f.Units != "":
		return sentences(f.Doc, fmt.Sprintf("units %s, at most %gh", strings.Join(strings.Split(f.Units, ""), ", "), f.Longest.Hours()))
	default:
		return sentences(f.Doc, forms[f.Type].doc)
	}
}

// sentences joins phrases to sentences, in plain text.
func sentences(phrases ...string) string {
	var b strings.Builder
	for _, p := range slices.DeleteFunc(phrases, func(p string) bool { return p == "" }) {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(strings.ToUpper(p[:1]) + p[1:] + ".")
	}
	return strings.ReplaceAll(b.String(), "`", "")
}
