package manifest

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/yamltree"
)

// ruleList is a list of rules, where each of them stands, and what rule sets
// are used between them.
type ruleList struct {
	rules  []policy.Rule
	places []Place
	uses   []use
}

// placed is a rule and where it stands.
type placed struct {
	policy.Rule
	at yamltree.Position
}

// rules returns a list of rules, of type ruleList.
func (d *document) rules(f policy.Field, v yamltree.Value) any {
	if v.Shape != yamltree.List {
		hint := ""
		if v.Shape == yamltree.Object {
			hint = ": begin each rule with \"- \""
		}
		d.report(v.Position, "%s: want a list of rules, got %s%s", f.Name, v, hint)
		return nil
	}
	if f.Required && len(v.Items) == 0 {
		d.report(v.Position, "%s: want at least one rule: %s would match nobody", f.Name, d.declares)
	}
	list := ruleList{rules: make([]policy.Rule, 0, len(v.Items)), places: make([]Place, 0, len(v.Items))}
	for _, item := range v.Items {
		if item.Shape == yamltree.Broken || d.file.Full() {
			continue
		}
		if name, isUse := useIn(item); isUse {
			d.use(&list, name)
			continue
		}
		for _, r := range d.rule(item) {
			list.rules = append(list.rules, r.Rule)
			list.places = append(list.places, d.place(r.at))
		}
	}
	return list
}

// rule returns the rules that one entry of a list of rules stands for.
func (d *document) rule(v yamltree.Value) []placed {
	switch {
	case v.Shape != yamltree.Object:
		d.notARule(v)
		return nil
	case len(v.Entries) == 0:
		d.report(v.Position, "the rule is empty: write its kind, such as {email: {email: ann@example.com}}")
		return nil
	case len(v.Entries) > 1:
		d.severalKinds(v)
		return nil
	}
	e := v.Entries[0]
	if kind, known := d.kinds[e.Key]; known {
		return d.known(kind, v.Position, e.Value)
	}
	if d.allowUnknown {
		return []placed{{policy.Rule{Kind: e.Key, Body: d.asItStands(e.Value)}, v.Position}}
	}
	d.unknownKind(e)
	return nil
}

// known returns the rules that a rule of a kind in the table, at that place and
// with that body, stands for.
func (d *document) known(kind policy.Kind, at yamltree.Position, body yamltree.Value) []placed {
	switch own := ruleOwner(kind.Name); {
	case body.Shape == yamltree.Broken:
	case body.Shape == yamltree.Object:
		full, ok := d.spellOut(kind, body)
		if !ok {
			return nil
		}
		i := listed(kind.Fields, full)
		if i < 0 {
			return []placed{{d.pool.Share(policy.Rule{Kind: kind.Name, Body: d.object(own, kind.Fields, full)}), at}}
		}
		values := full.Entries[i].Value.Items
		rules := make([]placed, len(values))
		for n, value := range values {
			full.Entries = slices.Clone(full.Entries)
			full.Entries[i].Value = value
			rules[n] = placed{d.pool.Share(policy.Rule{Kind: kind.Name, Body: d.object(own, kind.Fields, full)}), value.Position}
		}
		return rules
	case len(kind.Fields) == 0:
		d.report(body.Position, "%s: want an empty object, got %s: write %s: {}", own.name, body, kind.Name)
	case body.Shape == yamltree.List:
		d.report(body.Position, "%s: want an object, got a list: write %s: {%s: […]}", own.name, kind.Name, kind.Fields[0].Name)
	default:
		d.report(body.Position, "%s: want an object, got %s: write %s: {%s: …}", own.name, body, kind.Name, kind.Fields[0].Name)
	}
	return nil
}

// listed returns which entry of a body has a list in place of a single value,
// or -1: it stands for one rule for each, since the API takes one value in a
// rule.
func listed(fields []policy.Field, body yamltree.Value) int {
	return slices.IndexFunc(body.Entries, func(e yamltree.Entry) bool {
		f := fieldNamed(fields, e.Key)
		return f != nil && !f.Many && e.Value.Shape == yamltree.List && len(e.Value.Items) > 0
	})
}

func (d *document) notARule(v yamltree.Value) {
	hint := ""
	if kind, known := d.kinds[v.Text]; known && len(kind.Fields) == 0 {
		hint = ": write " + kind.Name + ": {}"
	}
	d.report(v.Position, "want a rule such as {email: {email: ann@example.com}}, got %s%s", v, hint)
}

// severalKinds reports a rule with more than one key: two rules in one, or a
// body that isn't indented below its kind.
func (d *document) severalKinds(v yamltree.Value) {
	first, second := v.Entries[0], v.Entries[1]
	for _, f := range d.kinds[first.Key].Fields {
		if first.Value.Shape == yamltree.Null && f.Name == second.Key {
			d.report(second.At, "%q is a field of rule %q: indent it below", second.Key, first.Key)
			return
		}
	}
	keys := make([]string, len(v.Entries))
	for i, e := range v.Entries {
		keys[i] = e.Key
	}
	d.report(second.At, "a rule has one kind, this one has %d (%s): write one rule for each",
		len(keys), yamltree.Short(strings.Join(keys, ", ")))
}

func (d *document) unknownKind(e yamltree.Entry) {
	if near := nearest(e.Key, d.ruleKeys); near != "" {
		d.report(e.At, "unknown rule kind %s: did you mean %q?", yamltree.Quote(e.Key), near)
		return
	}
	d.report(e.At, "unknown rule kind %s: want %s, or allow others with policysync: {allow_unknown_rules: true}",
		yamltree.Quote(e.Key), strings.TrimPrefix(among(d.kindNames), ": "))
}

// asItStands returns a value of an unknown rule as decoded JSON. What YAML's
// versions or JSON would read in another way is refused.
func (d *document) asItStands(v yamltree.Value) any {
	switch v.Shape {
	case yamltree.List:
		list := make([]any, len(v.Items))
		for i, item := range v.Items {
			list[i] = d.asItStands(item)
		}
		return list
	case yamltree.Object:
		object := make(map[string]any, len(v.Entries))
		for _, e := range v.Entries {
			if strings.Contains(e.Key, "${") {
				d.report(e.At, "variables work in values, not in keys")
			}
			object[e.Key] = d.asItStands(e.Value)
		}
		return object
	case yamltree.Bool:
		return isTrue(v.Text)
	case yamltree.Number:
		if !json.Valid([]byte(v.Text)) {
			d.report(v.Position, "%s is no number in JSON: write it in decimal, or in quotes", yamltree.Short(v.Text))
			return nil
		}
		return json.Number(v.Text)
	case yamltree.Date:
		d.report(v.Position, "%s may be read as a date: put it in quotes", yamltree.Short(v.Text))
	case yamltree.Text:
		if hint := boolHint(v.Text); v.Style == yamltree.Plain && hint != "" {
			d.report(v.Position, "%s may be read as a boolean%s, or put it in quotes", yamltree.Short(v.Text), hint)
		}
		return v.Text
	default:
	}
	return nil
}
