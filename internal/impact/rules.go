package impact

import (
	"github.com/policysync/policysync/internal/containment"
	"github.com/policysync/policysync/internal/policy"
)

// matchesMore reports whether somebody may match after who doesn't match
// before; both are canonical. Who matches meets one rule of include, all of
// require and none of exclude (Cloudflare's access_include, access_require
// and access_exclude). So if none of the three lists lets more through by
// itself, all together don't either.
func matchesMore(before, after policy.Policy) bool {
	return !within(after.Include, before.Include) ||
		!demanded(before.Require, after.Require) ||
		!within(before.Exclude, after.Exclude)
}

// within reports whether who meets one of the inner rules certainly meets one
// of the outer.
func within(inner, outer []policy.Rule) bool {
	index := containment.NewIndex(outer)
	for _, r := range inner {
		if !index.Contains(r) {
			return false
		}
	}
	return true
}

// demanded reports whether who meets all the given rules certainly meets each
// of the wanted.
func demanded(wanted, given []policy.Rule) bool {
	index, met := containment.NewIndex(wanted), map[int]bool{}
	for _, r := range given {
		if i, same := index.Same(r); same {
			met[i] = true
		}
		for i := range index.Around(r) {
			met[i] = true
		}
	}
	for i, r := range wanted {
		if everybody := r.Kind == "everyone" && containment.Understood(r); !met[i] && !everybody {
			return false
		}
	}
	return true
}
