package lint

import (
	"net/netip"
	"slices"
	"strings"
)

func duplicate(s *subject) {
	for _, l := range s.lists() {
		for i, r := range l.rules {
			first, _ := l.index.Same(r.canonical)
			if first == i {
				continue
			}
			other := l.rules[first]
			if s.elsewhere(r) && !s.elsewhere(other) {
				r, other = other, r
			}
			if s.removable(r, other) {
				s.report(r.at, "%s: the same rule is on %s: remove one", r.Kind, seen(other.at, r.at))
			}
		}
	}
}

// shadowed reports, where one rule of a list will do, those within another; and
// where all must be met, those around another.
func shadowed(s *subject) {
	for _, l := range s.lists() {
		if i := slices.IndexFunc(l.rules, func(r rule) bool { return r.Kind == "everyone" }); i >= 0 {
			s.besideEveryone(l, l.rules[i])
			continue
		}
		told := map[int]bool{}
		for n, r := range l.rules {
			for i := range l.index.Around(r.canonical) {
				moot, by := n, i
				if l.name == s.require.name {
					moot, by = i, n
				}
				if !told[moot] {
					told[moot] = true
					s.shadow(l.name, l.rules[moot], l.rules[by])
				}
			}
		}
	}
}

func (s *subject) shadow(list string, r, by rule) {
	switch {
	case !s.removable(r, by):
	case list == s.require.name:
		s.report(r.at, "%s: %s on %s asks for more, and require asks for both: remove this one", r.Kind, brief(by), seen(by.at, r.at))
	default:
		s.report(r.at, "%s: %s on %s matches whoever this rule does: remove this one, or make that one narrower", r.Kind, brief(by), seen(by.at, r.at))
	}
}

// besideEveryone reports once that a list has everyone and other rules.
func (s *subject) besideEveryone(l list, everyone rule) {
	i := slices.IndexFunc(l.rules, func(r rule) bool { return r.Kind != "everyone" })
	if i < 0 {
		return
	}
	other := l.rules[i]
	switch {
	case l.name == s.require.name && s.removable(everyone, other):
		s.report(everyone.at, "everyone: asks for nothing, and require has other rules: remove it")
	case l.name == s.require.name:
	case s.removable(everyone, other):
		s.report(everyone.at, "everyone: beside it the other rules of %s say nothing: remove it, or them", l.name)
	case s.removable(other, everyone):
		s.report(other.at, "%s: beside everyone on %s it says nothing: remove one", other.Kind, seen(everyone.at, other.at))
	}
}

// removable reports whether a rule could be removed because of another: not
// from a rule set, which other policies use, for a rule that isn't in it.
func (s *subject) removable(r, because rule) bool {
	return !s.elsewhere(r) || r.at.File == because.at.File
}

// elsewhere reports whether a rule stands in another file than its policy, in a
// rule set.
func (s *subject) elsewhere(r rule) bool { return r.at.File != s.File }

func hostBits(s *subject) {
	for _, l := range s.lists() {
		for _, r := range l.rules {
			text := r.text("ip")
			block, err := netip.ParsePrefix(text)
			if r.Kind != "ip" || err != nil || block == block.Masked() {
				continue
			}
			address, _, _ := strings.Cut(text, "/")
			s.report(r.at, "ip: %s means %s: write that, or %s for the one address", text, block.Masked(), address)
		}
	}
}
