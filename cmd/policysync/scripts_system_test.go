//go:build system

package main

import (
	"path/filepath"
	"testing"
)

// TestSystemScripts runs the scripts that need more programs than git.
func TestSystemScripts(t *testing.T) {
	t.Parallel()
	runScripts(t, filepath.Join("testdata", "system"))
}
