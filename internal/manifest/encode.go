package manifest

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/yamltree"
)

// Encode returns the manifest of a policy, a document by itself. Equal policies
// give the same bytes: fields stand in the order of policy.Fields, sets are
// sorted, what means the same as absent is left out, and things that names has
// a name for are named. Settings that this version doesn't know are left out.
//
// Decode need not take what the account holds: a name with a blank at its end,
// say, or a field that this version doesn't know within a rule.
func Encode(d policy.Desired, names Names) ([]byte, error) {
	e := encoder{names}
	return yamltree.Encode(block(e.document(d)...))
}

// encoder turns what is decoded JSON into what YAML is written from.
type encoder struct{ names Names }

func block(entries ...yamltree.Entry) yamltree.Value {
	return yamltree.Value{Shape: yamltree.Object, Entries: entries}
}

func flow(shape yamltree.Shape) yamltree.Value { return yamltree.Value{Shape: shape, Flow: true} }

// text returns a text such that Decode reads just that: what begins a variable
// is escaped.
func text(s string) yamltree.Value {
	return yamltree.Value{Shape: yamltree.Text, Text: strings.ReplaceAll(s, "${", "$${")}
}

func (e encoder) document(d policy.Desired) []yamltree.Entry {
	p := policy.Canonical(d.Policy)
	var entries []yamltree.Entry
	for _, f := range policy.Fields() {
		if v := e.fieldOf(p, f); v.Shape != yamltree.Broken {
			entries = append(entries, yamltree.Entry{Key: f.Name, Value: v})
		}
	}
	if own := ownSettings(d); len(own) > 0 {
		entries = append(entries, yamltree.Entry{Key: settings.Name, Value: block(own...)})
	}
	return entries
}

// fieldOf returns a field of a canonical policy; Broken where it has none.
func (e encoder) fieldOf(p policy.Policy, f policy.Field) yamltree.Value {
	switch f.Name {
	case "name":
		return text(p.Name)
	case "decision":
		return text(string(p.Decision))
	}
	if f.Type == policy.Rules {
		rules := rulesOf(p, f.Name)
		if len(rules) == 0 && !f.Required {
			return yamltree.Value{}
		}
		return e.rules(rules)
	}
	value, there := p.Settings[f.Name]
	if !there {
		return yamltree.Value{}
	}
	return e.value(f, value)
}

func rulesOf(p policy.Policy, field string) []policy.Rule {
	return map[string][]policy.Rule{"include": p.Include, "exclude": p.Exclude, "require": p.Require}[field]
}

// ownSettings returns what stands under policysync.
func ownSettings(d policy.Desired) (own []yamltree.Entry) {
	add := func(name string, v yamltree.Value) { own = append(own, yamltree.Entry{Key: name, Value: v}) }
	yes := yamltree.Value{Shape: yamltree.Bool, Text: "true"}
	if d.Key != "" && d.Key != d.Name {
		add("key", text(d.Key))
	}
	if len(d.Previously) > 0 {
		earlier := flow(yamltree.List)
		for _, name := range d.Previously {
			earlier.Items = append(earlier.Items, text(name))
		}
		add("previously", earlier)
	}
	if d.Protect {
		add("protect", yes)
	}
	if !d.Expires.IsZero() {
		add("expires", yamltree.Value{Shape: yamltree.Date, Text: d.Expires.Format(time.DateOnly)})
	}
	if slices.ContainsFunc(slices.Concat(d.Include, d.Exclude, d.Require), isUnknown) {
		add("allow_unknown_rules", yes)
	}
	return own
}

func isUnknown(r policy.Rule) bool {
	_, known := policy.KindNamed(r.Kind)
	return !known
}

func (e encoder) rules(rules []policy.Rule) yamltree.Value {
	list := yamltree.Value{Shape: yamltree.List, Flow: len(rules) == 0}
	for _, r := range rules {
		list.Items = append(list.Items, e.rule(r))
	}
	return list
}

func (e encoder) rule(r policy.Rule) yamltree.Value {
	if r.Kind == "" {
		return asItIs(r.Body)
	}
	kind, known := policy.KindNamed(r.Kind)
	body, isObject := r.Body.(map[string]any)
	if !known || !isObject {
		return block(yamltree.Entry{Key: r.Kind, Value: asItIs(r.Body)})
	}
	v := e.object(kind.Fields, body)
	v.Flow = true
	short, full := ShortForm(kind.Fields)
	for i, entry := range v.Entries {
		if entry.Key == full && entry.Value.Shape == yamltree.Object {
			v.Entries[i] = yamltree.Entry{Key: short, Value: entry.Value.Entries[0].Value}
		}
	}
	return block(yamltree.Entry{Key: r.Kind, Value: v})
}

// object returns an object's fields in their order, then what isn't one.
func (e encoder) object(fields []policy.Field, object map[string]any) yamltree.Value {
	v := block()
	for _, f := range fields {
		if value, there := object[f.Name]; there {
			v.Entries = append(v.Entries, yamltree.Entry{Key: f.Name, Value: e.value(f, value)})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if fieldNamed(fields, name) == nil {
			v.Entries = append(v.Entries, yamltree.Entry{Key: name, Value: asItIs(object[name])})
		}
	}
	v.Flow = len(v.Entries) == 0
	return v
}

func (e encoder) value(f policy.Field, value any) yamltree.Value {
	switch v := value.(type) {
	case []any:
		if !f.Many {
			return asItIs(v)
		}
		list := yamltree.Value{Shape: yamltree.List, Flow: f.Type != policy.Object}
		for _, element := range v {
			list.Items = append(list.Items, e.value(f, element))
		}
		return list
	case map[string]any:
		return e.object(f.Fields, v)
	case string:
		if name, named := e.names.of(f.Refers, v); named {
			v := flow(yamltree.Object)
			v.Entries = []yamltree.Entry{{Key: "name", Value: text(name)}}
			return v
		}
		return text(spelling(f, v))
	}
	return asItIs(value)
}

// spelling returns a text in units that its field takes: those of a duration's
// canonical form may be others.
func spelling(f policy.Field, text string) string {
	d, err := time.ParseDuration(text)
	if f.Units == "" || err != nil || strings.Trim(text, "0123456789."+f.Units) == "" {
		return text
	}
	return strconv.FormatFloat(d.Minutes(), 'f', -1, 64) + "m"
}

// asItIs returns decoded JSON of which nothing is known.
func asItIs(value any) yamltree.Value {
	switch value := value.(type) {
	case bool:
		return yamltree.Value{Shape: yamltree.Bool, Text: strconv.FormatBool(value)}
	case json.Number:
		return yamltree.Value{Shape: yamltree.Number, Text: value.String()}
	case string:
		return text(value)
	case []any:
		list := flow(yamltree.List)
		for _, element := range value {
			list.Items = append(list.Items, asItIs(element))
		}
		return list
	case map[string]any:
		object := flow(yamltree.Object)
		for _, name := range slices.Sorted(maps.Keys(value)) {
			object.Entries = append(object.Entries, yamltree.Entry{Key: name, Value: asItIs(value[name])})
		}
		return object
	}
	return yamltree.Value{Shape: yamltree.Null}
}
