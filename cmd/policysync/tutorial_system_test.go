//go:build system

package main

import (
	"os"
	"strings"
	"testing"
)

// TestTutorialWithPrometheus does all that docs/tutorial.md says, with a real
// Prometheus and a real curl, which stand behind our own programs in PATH.
func TestTutorialWithPrometheus(t *testing.T) {
	t.Parallel()
	s := newStudent(t)
	ours, others, _ := strings.Cut(os.Getenv("PATH"), ":")
	for i, variable := range s.env {
		s.env[i] = strings.Replace(variable, ours+":"+others, others, 1)
	}
	s.follow(tutorial, 24, func(string) bool { return true })
}
