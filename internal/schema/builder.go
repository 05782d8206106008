package schema

import "github.com/google/jsonschema-go/jsonschema"

// builder makes schemas of a language in whose texts variables may stand.
type builder struct {
	defs      properties // what the schemas refer to
	variable  string     // the pattern of a variable
	filled    string     // of a text in which every variable is one
	templated string     // of such a text with a variable
}

// defs is what a reference to what stands there begins with.
const defs = "#/$defs/"

// named returns a schema that refers to the one of that name in defs, which
// the function makes if it isn't there yet.
func (b builder) named(name string, definition func() *jsonschema.Schema) *jsonschema.Schema {
	if _, there := b.defs[name]; !there {
		b.defs[name] = definition()
	}
	return &jsonschema.Schema{Ref: defs + name}
}

// text returns the schema of a text of that pattern, or of one with variables.
func (b builder) text(pattern string) *jsonschema.Schema {
	return &jsonschema.Schema{
		Type:  "string",
		AllOf: []*jsonschema.Schema{b.named("filled", func() *jsonschema.Schema { return &jsonschema.Schema{Pattern: whole(b.filled)} })},
		If:    b.template(), Else: &jsonschema.Schema{Pattern: whole(pattern)},
	}
}

// template returns the schema of a text with variables: what it is once they
// are put in can't be told.
func (b builder) template() *jsonschema.Schema {
	return b.named("template", func() *jsonschema.Schema { return &jsonschema.Schema{Type: "string", Pattern: whole(b.templated)} })
}

// orVariable returns the schema of what is no text, or of a variable that
// stands for it.
func (b builder) orVariable(s *jsonschema.Schema) *jsonschema.Schema {
	return &jsonschema.Schema{
		If:   b.named("variable", func() *jsonschema.Schema { return &jsonschema.Schema{Type: "string", Pattern: whole(b.variable)} }),
		Else: s,
	}
}

// word returns the schema of one of some words, or of a text with variables. As
// examples, editors offer the words; those behind an else they only check.
func (b builder) word(words []string) *jsonschema.Schema {
	return &jsonschema.Schema{If: b.template(), Else: &jsonschema.Schema{Enum: anySlice(words)}, Examples: anySlice(words)}
}
