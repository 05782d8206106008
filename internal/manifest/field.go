package manifest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/policysync/policysync/internal/diagnostic"
	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/yamltree"
)

// object checks an object against the fields that it may have and returns it
// as decoded JSON, without what is wrong.
func (d *document) object(own owner, fields []policy.Field, v yamltree.Value) map[string]any {
	result := make(map[string]any, len(v.Entries))
	var meant []string // the fields that misspelt keys are taken for
	for _, e := range v.Entries {
		if d.file.Full() {
			break
		}
		f := fieldNamed(fields, e.Key)
		if f == nil {
			meant = append(meant, d.unknownField(own, fields, e))
			continue
		}
		if value := d.field(own, *f, e.Value); value != nil {
			result[f.Name] = value // the table's text, so that the file's can be freed
		}
	}
	for _, f := range fields {
		if !f.Required || slices.Contains(meant, f.Name) {
			continue
		}
		if _, there := v.Get(f.Name); !there {
			d.report(v.Position, "%s needs the field %q%s", own.name, f.Name, among(f.Enum))
		}
	}
	return result
}

func fieldNamed(fields []policy.Field, name string) *policy.Field {
	for i := range fields {
		if fields[i].Name == name {
			return &fields[i]
		}
	}
	return nil
}

// PrecedenceCode is the code of the error that there is a field precedence: it
// has a page like those of lints.
const PrecedenceCode = "PS003"

// unknownField reports a key that is no field, and returns the field that it
// was most likely meant to be, or "".
func (d *document) unknownField(own owner, fields []policy.Field, e yamltree.Entry) string {
	names := make([]string, 0, len(fields)+1)
	for _, f := range fields {
		names = append(names, f.Name)
	}
	short, full := ShortForm(fields)
	if own.isRule && short != "" {
		names = append(names, short)
	}
	near := nearest(e.Key, names)
	id := slices.IndexFunc(fields, func(f policy.Field) bool { return f.Refers != "" })
	switch key := yamltree.Quote(e.Key); {
	case !own.isRule && policy.IsReadOnly(e.Key):
		d.report(e.At, "%s is set by the account and can't be declared: remove it", key)
	case !own.isRule && e.Key == "precedence":
		finding := d.file.Diagnostic(e.At, key+" belongs to the link between an application and a policy, not to a reusable policy: remove it")
		finding.Code = PrecedenceCode
		d.file.Add(finding)
	case !own.isRule && e.Key == "rules" && fieldNamed(fields, "include") != nil:
		d.report(e.At, "%s is a field of rule sets: write kind: %s above it, or name the list include, exclude or require", key, KindRuleSet)
	case own.isRule && e.Key == "name" && id >= 0:
		d.report(e.At, "%s takes no name: write %q, the id of the %s",
			own.name, fields[id].Name, fields[id].Refers)
		return fields[id].Name
	case near != "":
		d.report(e.At, "unknown field %s: did you mean %q?", key, near)
	case len(fields) == 0:
		d.report(e.At, "unknown field %s: %s takes no fields, write {}", key, own.name)
	default:
		d.report(e.At, "unknown field %s: %s takes %s", key, own.name, strings.Join(names, ", "))
	}
	if near == short {
		return full
	}
	return near
}

// field returns a field's value as decoded JSON, or nil when it is wrong,
// which is then reported, or counts as absent.
func (d *document) field(own owner, f policy.Field, v yamltree.Value) any {
	switch {
	case v.Shape == yamltree.Broken, v.Shape == yamltree.Null && f.Nullable:
		return nil
	case f.Type == policy.Rules:
		return d.rules(f, v)
	case f.Many:
		return d.many(own, f, v)
	default:
		return d.one(own, f, v)
	}
}

// many returns the values of a field that takes a set.
func (d *document) many(own owner, f policy.Field, v yamltree.Value) any {
	if v.Shape != yamltree.List {
		d.report(v.Position, "%s: want a list, got %s%s", f.Name, v, listHint(v))
		return nil
	}
	if f.Required && len(v.Items) == 0 {
		d.report(v.Position, "%s: want at least one value%s", f.Name, among(f.Enum))
		return nil
	}
	values := make([]any, 0, len(v.Items))
	for _, item := range v.Items {
		if item.Shape == yamltree.Broken {
			continue
		}
		if value := d.one(own, f, item); value != nil {
			values = append(values, value)
		}
	}
	return values
}

// listHint says how to make a list of a single value.
func listHint(v yamltree.Value) string {
	switch v.Shape {
	case yamltree.Text:
		return ": write [" + yamltree.Short(v.Text) + "]"
	case yamltree.Object:
		return ": begin each entry with \"- \""
	default:
		return ""
	}
}

// one returns a single value of a field.
func (d *document) one(own owner, f policy.Field, v yamltree.Value) any {
	if v.Shape == yamltree.Object && f.Refers.Named() {
		return d.name(f, v)
	}
	if f.Type != policy.Object {
		return d.scalar(own, f, v)
	}
	if v.Shape != yamltree.Object {
		d.report(v.Position, "%s: want an object, got %s", f.Name, v)
		return nil
	}
	name := f.Name
	if f.Many {
		name = "an entry of " + name
	}
	return d.object(owner{name: name}, f.Fields, v)
}

// longestWord is the length of a word, in bytes, from which on no field is
// looked for that it could misspell.
const longestWord = 64

func nearest(word string, candidates []string) string {
	if len(word) > longestWord {
		return ""
	}
	return diagnostic.Nearest(word, candidates)
}

// among lists the values that there are, for the end of a sentence.
func among(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return fmt.Sprintf(": one of %s", strings.Join(values, ", "))
}
