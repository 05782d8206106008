package lint

import (
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/policysync/policysync/internal/containment"
	"github.com/policysync/policysync/internal/diagnostic"
	"github.com/policysync/policysync/internal/manifest"
	"github.com/policysync/policysync/internal/policy"
)

// subject is a policy as the checks see it, and what they found.
type subject struct {
	policy.Desired
	include, exclude, require list
	settings                  map[string]any // canonical: none that says what leaving it out says

	origin *manifest.Origin
	things map[policy.Reference][]policy.Thing
	code   string // of the lint that is looking
	found  diagnostic.List
}

// list is one of a policy's lists of rules.
type list struct {
	name  string
	rules []rule
	index containment.Index // of the canonical rules, in their order
}

// rule is a rule as it is written, its canonical form, and its place.
type rule struct {
	policy.Rule
	canonical policy.Rule
	kind      policy.Kind // the zero Kind, where it is unknown
	at        manifest.Place
}

func newSubject(d policy.Desired, origin *manifest.Origin, things map[policy.Reference][]policy.Thing) *subject {
	return &subject{
		Desired: d, origin: origin, things: things,
		settings: policy.Canonical(policy.Policy{Settings: d.Settings}).Settings,
		include:  newList("include", d.Include, origin.Include),
		exclude:  newList("exclude", d.Exclude, origin.Exclude),
		require:  newList("require", d.Require, origin.Require),
	}
}

func newList(name string, rules []policy.Rule, places []manifest.Place) list {
	l := list{name: name, rules: make([]rule, len(rules))}
	canonical := make([]policy.Rule, len(rules))
	for i, r := range rules {
		canonical[i] = policy.CanonicalRule(policy.Rule{Kind: r.Kind, Body: comparableBody(r.Body)})
		kind, _ := policy.KindNamed(r.Kind)
		l.rules[i] = rule{r, canonical[i], kind, places[i]}
	}
	l.index = containment.NewIndex(canonical)
	return l
}

// comparableBody returns a body with names in a form that canonical JSON can hold.
func comparableBody(body any) any {
	object, isObject := body.(map[string]any)
	if !isObject {
		return body
	}
	object = maps.Clone(object)
	for field, value := range object {
		if n, isName := value.(policy.Name); isName {
			object[field] = map[string]any{"name": n.Name}
		}
	}
	return object
}

// text returns a text of the rule's body as it is written, "" if it isn't one.
func (r rule) text(field string) string {
	body, _ := r.Body.(map[string]any)
	text, _ := body[field].(string)
	return text
}

// brief returns a rule in a few words: its kind and what it asks for.
func brief(r rule) string { return strings.TrimSpace(r.Kind + " " + value(r)) }

// value returns what a rule asks for in a few words.
func value(r rule) string {
	body, _ := r.Body.(map[string]any)
	var parts []string
	for _, f := range r.kind.Fields {
		switch v := body[f.Name].(type) {
		case string:
			parts = append(parts, v)
		case policy.Name:
			parts = append(parts, strconv.Quote(v.Name))
		}
	}
	return strings.Join(parts, " ")
}

// report notes a finding of the lint that is looking.
func (s *subject) report(at manifest.Place, format string, args ...any) {
	s.found = append(s.found, diagnostic.Diagnostic{
		Path: at.File, Line: at.Line, Col: at.Col,
		Severity: diagnostic.Warning, Code: s.code, Message: fmt.Sprintf(format, args...),
	})
}

// reportField notes a finding about a field of the policy.
func (s *subject) reportField(name, format string, args ...any) {
	at, _ := s.origin.Field(name)
	s.report(at, "%s: %s", name, fmt.Sprintf(format, args...))
}

// decided names the policy's decision, for a finding at a place.
func (s *subject) decided(at manifest.Place) string {
	decision, _ := s.origin.Field("decision")
	return fmt.Sprintf("decision %s on %s", s.Decision, seen(decision, at))
}

// seen names a place to a reader who is at another.
func seen(place, from manifest.Place) string {
	if place.File == from.File {
		return fmt.Sprintf("line %d", place.Line)
	}
	return fmt.Sprintf("%s:%d", place.File, place.Line)
}
