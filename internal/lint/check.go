package lint

import (
	"slices"
	"strings"

	"github.com/policysync/policysync/internal/diagnostic"
	"github.com/policysync/policysync/internal/manifest"
	"github.com/policysync/policysync/internal/policy"
)

// Check returns what the lints find in a set, sorted, without the lines that
// the findings are about: see manifest.Excerpts. Things are what is known of
// the account's lists; nil where the account wasn't asked. Where rule sets
// could not be seen, nothing is said of policies, which may miss rules. Where
// variables are unset, little is said of values that hold one, and nothing of
// comments that silence nothing.
func Check(set manifest.Set, things map[policy.Reference][]policy.Thing) diagnostic.List {
	if len(set.Unseen) > 0 {
		return nil
	}
	var found diagnostic.List
	for i, d := range set.Policies {
		if isOpen(string(d.Decision)) {
			continue
		}
		s := newSubject(d, set.Origins[i], things)
		for _, l := range lints {
			if l.check != nil {
				s.code = l.Code
				l.check(s)
			}
		}
		found = append(found, s.found...)
	}
	found.Sort()
	found = slices.Compact(found) // what is found in a rule set is found for each use
	found = silence(found, set, things)
	found.Sort()
	return found
}

// isOpen reports whether a text holds a variable that has no value yet.
func isOpen(text string) bool { return strings.Contains(text, "${vars.") }
