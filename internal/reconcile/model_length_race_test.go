//go:build race

package reconcile_test

// Under the race detector SQLite, translated to Go, takes six times as long.
const (
	storyLength = 25
	leastSteps  = 2_500
)
