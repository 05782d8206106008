// Package doctest keeps the generated parts of documentation pages as the code
// has it.
package doctest

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Part fails the test unless a part of a Markdown page is text. The part begins
// behind a line that begins with "<!-- generated: NAME," and ends before the
// next that is "<!-- end -->"; the former is to say what command writes the
// part anew. With update that is done in place of the comparison: two Parts of
// one page must not be updated at once.
func Part(t *testing.T, page, name, text string, update bool) {
	t.Helper()
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(content), "\n<!-- generated: "+name+",")
	marker, rest, whole := strings.Cut(rest, " -->\n")
	part, after, ends := strings.Cut(rest, "<!-- end -->\n")
	if !found || !whole || !ends {
		t.Fatalf("%s has no part that begins with <!-- generated: %s, … --> and ends with <!-- end -->", page, name)
	}
	text = "\n" + strings.TrimSpace(text) + "\n\n"
	if d := cmp.Diff(part, text); d == "" {
		return
	} else if !update {
		t.Errorf("%s is behind in %s; make docs writes it (-page +code):\n%s", page, name, d)
		return
	}
	written := before + "\n<!-- generated: " + name + "," + marker + " -->\n" + text + "<!-- end -->\n" + after
	if err := os.WriteFile(page, []byte(written), 0o600); err != nil {
		t.Fatal(err)
	}
}
