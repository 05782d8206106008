package schema

import (
	"maps"
	"slices"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/policysync/policysync/internal/manifest"
	"github.com/policysync/policysync/internal/policy"
)

// rule returns the schema of a rule: one key, which names its kind; others is
// what a kind that isn't known may have as its body.
func (m manifests) rule(others *jsonschema.Schema) *jsonschema.Schema {
	s := &jsonschema.Schema{
		Type: "object", Properties: properties{}, AdditionalProperties: others,
		MinProperties: new(1), MaxProperties: new(1),
		Description: "A rule: one key, its kind, and that kind's body.",
	}
	for _, k := range policy.Kinds() {
		s.Properties[k.Name] = m.named("rule-"+k.Name, func() *jsonschema.Schema { return m.body(k) })
	}
	use := m.single(policy.Field{Type: manifest.Title})
	use.Title, use.Description = manifest.UseKey, "The name of a rule set, whose rules stand here."
	s.Properties[manifest.UseKey] = use
	return s
}

// body returns the schema of the body of a rule of that kind.
func (m manifests) body(kind policy.Kind) *jsonschema.Schema {
	s := object(kind.Fields, m.ruleField)
	s.Title, s.Description = kind.Title, kind.Doc
	short, full := manifest.ShortForm(kind.Fields)
	var single []properties // each field of one value, by its keys
	for _, f := range kind.Fields {
		if f.Many {
			continue
		}
		keys := properties{f.Name: oneValue(f)}
		if f.Name == full {
			m.shorten(s, short, f)
			keys[short] = oneValue(policy.Field{})
		}
		single = append(single, keys)
	}
	s.AllOf = oneList(single)
	return s
}

// ruleField returns the schema of a field of a rule: where it takes a single
// value, a list stands for one rule for each.
func (m manifests) ruleField(f policy.Field) *jsonschema.Schema {
	if f.Many {
		return m.field(f)
	}
	s := m.oneOrMore(f)
	s.Title, s.Description = f.Name, describe(f)
	return s
}

// shorten adds the short form of a field that names something, and asks for
// one of the two.
func (m manifests) shorten(s *jsonschema.Schema, short string, full policy.Field) {
	s.Properties[short] = m.oneOrMore(policy.Field{Type: manifest.Title})
	s.Properties[short].Title = short
	s.Properties[short].Description = sentences("the name of the " + string(full.Refers) + ", short for " + full.Name + ": {name: …}")
	s.PropertyOrder = append(s.PropertyOrder, short)
	s.Required = slices.DeleteFunc(s.Required, func(name string) bool { return name == full.Name })
	s.If = &jsonschema.Schema{Required: []string{short}}
	s.Then = &jsonschema.Schema{Properties: properties{full.Name: nothing()}}
	s.Else = &jsonschema.Schema{Required: []string{full.Name}}
}

// oneValue returns the schema of whatever is no list in place of a field's
// value.
func oneValue(f policy.Field) *jsonschema.Schema {
	if f.Refers.Named() {
		return &jsonschema.Schema{Types: []string{"string", "object"}}
	}
	return &jsonschema.Schema{Type: "string"}
}

// oneList returns the conditions that at most one of the fields has a list;
// each is given by its keys and what a single value of it is.
func oneList(fields []properties) []*jsonschema.Schema {
	var conditions []*jsonschema.Schema
	for i, earlier := range fields {
		later := properties{}
		for _, keys := range fields[i+1:] {
			maps.Copy(later, keys)
		}
		for _, key := range slices.Sorted(maps.Keys(earlier)) {
			if len(later) > 0 {
				conditions = append(conditions, &jsonschema.Schema{
					If:   having(key, &jsonschema.Schema{Type: "array"}),
					Then: &jsonschema.Schema{Properties: later},
				})
			}
		}
	}
	return conditions
}
