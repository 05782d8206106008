package schema

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/policysync/policysync/internal/config"
)

// Config returns the schema of policysync.yaml, as indented JSON that ends with
// a line break.
func Config() ([]byte, error) {
	c := configs{builder{properties{}, environment, environmentFilled, environmentTemplated}}
	s := c.section()
	s.Type, s.Types, s.Required = "object", nil, []string{"targets"}
	for _, k := range config.Keys() {
		if err := c.add(s, k.Name, k); err != nil {
			return nil, fmt.Errorf("describe %s: %w", k.Name, err)
		}
	}
	c.relate(s)
	s.Schema, s.Defs = draft, c.defs
	s.Title = "policysync.yaml"
	s.Description = "The config of policysync. In a value, ${NAME} is the environment variable NAME, and $$ a plain dollar."
	return text(s)
}

// configs makes the schemas of a config's keys.
type configs struct{ builder }

// add puts a key into the section in which its name, without those of sections
// around, begins.
func (c configs) add(s *jsonschema.Schema, name string, k config.Key) error {
	first, rest, deeper := strings.Cut(name, ".")
	first, isList := strings.CutSuffix(first, "[]")
	if _, there := s.Properties[first]; !there {
		s.Properties[first] = c.section()
		s.PropertyOrder = append(s.PropertyOrder, first)
	}
	switch {
	case isList:
		return c.add(s.Properties[first].Items, rest, k)
	case deeper:
		return c.add(s.Properties[first], rest, k)
	}
	added := c.key(k)
	added.Title, added.Description = first, sentences(k.Text())
	s.Properties[first] = added
	if k.Default == "" {
		return nil
	}
	var err error
	if added.Default = json.RawMessage(k.Default); !json.Valid(added.Default) {
		added.Default, err = json.Marshal(k.Default)
	}
	return err
}

// section returns the schema of a section, which counts as left out when it is
// null: all of its keys may be commented out.
func (c configs) section() *jsonschema.Schema {
	return &jsonschema.Schema{Types: []string{"object", "null"}, Properties: properties{}, AdditionalProperties: nothing()}
}

// key returns the schema of what a key is set to.
func (c configs) key(k config.Key) *jsonschema.Schema {
	pattern, checked := configPatterns[k.Name]
	switch {
	case k.Name == "targets[].schedule_jitter": // no time needs no unit
		s := alsoOf("integer", c.text(pattern))
		s.Minimum, s.Maximum = new(0.0), new(0.0)
		return s
	case k.Name == "targets[].source.url", k.Name == "targets[].source.path": // a number is a name too
		return alsoOf("number", alsoOf("boolean", c.text(pattern)))
	case checked:
		return c.text(pattern)
	case k.Name == "freeze":
		return list(c.word(k.Words))
	case k.Words != nil:
		return c.word(k.Words)
	case isSection(k.Name):
		return c.section()
	case strings.HasSuffix(k.Name, ".secret_files"):
		return list(c.anyText())
	}
	return c.special(k.Name)
}

// special returns the schema of a key of which there is but one of its kind.
func (c configs) special(name string) *jsonschema.Schema {
	switch name {
	case "targets":
		items := c.section()
		items.Type, items.Types = "object", nil
		return &jsonschema.Schema{Type: "array", MinItems: new(1), Items: items}
	case "targets[].name": // a number or a boolean is one too, as it is written
		return alsoOf("integer", alsoOf("boolean", c.text(`[a-z0-9-]+`)))
	case "targets[].cloudflare.requests_per_5m":
		return c.number(1, 1200, `\+?0*([1-9][0-9]{0,2}|1[01][0-9]{2}|1200)`)
	case "targets[].limits.min_policies":
		return c.number(0, math.MaxInt64, `\+?[0-9]+`)
	case "targets[].source.auth.github_app.app_id", "targets[].source.auth.github_app.installation_id":
		return c.number(math.MinInt64, math.MaxInt64, `[+-]?[0-9]+`)
	case "targets[].source.fast_forward_only", "server.insecure_public":
		return alsoOf("boolean", c.text(`true|false`))
	case "targets[].vars":
		return c.vars()
	case "server.access.operators":
		return list(c.text(`(group|service):(.|\n)+|[^@]+@(.|\n)+`))
	default:
		return c.anyText()
	}
}

// isSection reports whether there are keys below that one.
func isSection(name string) bool {
	return slices.ContainsFunc(config.Keys(), func(k config.Key) bool { return strings.HasPrefix(k.Name, name+".") })
}

// anyText returns the schema of any single value, which counts as it is
// written.
func (c configs) anyText() *jsonschema.Schema {
	return &jsonschema.Schema{Types: []string{"string", "number", "boolean"}, Pattern: whole(c.filled)}
}

// number returns the schema of a whole number, also in quotes, where it matches
// the pattern.
func (c configs) number(least, most int64, quoted string) *jsonschema.Schema {
	return &jsonschema.Schema{If: c.template(), Else: &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
		{Type: "integer", Minimum: new(float64(least)), Maximum: new(float64(most))},
		{Type: "string", Pattern: whole(quoted)},
	}}}
}

func list(items *jsonschema.Schema) *jsonschema.Schema {
	return &jsonschema.Schema{Types: []string{"array", "null"}, Items: items}
}

// vars returns the schema of a target's variables.
func (c configs) vars() *jsonschema.Schema {
	value := c.anyText()
	value.If, value.Else = c.template(), &jsonschema.Schema{MaxLength: new(1000)}
	return &jsonschema.Schema{
		Types: []string{"object", "null"}, PropertyNames: &jsonschema.Schema{Pattern: whole(`[a-z][a-z0-9_]*`)}, AdditionalProperties: value,
	}
}
