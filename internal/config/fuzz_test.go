package config_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/diagnostic"
)

// checked parses a text, which must give a config or findings that point into
// the text.
func checked(t interface {
	Helper()
	Fatalf(format string, args ...any)
}, text []byte,
) {
	t.Helper()
	c, err := config.Parse("fuzz.yaml", text, atHome())
	if err == nil {
		if len(c.Targets) == 0 || c.State.Path() == "" || c.Targets[0].Source.URL == "" {
			t.Fatalf("accepted half a config: %+v", c)
		}
		return
	}
	found, ok := errors.AsType[diagnostic.List](err)
	if c != nil || !ok {
		t.Fatalf("got %v and an error of type %T", c, err)
	}
	lines := 1 + strings.Count(string(text), "\n")
	for _, d := range found {
		if d.Path != "fuzz.yaml" || d.Message == "" || d.Line < 0 || d.Line > lines || !utf8.ValidString(d.Message) {
			t.Fatalf("%q is no finding in %d lines", d, lines)
		}
	}
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range append(files, "testdata/policysync.yaml") {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) { checked(t, text) })
}

// Any line of the sample replaced by any other, or by something hostile.
func TestSpoiledSampleGivesFindingsAndNoPanic(t *testing.T) {
	t.Parallel()
	sample, err := os.ReadFile("testdata/policysync.yaml")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(sample), "\n")
	rapid.Check(t, func(t *rapid.T) {
		spoiled := append([]string{}, lines...)
		for range rapid.IntRange(1, 3).Draw(t, "edits") {
			at := rapid.IntRange(0, len(lines)-1).Draw(t, "line")
			spoiled[at] = rapid.OneOf(
				rapid.SampledFrom(lines),
				rapid.SampledFrom([]string{"", "---", "\t", "<<: *a", "&a", "- &a [*a]", "? ", "}", "${", "schedule: TZ=0", "!!x"}),
				rapid.String(),
			).Draw(t, "text")
		}
		checked(t, []byte(strings.Join(spoiled, "\n")))
	})
}

func TestTextOfAnyKindArrivesAsWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.StringOf(rapid.RuneFrom([]rune("aZ0${}:#'\"\\ -_@%é😀\n\t"))).Draw(t, "username")
		written, err := json.Marshal(strings.ReplaceAll(want, "$", "$$"))
		if err != nil {
			t.Fatal(err)
		}
		text := minimal + "      auth: {username: " + string(written) + "}\n"
		c, err := config.Parse("p.yaml", []byte(text), atHome())
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Targets[0].Source.Auth.Username; got != want {
			t.Fatalf("wrote %s, got %q, want %q", written, got, want)
		}
	})
}
