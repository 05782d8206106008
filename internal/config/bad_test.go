package config_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/diagnostic"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// hidden is a value that no finding and no printed Config may show.
const hidden = "hunter2"

// env looks variables up in a map instead of the process.
func env(vars map[string]string) config.Env {
	return func(name string) (string, bool) {
		value, ok := vars[name]
		return value, ok
	}
}

// The files of testdata/bad hold one mistake each, or several where it says
// so; bad.golden holds what is said about them.
func TestBadFilesGiveExactlyTheseFindings(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) < 35 {
		t.Fatalf("found %d bad files: %v", len(files), err)
	}
	var got strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := config.Parse(filepath.Base(file), text, atHome())
		if _, ok := errors.AsType[diagnostic.List](err); !ok {
			t.Errorf("%s: got %+v and error %v, want a diagnostic.List", file, parsed, err)
		}
		fmt.Fprintf(&got, "%v\n\n", err)
	}
	if strings.Contains(got.String(), hidden) {
		t.Errorf("a finding shows a secret:\n%s", got.String())
	}
	golden(t, "testdata/bad.golden", got.String())
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("differs from %s (rewrite it with -update):\n%s", path, diff)
	}
}
