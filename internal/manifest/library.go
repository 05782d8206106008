package manifest

import (
	"maps"
	"slices"
	"strings"

	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/yamltree"
)

// What the use of rule sets may cost.
const (
	MaxRuleSetRules  = 10_000    // that one rule set stands for
	MaxRuleSetDepth  = 32        // rule sets within each other
	MaxExpandedRules = 1_000_000 // that rule sets stand for, in all policies together
)

// library is the rule sets of a folder, by name.
type library struct {
	lateFindings

	sets    map[string]*ruleSet
	names   []string // sorted
	partial bool     // there may be rule sets that can't be seen: not to know a name is no mistake
	unseen  []string
	known   map[*ruleSet]extent
	open    []*ruleSet // those being measured, each used by the one before
}

// extent is how much a rule set stands for.
type extent struct{ rules, depth int }

// newLibrary returns the rule sets of a folder, with an error for each that
// can't be used.
func newLibrary(all []*ruleSet, partial bool) *library {
	l := &library{
		partial: partial,
		sets:    make(map[string]*ruleSet, len(all)), known: make(map[*ruleSet]extent, len(all)),
	}
	for _, s := range all {
		switch first, taken := l.sets[s.name]; {
		case s.name == "":
		case taken:
			l.report(s.at, "the rule set %s is already at %s:%d", yamltree.Quote(s.name), first.at.File, first.at.Line)
		default:
			l.sets[s.name] = s
		}
	}
	l.names = slices.Sorted(maps.Keys(l.sets))
	for _, s := range all {
		l.measure(s)
	}
	return l
}

// measure returns how much a rule set stands for, of which it reports once what
// is wrong.
func (l *library) measure(s *ruleSet) extent {
	if e, known := l.known[s]; known {
		return e
	}
	e := extent{len(s.rules), 1}
	l.open = append(l.open, s)
	for _, u := range s.uses {
		used, ok := l.used(u)
		if !ok {
			continue
		}
		e.rules += used.rules
		e.depth = max(e.depth, used.depth+1)
		if e.rules > MaxRuleSetRules {
			l.report(u.at, "with %s, the rule set stands for more than %d rules: split it", yamltree.Quote(u.name), MaxRuleSetRules)
			e.rules = 0
			break
		}
	}
	l.open = l.open[:len(l.open)-1]
	l.known[s] = e
	return e
}

// used returns how much the rule set that is used there stands for, and false
// where it can't be used, which is then reported.
func (l *library) used(u use) (extent, bool) {
	s := l.sets[u.name]
	switch i := slices.Index(l.open, s); {
	case s == nil:
		l.unknown(u)
		return extent{}, false
	case i >= 0:
		l.report(u.at, "the rule set uses itself: %s", circle(l.open[i:]))
		return extent{}, false
	}
	if len(l.open) < MaxRuleSetDepth {
		if e := l.measure(s); e.depth+len(l.open) <= MaxRuleSetDepth {
			return e, true
		}
	}
	l.report(u.at, "rule sets stand more than %d deep within each other", MaxRuleSetDepth)
	return extent{}, false
}

func (l *library) unknown(u use) {
	switch near := nearest(u.name, l.names); {
	case l.partial:
		l.unseen = append(l.unseen, u.name)
	case len(l.found) >= yamltree.MaxFindings:
	case near != "":
		l.report(u.at, "no rule set is named %s: did you mean %q?", yamltree.Quote(u.name), near)
	case len(l.names) == 0:
		l.report(u.at, "no rule set is named %s: there is none at all", yamltree.Quote(u.name))
	default:
		l.report(u.at, "no rule set is named %s", yamltree.Quote(u.name))
	}
}

// circle names rule sets of which each uses the next, and the last the first.
func circle(sets []*ruleSet) string {
	var names []string
	for _, s := range append(slices.Clone(sets), sets[0]) {
		names = append(names, yamltree.Short(s.name))
	}
	return strings.Join(names, " → ")
}

// check reports what policies use and can't.
func (l *library) check(all []*declared) {
	sum := 0
	for _, d := range all {
		for _, u := range d.uses.all() {
			e, _ := l.used(u)
			before := sum
			sum += e.rules
			if before <= MaxExpandedRules && sum > MaxExpandedRules {
				l.report(u.at, "up to here, rule sets stand for more than %d rules in policies: use fewer or smaller ones", MaxExpandedRules)
			}
		}
	}
}

// put puts a policy, with the rules of the rule sets that it uses, at that
// index into a set, and reports whether it refers to something by name. The
// library must be without findings.
func (l *library) put(p *declared, into *Set, i int) (named bool) {
	if p.uses.none() {
		into.Policies[i], into.Origins[i] = *p.Desired, p.origin
		p.Desired = &into.Policies[i] // so that each is in memory once
		return p.named
	}
	into.Policies[i], into.Origins[i], named = l.expand(p)
	return named || p.named
}

// expand returns a policy and its origin with the rules of the rule sets that
// it uses, and whether one of these refers to something by name.
func (l *library) expand(d *declared) (policy.Desired, *Origin, bool) {
	desired, origin, named := *d.Desired, *d.origin, false
	for _, list := range []struct {
		rules  *[]policy.Rule
		places *[]Place
		uses   []use
	}{
		{&desired.Include, &origin.Include, d.uses.include},
		{&desired.Exclude, &origin.Exclude, d.uses.exclude},
		{&desired.Require, &origin.Require, d.uses.require},
	} {
		if len(list.uses) == 0 {
			continue
		}
		e := expansion{library: l}
		e.add(ruleList{*list.rules, *list.places, list.uses})
		*list.rules, *list.places = e.rules, e.places
		named = named || e.named
	}
	return desired, &origin, named
}

// expansion is a list of rules that is being put together.
type expansion struct {
	*library
	rules  []policy.Rule
	places []Place
	named  bool
}

func (e *expansion) add(list ruleList) {
	from := 0
	for _, u := range list.uses {
		e.own(list, from, u.before)
		from = u.before
		if s := e.sets[u.name]; s != nil {
			e.named = e.named || s.named
			e.add(s.ruleList)
		}
	}
	e.own(list, from, len(list.rules))
}

func (e *expansion) own(list ruleList, from, to int) {
	e.rules = append(e.rules, list.rules[from:to]...)
	e.places = append(e.places, list.places[from:to]...)
}
