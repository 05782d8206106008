package lookout_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/policysync/policysync/internal/lookout"
)

// TestAChangedFileIsTakenOnceItIsSettled looks after each step, as every two
// seconds in the daemon.
func TestAChangedFileIsTakenOnceItIsSettled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "policysync.yaml")
	write := func(name, text string) func() error {
		return func() error { return os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600) }
	}
	link := func(to string) func() error { // as Kubernetes turns ..data
		return func() error {
			next := filepath.Join(dir, "next")
			return errors.Join(os.Symlink(to, next), os.Rename(next, filepath.Join(dir, "..data")))
		}
	}
	nothing := func() error { return nil }
	for _, step := range []func() error{
		func() error {
			return errors.Join(os.Mkdir(filepath.Join(dir, "1"), 0o700), os.Mkdir(filepath.Join(dir, "2"), 0o700))
		},
		write("1/policysync.yaml", "one"), write("2/policysync.yaml", "two"),
		link("1"), func() error { return os.Symlink("..data/policysync.yaml", file) },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	look := lookout.New(file, filepath.Join(dir, "beside"))
	for _, step := range []struct {
		name string
		do   func() error
		want bool
	}{
		{"as it was", nothing, false},
		{"the link is turned", link("2"), false},
		{"and stays", nothing, true},
		{"taken already", nothing, false},
		{"half written", write("policysync.yaml", "th"), false},
		{"still written", write("policysync.yaml", "three"), false},
		{"whole", nothing, true},
		{"touched", write("policysync.yaml", "three"), false},
		{"gone", func() error { return os.Remove(file) }, false},
		{"still gone", nothing, true},
		{"gone for long", nothing, false},
		{"back", write("policysync.yaml", "three"), false},
		{"back for good", nothing, true},
		{"changed for a moment", write("policysync.yaml", "four"), false},
		{"and back", write("policysync.yaml", "three"), false},
		{"as it was taken", nothing, false},
		{"read at a signal", func() error { err := write("policysync.yaml", "five")(); look.Take(); return err }, false},
		{"and not again", nothing, false},
		{"another file", write("beside", "one"), false},
		{"that is settled", nothing, true},
		{"one after the other", write("policysync.yaml", "six"), false},
		{"not settled yet", write("beside", "two"), false},
		{"both are", nothing, true},
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		if got := look.Changed(); got != step.want {
			t.Errorf("%s: changed is %t, want %t", step.name, got, step.want)
		}
	}
}
