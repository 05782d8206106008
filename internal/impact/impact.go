// Package impact tells whether a change lets more people in or fewer. It is
// pure, takes time linear in the number of rules, and errs to one side: what
// it can't tell counts as letting someone in.
//
//	impact.go    what a decision does for those who match
//	rules.go     who matches, by package containment
//	settings.go  on what terms they get in
//
// A policy is judged by itself: people who fall out of it may still meet a
// laxer policy of the same application, which this package doesn't see.
package impact

import (
	"github.com/policysync/policysync/internal/containment"
	"github.com/policysync/policysync/internal/policy"
)

// Direction is which way a change moves who gets in, and on what terms.
type Direction string

// The directions. To gain is to get in where one did not, or on laxer terms.
const (
	Widens  Direction = "widens"  // some may gain, or it can't be told
	Narrows Direction = "narrows" // nobody gains, some may lose
	Both    Direction = "both"    // some may gain, some may lose
	Neutral Direction = "neutral" // nobody gains or loses
)

// Directions returns all directions.
func Directions() []Direction { return []Direction{Widens, Narrows, Both, Neutral} }

// Of returns the direction of a change from before to after; nil stands for
// no policy. It is Narrows or Neutral only if certainly nobody gains.
func Of(before, after *policy.Policy) Direction {
	switch {
	case before == nil && after == nil:
		return Neutral
	case before == nil:
		return move(unmatched, standingOf(after.Decision)).direction()
	case after == nil:
		return move(standingOf(before.Decision), unmatched).direction()
	}
	b, a := policy.Canonical(*before), policy.Canonical(*after)
	return (ofMatching(b, a) | ofSettings(b, a)).direction()
}

// shift is what may become of people by a change. The zero shift is that
// nobody is affected; shifts of parts of a change are combined by |.
type shift uint8

const (
	gain    shift  = 1 << iota // some may gain
	loss                       // some may lose
	unclear = gain             // it can't be told
)

func (s shift) direction() Direction {
	switch s {
	case 0:
		return Neutral
	case gain:
		return Widens
	case loss:
		return Narrows
	default:
		return Both
	}
}

// standing is how a person stands with a policy; the higher, the freer.
type standing int

const (
	unknown    standing = iota // this version doesn't know the decision
	denied                     // kept out, whatever later policies say
	unmatched                  // neither let in nor kept out by this policy
	afterLogin                 // let in after a login
	noLogin                    // let in without a login, but logged
	unchecked                  // Access isn't applied at all
)

// standingOf returns how those who match stand: Cloudflare's description of
// the actions Block, Allow, Service Auth and Bypass.
func standingOf(d policy.Decision) standing {
	switch d {
	case policy.Deny:
		return denied
	case policy.Allow:
		return afterLogin
	case policy.NonIdentity:
		return noLogin
	case policy.Bypass:
		return unchecked
	default:
		return unknown
	}
}

// move is the shift for somebody who stood in one way and now in another.
func move(from, to standing) shift {
	switch {
	case from == unknown || to == unknown:
		return unclear
	case to > from:
		return gain
	case to < from:
		return loss
	default:
		return 0
	}
}

// ofMatching is the shift by decision and rules: people may stay matched,
// come to be matched, or cease to be.
func ofMatching(before, after policy.Policy) shift {
	from, to := standingOf(before.Decision), standingOf(after.Decision)
	var s shift
	if before.Decision != after.Decision {
		s |= move(from, to)
	}
	if matchesMore(before, after) {
		s |= move(unmatched, to)
	}
	if matchesMore(after, before) {
		s |= move(from, unmatched)
	}
	if unmatched < to && to < from && !sameForAnyDecision(before) {
		s |= unclear
	}
	return s
}

// sameForAnyDecision reports whether a policy's rules match the same requests
// whatever its decision. Cloudflare's table of selectors says which need an
// identity, which bypass and non_identity don't have, and which tokens only
// non_identity reads: a policy that matched nobody for that reason may let
// people in once its decision is a stricter one.
func sameForAnyDecision(p policy.Policy) bool {
	for _, rules := range [][]policy.Rule{p.Include, p.Exclude, p.Require} {
		for _, r := range rules {
			switch r.Kind {
			case "certificate", "common_name", "everyone", "geo", "ip", "ip_list":
				if !containment.Understood(r) {
					return false
				}
			default:
				return false
			}
		}
	}
	return true
}
