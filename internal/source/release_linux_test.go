package source_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReleaseClosesWhatReadingHasOpened looks into the process' open files.
func TestReleaseClosesWhatReadingHasOpened(t *testing.T) {
	t.Parallel()
	want := files{"a.yaml": "1", "sub/b.yaml": "2"}
	o := newRepository(t, want).options()
	s := fetch(t, newGit(t, o))
	for range 2 { // it can be read again, and released again
		wantFiles(t, s, want)
		if n := openBelow(t, o.CacheDir); n != 1 {
			t.Errorf("%d files of the cache are open after a read, want the pack", n)
		}
		s.Release()
		if n := openBelow(t, o.CacheDir); n != 0 {
			t.Errorf("%d files of the cache are open after Release, want none", n)
		}
	}
}

// openBelow counts the open files below a folder.
func openBelow(t *testing.T, dir string) int {
	t.Helper()
	descriptors, err := filepath.Glob("/proc/self/fd/*")
	if err != nil || len(descriptors) == 0 {
		t.Fatalf("no open files are listed: %v", err)
	}
	n := 0
	for _, d := range descriptors {
		if name, err := os.Readlink(d); err == nil && strings.HasPrefix(name, dir) { // it may be closed by now
			n++
		}
	}
	return n
}
