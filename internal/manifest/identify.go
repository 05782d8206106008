package manifest

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/policysync/policysync/internal/diagnostic"
	"github.com/policysync/policysync/internal/policy"
)

// Identified returns what kinds of things the set refers to by id, sorted: what
// Dangling needs the lists of.
func (s Set) Identified() []policy.Reference {
	seen := map[policy.Reference]bool{}
	for _, d := range s.Policies {
		for refers := range policy.Identifiers(d.Policy) {
			seen[refers] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// Dangling returns a finding for each id that nothing bears; things are all
// that the account has of each kind. Kinds that are not among them aren't
// looked at.
func (s Set) Dangling(things map[policy.Reference][]policy.Thing) diagnostic.List {
	known := map[policy.Reference]map[string]bool{}
	for kind, all := range things {
		known[kind] = map[string]bool{}
		for _, t := range all {
			known[kind][strings.ToLower(t.ID)] = true
		}
	}
	var found diagnostic.List
	for i, d := range s.Policies {
		for at, part := range s.Origins[i].parts(d.Policy) {
			for refers, id := range policy.Identifiers(part) {
				if known[refers] != nil && !known[refers][strings.ToLower(id)] {
					found = append(found, diagnostic.Diagnostic{
						Path: at.File, Line: at.Line, Col: at.Col, Message: fmt.Sprintf("no %s has the id %s", refers, id),
					})
				}
			}
		}
	}
	found.Sort()
	return slices.Compact(found) // a rule of a rule set stands in many policies
}

// parts gives a policy in parts, of one rule or setting each, with the place
// of each.
func (o *Origin) parts(p policy.Policy) iter.Seq2[Place, policy.Policy] {
	return func(yield func(Place, policy.Policy) bool) {
		for _, list := range []struct {
			rules  []policy.Rule
			places []Place
		}{{p.Include, o.Include}, {p.Exclude, o.Exclude}, {p.Require, o.Require}} {
			for i := range list.rules {
				if !yield(list.places[i], policy.Policy{Include: list.rules[i : i+1]}) {
					return
				}
			}
		}
		for name, value := range p.Settings {
			if at, _ := o.Field(name); !yield(at, policy.Policy{Settings: map[string]any{name: value}}) {
				return
			}
		}
	}
}
