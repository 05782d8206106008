package manifest_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"github.com/policysync/policysync/internal/diagnostic"
	"github.com/policysync/policysync/internal/manifest"
)

// FuzzDecode holds that no file makes Decode panic, and that every error of
// any file has a place that the file has.
func FuzzDecode(f *testing.F) {
	for _, folder := range []string{"good", "bad"} {
		for _, c := range corpora(f, folder) {
			for _, file := range c.manifests() {
				f.Add(file.Data)
			}
		}
	}
	for _, content := range []string{"\xff\xfe", "\x00", "a: \xc3\x28", "- &a [*a]", "? ? ? ?", "\ufeff\ufeff", "a\rb", "--- |\n---", "%TAG ! x\n---\n!y z"} {
		f.Add([]byte(content))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		open := manifest.Decoder{OpenVars: true, Partial: true, Vars: map[string]any{"on": true, "n": json.Number("1"), "env": "a"}}
		if _, err := open.Decode(fstest.MapFS{"f.yaml": &fstest.MapFile{Data: content}}); err != nil {
			list, _ := errors.AsType[diagnostic.List](err)
			checkPlaces(t, list, strings.TrimPrefix(string(content), "\ufeff"))
		}
		set, err := manifest.Decode(fstest.MapFS{"f.yaml": &fstest.MapFile{Data: content}})
		if err == nil {
			for _, p := range set.Policies {
				if p.Name == "" || p.Key == "" || p.Decision == "" || len(p.Include) == 0 || p.File != "f.yaml" || p.Line < 1 {
					t.Errorf("decoded without error: %+v", p)
				}
			}
			return
		}
		list, ok := errors.AsType[diagnostic.List](err)
		if !ok || len(set.Policies) > 0 {
			t.Fatalf("got %d policies and error %v", len(set.Policies), err)
		}
		checkPlaces(t, list, strings.TrimPrefix(string(content), "\ufeff"))
	})
}

func checkPlaces(t *testing.T, list diagnostic.List, content string) {
	t.Helper()
	lines := strings.Split(content, "\n")
	for _, d := range list {
		if d.Path != "f.yaml" || d.Message == "" || !utf8.ValidString(d.Message) || strings.ContainsAny(d.Message, "\n\r") {
			t.Errorf("finding %q", d)
		}
		if d.Line < 1 || d.Line > len(lines) {
			t.Errorf("%s: no such line in a file of %d", d, len(lines))
			continue
		}
		line := strings.TrimSuffix(lines[d.Line-1], "\r")
		if d.Col > utf8.RuneCountInString(line)+1 {
			t.Errorf("%s: no such column in %q", d, line)
		}
		if d.Source != "" && d.Source != line {
			t.Errorf("%s: got source %q, want %q", d, d.Source, line)
		}
	}
}
