// Package impact tells whether a change lets more people in or fewer. It is
// pure, and where it can't tell it says that the change widens.
package impact

import "github.com/policysync/policysync/internal/policy"

// Direction is which way a change moves who gets in.
type Direction string

// The directions.
const (
	Widens  Direction = "widens"  // someone may gain access, or it can't be told
	Narrows Direction = "narrows" // nobody gains access
	Both    Direction = "both"    // some gain, some lose
	Neutral Direction = "neutral" // nobody gains or loses
)

// Directions returns all directions.
func Directions() []Direction { return []Direction{Widens, Narrows, Both, Neutral} }

// Of returns the direction of a change from before to after; nil stands for
// no policy. A policy that denies lets fewer people in by being there, every
// other more. A change of a policy that is there already is not judged in
// detail: it widens, unless both mean the same.
func Of(before, after *policy.Policy) Direction {
	switch {
	case before == nil && after == nil:
		return Neutral
	case before == nil:
		return appearing(after.Decision)
	case after == nil:
		return opposite(appearing(before.Decision))
	case policy.Equal(*before, *after):
		return Neutral
	default:
		return Widens
	}
}

func appearing(d policy.Decision) Direction {
	if d == policy.Deny {
		return Narrows
	}
	return Widens
}

func opposite(d Direction) Direction {
	if d == Narrows {
		return Widens
	}
	return Narrows
}
