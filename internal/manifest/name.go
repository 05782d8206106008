package manifest

import (
	"slices"

	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/yamltree"
)

// provider is the short form of {identity_provider_id: {name: …}}.
const provider = "identity_provider"

// spellOut returns a rule's body with the short forms of names written in
// full: {name: Staff} is {id: {name: Staff}} where the kind has but one thing
// to name, and identity_provider: Okta is identity_provider_id: {name: Okta}.
// It returns false where both forms are there, which it reports.
func (d *document) spellOut(kind policy.Kind, body yamltree.Value) (yamltree.Value, bool) {
	short, full := ShortForm(kind.Fields)
	i := slices.IndexFunc(body.Entries, func(e yamltree.Entry) bool { return e.Key == short })
	if i < 0 {
		return body, true
	}
	e := body.Entries[i]
	if _, both := body.Get(full); both {
		d.report(e.At, "%q and %q say the same thing: keep one", short, full)
		return body, false
	}
	body.Entries = slices.Clone(body.Entries)
	body.Entries[i] = yamltree.Entry{Key: full, At: e.At, Value: inName(e.Value)}
	return body, true
}

// ShortForm returns the key that stands for a name in a rule with these
// fields, and the field that it is short for; both are empty where there is
// none.
func ShortForm(fields []policy.Field) (short, full string) {
	if len(fields) == 1 && fields[0].Refers.Named() {
		return "name", fields[0].Name
	}
	for _, f := range fields {
		if f.Name == provider+"_id" {
			return provider, f.Name
		}
	}
	return "", ""
}

// inName returns {name: v}; for a list, each of its values so.
func inName(v yamltree.Value) yamltree.Value {
	if v.Shape == yamltree.List {
		items := make([]yamltree.Value, len(v.Items))
		for i, item := range v.Items {
			items[i] = inName(item)
		}
		v.Items = items
		return v
	}
	return yamltree.Value{Position: v.Position, Shape: yamltree.Object, Entries: []yamltree.Entry{{Key: "name", At: v.Position, Value: v}}}
}

// name returns what {name: …} stands for in place of an id.
func (d *document) name(f policy.Field, v yamltree.Value) any {
	own := owner{f.Name, true}
	body := d.object(own, []policy.Field{{Name: "name", Type: Title, Required: true}}, v)
	name, ok := body["name"].(string)
	if !ok {
		return nil
	}
	at, _ := v.Get("name")
	d.named = true
	return policy.Name{Refers: f.Refers, Name: name, At: d.file.Diagnostic(at.Position, "")}
}
