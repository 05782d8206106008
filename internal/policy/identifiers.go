package policy

import "iter"

// Identifiers returns the ids in a policy of things that the account lists, and
// what they are ids of, in the order in which they stand.
func Identifiers(p Policy) iter.Seq2[Reference, string] {
	return func(yield func(Reference, string) bool) {
		for _, rules := range [][]Rule{p.Include, p.Exclude, p.Require} {
			for _, r := range rules {
				kind, _ := KindNamed(r.Kind)
				if !identifiers(kind.Fields, r.Body, yield) {
					return
				}
			}
		}
		identifiers(fields, p.Settings, yield)
	}
}

// identifiers yields those of an object with these fields, until yield returns
// false.
func identifiers(known []Field, body any, yield func(Reference, string) bool) bool {
	object, _ := body.(map[string]any)
	for _, f := range known {
		values, many := object[f.Name].([]any)
		if !many {
			values = []any{object[f.Name]}
		}
		for _, v := range values {
			id, isText := v.(string)
			if isText && f.Refers.Named() && !yield(f.Refers, id) || !identifiers(f.Fields, v, yield) {
				return false
			}
		}
	}
	return true
}
