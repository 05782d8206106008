//go:build system

package main

import (
	"path/filepath"
	"testing"
)

// TestStorageScripts runs the scripts that need Linux: as any user may there,
// they make themselves namespaces in which a disk is full, or this user may
// not write.
func TestStorageScripts(t *testing.T) {
	t.Parallel()
	runScripts(t, filepath.Join("testdata", "linux"))
}
