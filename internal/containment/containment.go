// Package containment tells which rules contain which others: whoever meets a
// rule certainly meets each rule that contains it. It is pure and errs to one
// side: where it can't tell, a rule contains only itself.
//
//	email ann@example.com  in  email_domain example.com  in  everyone
//
// Rules are canonical everywhere here: see policy.CanonicalRule.
package containment

import (
	"iter"

	"github.com/policysync/policysync/internal/policy"
)

// Index finds, among some rules, those that contain another, in a time that
// doesn't grow with their number. It may be used by several goroutines.
type Index struct{ first map[fact]int }

// NewIndex returns the index of rules.
func NewIndex(rules []policy.Rule) Index {
	first := make(map[fact]int, len(rules))
	for i, r := range rules {
		f := factOf(r)
		if _, seen := first[f]; !seen {
			first[f] = i
		}
	}
	return Index{first}
}

// Same returns the position of the first rule that says what r says, and
// whether there is one.
func (x Index) Same(r policy.Rule) (int, bool) {
	i, found := x.first[factOf(r)]
	return i, found
}

// Around returns the positions of the rules that contain r and say something
// else, of those that say the same the first.
func (x Index) Around(r policy.Rule) iter.Seq[int] {
	return func(yield func(int) bool) {
		own := factOf(r)
		for _, f := range around(r) {
			if i, found := x.first[f]; found && f != own && !yield(i) {
				return
			}
		}
	}
}

// Contains reports whether a rule of the index contains r.
func (x Index) Contains(r policy.Rule) bool {
	if _, same := x.Same(r); same {
		return true
	}
	for range x.Around(r) {
		return true
	}
	return false
}
