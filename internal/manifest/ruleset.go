package manifest

import (
	"slices"
	"strings"

	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/yamltree"
)

// The kinds of documents, by the value of kindField; a document without it
// declares a policy.
const (
	kindPolicy  = "Policy"
	KindRuleSet = "RuleSet" // with RuleSetFields
)

var kindField = policy.Field{
	Name: "kind", Type: policy.Text, Enum: []string{kindPolicy, KindRuleSet},
	Doc: "what the document declares; it may be left out of a policy",
}

// RuleSetFields returns the fields of a document that declares a rule set. The
// caller must not alter what is shared by the result.
func RuleSetFields() []policy.Field { return ruleSetFields }

var ruleSetFields = []policy.Field{
	kindField,
	{Name: "name", Type: Title, Required: true, Doc: "what the rule set is used by; unique in the target"},
	{Name: "rules", Type: policy.Rules, Required: true, Doc: "what stands wherever the rule set is used"},
	{Name: settings.Name, Type: policy.Object, Fields: []policy.Field{allowUnknown}, Doc: settings.Doc},
}

// ruleSet is rules that are declared once, to be used by name.
type ruleSet struct {
	name  string
	at    Place // of the name
	named bool  // a rule refers to something by name
	ruleList
}

// kindOf returns which kind of document this is, or "" where that can't be
// told; decoding the document as of that kind reports a misspelt one.
func (d *document) kindOf(root yamltree.Value) string {
	v, there := root.Get(kindField.Name)
	if !there {
		return kindPolicy
	}
	if v.Style == yamltree.Open || v.Style == yamltree.Filled {
		d.report(v.Position, "%s: variables don't work here, write one of %s", kindField.Name, strings.Join(kindField.Enum, ", "))
		return ""
	}
	if v.Shape == yamltree.Text {
		if slices.Contains(kindField.Enum, v.Text) {
			return v.Text
		}
		if near := nearest(v.Text, kindField.Enum); near != "" {
			return near
		}
	}
	d.scalar(owner{name: "a document"}, kindField, v)
	return ""
}

// ruleSet returns the rule set that a document declares.
func (d *document) ruleSet(root yamltree.Value) *ruleSet {
	d.declares = "the rule set"
	body := d.object(owner{name: "a rule set"}, ruleSetFields, root)
	result := &ruleSet{named: d.named}
	result.name, _ = body["name"].(string)
	name, _ := root.Get("name")
	result.at = d.place(name.Position)
	result.ruleList, _ = body["rules"].(ruleList)
	return result
}

// UseKey is the key of a rule that stands for those of the rule set that it names.
const UseKey = "use"

// use is where the rules of a rule set are to stand in a list.
type use struct {
	before int // the index of the list's own rule that comes next
	name   string
	at     Place // of the name
}

// uses are those in each of a policy's lists of rules.
type uses struct{ include, exclude, require []use }

func (u uses) all() []use { return slices.Concat(u.include, u.exclude, u.require) }

func (u uses) none() bool { return len(u.include)+len(u.exclude)+len(u.require) == 0 }

// useIn returns what stands behind the key use of a rule, and whether the rule
// has that key and no other.
func useIn(rule yamltree.Value) (yamltree.Value, bool) {
	if len(rule.Entries) != 1 || rule.Entries[0].Key != UseKey {
		return yamltree.Value{}, false
	}
	return rule.Entries[0].Value, true
}

// use notes the use of a rule set behind the list's rules so far.
func (d *document) use(list *ruleList, name yamltree.Value) {
	switch {
	case name.Shape == yamltree.Broken, name.Style == yamltree.Open:
	case name.Shape != yamltree.Text:
		d.report(name.Position, "%s: want the name of a rule set, got %s%s", UseKey, name, useHint(name))
	default:
		if problem := checkTitle(policy.Field{}, name.Text); problem != "" {
			d.report(name.Position, "%s: %s", UseKey, problem)
			return
		}
		list.uses = append(list.uses, use{len(list.rules), name.Text, d.place(name.Position)})
	}
}

func useHint(v yamltree.Value) string {
	switch v.Shape {
	case yamltree.List:
		return ": write one rule for each, - use: …"
	case yamltree.Object:
		return ": write - use: NAME"
	case yamltree.Null:
		return ""
	default:
		return ": put it in quotes, " + yamltree.Quote(v.Text)
	}
}
