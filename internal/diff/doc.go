// Package diff compares what Git says, what was last applied and what the
// account has, and says what to do about it.
//
//	Desired ─┐
//	Recorded ─┼─► Compute ─► Plan (changes, findings, counts)
//	Live ────┘
//
// It is pure: the same input gives the same plan, on any machine, at any time.
package diff
