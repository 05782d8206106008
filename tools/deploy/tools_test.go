package deploy_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// root is the repository, as seen from here; deploy is what is checked.
var (
	root   = filepath.Join("..", "..")
	deploy = filepath.Join(root, "deploy")
)

// result is what a program said, and how it ended.
type result struct {
	stdout, stderr string
	err            error
}

// run runs a program of the PATH.
func run(t *testing.T, name string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	c := exec.CommandContext(t.Context(), name, args...)
	c.Stdout, c.Stderr = &stdout, &stderr
	err := c.Run()
	return result{stdout.String(), stderr.String(), err}
}

// must runs a program of the PATH that has to succeed, and returns what it
// wrote to standard output.
func must(t *testing.T, name string, args ...string) string {
	t.Helper()
	r := run(t, name, args...)
	if r.err != nil {
		t.Fatalf("%s %q: %v\n%s%s", name, args, r.err, r.stdout, r.stderr)
	}
	return r.stdout
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// scratch writes a file of its own for a test.
func scratch(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
