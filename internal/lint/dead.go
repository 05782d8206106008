package lint

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/policysync/policysync/internal/policy"
)

// lists returns all of a policy's lists.
func (s *subject) lists() []list { return []list{s.include, s.exclude, s.require} }

func bypassIdentity(s *subject) {
	if s.Decision != policy.Bypass {
		return
	}
	for _, l := range s.lists() {
		for _, r := range l.rules {
			if r.kind.NeedsIdentity() {
				s.report(r.at, "%s: the %s asks for no login, so that the rule matches nobody: decide allow, or use a rule such as ip", r.Kind, s.decided(r.at))
			}
		}
	}
}

func tokenDecision(s *subject) {
	for _, l := range s.lists() {
		for _, r := range l.rules {
			if where := r.kind.Decisions(); where != nil && !slices.Contains(where, s.Decision) {
				s.report(r.at, "%s: under the %s the rule matches nothing: tokens need a policy of their own that decides non_identity", r.Kind, s.decided(r.at))
			}
		}
	}
}

// contradiction compares each rule of require with the narrowest before it of
// what a request has only one of.
func contradiction(s *subject) {
	first := map[string]rule{}
	for _, r := range s.require.rules {
		if isOpen(value(r)) {
			continue
		}
		other, seenOne := first[r.Kind]
		domain, hasDomain := first["email_domain"]
		address, hasAddress := first["email"]
		switch {
		case r.kind.Exclusive() && seenOne && differ(r, other):
			s.contradict(r, other)
		case r.Kind == "email" && hasDomain && !under(r, domain):
			s.contradict(r, domain)
		case r.Kind == "email_domain" && hasAddress && !under(address, r):
			s.contradict(r, address)
		case r.Kind == "ip" && seenOne && !overlap(other, r):
			s.contradict(r, other)
		}
		if !seenOne || r.Kind == "ip" && narrower(r, other) {
			first[r.Kind] = r
		}
	}
}

func (s *subject) contradict(r, other rule) {
	s.report(r.at, "%s: %s and %s on %s never hold at once, and require asks for both, so that the policy matches nobody: put them into an access group and require that",
		r.Kind, value(r), value(other), seen(other.at, r.at))
}

// differ reports whether two rules of a kind ask for different values. A name
// and an id may be the same.
func differ(a, b rule) bool {
	return policy.JSON(a.canonical.Body) != policy.JSON(b.canonical.Body) && hasName(a) == hasName(b)
}

func hasName(r rule) bool {
	body, _ := r.Body.(map[string]any)
	for _, value := range body {
		if _, isName := value.(policy.Name); isName {
			return true
		}
	}
	return false
}

func under(address, domain rule) bool {
	return strings.HasSuffix(strings.ToLower(address.text("email")), "@"+strings.ToLower(domain.text("domain")))
}

func blocks(a, b rule) (x, y netip.Prefix, ok bool) {
	x, okX := blockOf(a.text("ip"))
	y, okY := blockOf(b.text("ip"))
	return x, y, okX && okY
}

func overlap(a, b rule) bool {
	x, y, ok := blocks(a, b)
	return !ok || x.Overlaps(y)
}

func narrower(a, b rule) bool {
	x, y, ok := blocks(a, b)
	return ok && x.Bits() > y.Bits()
}

func excluded(s *subject) {
	for _, l := range []list{s.include, s.require} {
		for _, r := range l.rules {
			if i, found := s.within(r, s.exclude); found {
				s.report(r.at, "%s: the rule of exclude on %s takes out whoever this one matches: remove one", r.Kind, seen(s.exclude.rules[i].at, r.at))
			}
		}
	}
}

// within returns the position of a rule of the list that contains r, and
// whether there is one.
func (s *subject) within(r rule, l list) (int, bool) {
	if i, same := l.index.Same(r.canonical); same {
		return i, true
	}
	for i := range l.index.Around(r.canonical) {
		return i, true
	}
	return 0, false
}
