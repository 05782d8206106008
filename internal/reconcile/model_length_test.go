//go:build !race

package reconcile_test

// rapid tells 100 stories.
const (
	storyLength = 100
	leastSteps  = 10_000
)
