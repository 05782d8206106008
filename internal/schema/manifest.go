package schema

import (
	"github.com/google/jsonschema-go/jsonschema"

	"github.com/policysync/policysync/internal/manifest"
	"github.com/policysync/policysync/internal/policy"
)

// Manifest returns the schema of one document of a manifest file, as indented
// JSON that ends with a line break.
func Manifest() ([]byte, error) {
	m := manifests{builder{properties{}, variable, filled, templated}}
	return text(&jsonschema.Schema{
		Schema:      draft,
		Title:       "policysync manifest",
		Description: "A Cloudflare Access reusable policy as Git declares it, or rules that policies share.",
		Examples: []any{map[string]any{
			"name": "Engineering", "decision": "allow",
			"include": []any{map[string]any{"email_domain": map[string]any{"domain": "example.com"}}},
		}},
		Type: "object",
		If:   having("kind", &jsonschema.Schema{Const: new(any(manifest.KindRuleSet))}),
		Then: m.named("ruleSet", func() *jsonschema.Schema { return m.document(manifest.RuleSetFields()) }),
		Else: m.named("policy", func() *jsonschema.Schema { return m.document(manifest.Fields()) }),
		Defs: m.defs,
	})
}

// manifests makes the schemas of documents and what is in them.
type manifests struct{ builder }

// document returns the schema of a document with these fields, among them its
// lists of rules.
func (m manifests) document(fields []policy.Field) *jsonschema.Schema {
	s := object(fields, m.field)
	kind := s.Properties["kind"] // on which the others depend: no variable may stand there
	kind.Enum, kind.If, kind.Else, kind.Examples = kind.Else.Enum, nil, nil, nil
	s.If = having("policysync", having("allow_unknown_rules", m.orVariable(&jsonschema.Schema{Const: new(any(true))})))
	s.Then, s.Else = &jsonschema.Schema{Properties: properties{}}, &jsonschema.Schema{Properties: properties{}}
	for _, f := range fields {
		if f.Type == policy.Rules {
			s.Then.Properties[f.Name] = &jsonschema.Schema{Items: m.named("anyRule", func() *jsonschema.Schema { return m.rule(m.named("anything", m.anything)) })}
			s.Else.Properties[f.Name] = &jsonschema.Schema{Items: m.named("rule", func() *jsonschema.Schema { return m.rule(nothing()) })}
		}
	}
	return s
}

// anything returns the schema of what the body of a rule may be that isn't
// known: any value, as long as each ${ in it is a variable.
func (m manifests) anything() *jsonschema.Schema {
	self := &jsonschema.Schema{Ref: defs + "anything"}
	return &jsonschema.Schema{
		Pattern: whole(filled), Items: self, AdditionalProperties: self,
		PropertyNames: &jsonschema.Schema{Pattern: whole(`([^$]|\$+[^${])*\$*`)},
	}
}
