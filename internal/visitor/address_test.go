package visitor_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/policysync/policysync/internal/visitor"
)

func TestAddressesAreHiddenFromThoseWhoMayNotSeeThem(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", "no address": "no address", "@every 1m": "@every 1m", "a @ b": "a @ b", "@": "@", "a@": "a@",
		"ann@example.com":                      "***@example.com",
		"email: ann.lee+x@example.com":         "email: ***@example.com",
		"Ann <ann@example.com>, bob@b.example": "Ann <***@example.com>, ***@b.example",
		`["lead@example.com","o'brien@x.org"]`: `["***@example.com","***@x.org"]`,
		`"ann lee"@example.com`:                "***@example.com",
		"jürgen@例え.jp":                         "***@例え.jp",
		"list\u3000ann@example.com":            "list\u3000***@example.com",
		"root@[127.0.0.1]":                     "***@[127.0.0.1]",
		"mailto:ann@localhost":                 "mailto:***@localhost",
		"mailto:ann%40example.com":             "mailto:***%40example.com",
		"?q=ann%40b@example.com":               "***%40***@example.com",
		"100%40 off":                           "100%40 off",
		"ann@bob@example.com":                  "***@***@example.com",
		"policies/ann@example.com.yaml:3":      "***@example.com.yaml:3",
	} {
		if got := (visitor.Visitor{}).Text(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
		if got := (visitor.Visitor{Addresses: true}).Text(text); got != text {
			t.Errorf("%q is shown as %q to who may see it", text, got)
		}
	}
}

// TestWhatIsHiddenStaysHidden holds for any text around an address.
func TestWhatIsHiddenStaysHidden(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.SampledFrom([]string{"@", "%40"}).Draw(t, "at")
		text := rapid.String().Draw(t, "before") + "marked.person" + at + "example.com" + rapid.String().Draw(t, "after")
		got := visitor.Visitor{}.Text(text)
		if strings.Contains(got, "marked") || strings.Contains(got, "person") {
			t.Errorf("%q is shown as %q", text, got)
		}
		if again := (visitor.Visitor{}).Text(got); again != got {
			t.Errorf("%q becomes %q when it is hidden again", got, again)
		}
	})
}
