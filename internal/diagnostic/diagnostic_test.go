package diagnostic_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/diagnostic"
)

func TestExcerptPutsTheCaretUnderTheColumn(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		in   diagnostic.Diagnostic
		want string
	}{
		{"whole file", diagnostic.Diagnostic{Path: "a.yaml", Message: "too large"}, "a.yaml: too large"},
		{"line only", diagnostic.Diagnostic{Path: "a.yaml", Line: 3, Message: "bad", Source: "x"}, "a.yaml:3: bad"},
		{"line and column", diagnostic.Diagnostic{Path: "a.yaml", Line: 3, Col: 7, Message: "bad", Source: "name: é€x"}, "a.yaml:3:7: bad\n    name: é€x\n          ^"},
		{"tabs stay", diagnostic.Diagnostic{Path: "a.yaml", Line: 1, Col: 3, Message: "bad", Source: "\ta b"}, "a.yaml:1:3: bad\n    \ta b\n    \t ^"},
		{"a warning with a code", diagnostic.Diagnostic{Path: "a.yaml", Line: 2, Col: 1, Severity: diagnostic.Warning, Message: "odd", Code: "PS101", Source: "x"}, "a.yaml:2:1: warning: odd (PS101)\n    x\n    ^"},
		{"past the end", diagnostic.Diagnostic{Path: "a.yaml", Line: 1, Col: 9, Message: "bad", Source: "ab"}, "a.yaml:1:9: bad\n    ab\n      ^"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(tc.want, tc.in.Excerpt()); d != "" {
				t.Errorf("excerpt differs (-want +got):\n%s", d)
			}
		})
	}
}

func TestErrIsSortedAndFindable(t *testing.T) {
	t.Parallel()
	if err := (diagnostic.List{}).Err(); err != nil {
		t.Errorf("no findings give %v", err)
	}
	list := diagnostic.List{
		{Path: "b", Line: 1, Message: "4"},
		{Path: "a", Line: 10, Message: "3"},
		{Path: "a", Line: 9, Col: 2, Message: "2"},
		{Path: "a", Line: 9, Col: 1, Message: "1"},
	}
	err := fmt.Errorf("read: %w", list.Err())
	if want := "read: a:9:1: 1\na:9:2: 2\na:10: 3\nb:1: 4"; err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
	if got, ok := errors.AsType[diagnostic.List](err); !ok || len(got) != 4 {
		t.Errorf("found %v, %v", got, ok)
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"email", "email_domain", "azureAD", "github-organization", "ip", "geo"}
	for word, want := range map[string]string{
		"emial": "email", "e-mail": "email", "azuread": "azureAD", "github_organization": "github-organization",
		"email_domains": "email_domain", "Geo": "geo", "ipp": "ip", "": "", "certificate": "", "xy": "",
	} {
		if got := diagnostic.Nearest(word, known); got != want {
			t.Errorf("nearest to %q is %q, want %q", word, got, want)
		}
	}
}

func ExampleDiagnostic_Excerpt() {
	d := diagnostic.Diagnostic{Path: "eng.yaml", Line: 2, Col: 1, Message: `unknown key "decison", did you mean "decision"?`, Source: "decison: allow"}
	fmt.Println(d.Excerpt())
	// Output:
	// eng.yaml:2:1: unknown key "decison", did you mean "decision"?
	//     decison: allow
	//     ^
}
