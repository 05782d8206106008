package schema

import (
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/policysync/policysync/internal/manifest"
	"github.com/policysync/policysync/internal/policy"
)

// form says what values of one type are written as.
type form struct {
	name     string // in $defs
	doc      string
	pattern  string
	examples []any
}

// forms are those of the types that are written as text.
var forms = map[policy.Type]form{
	policy.Text:     {"text", "", `[\t\n\P{Cc}]*`, nil},
	manifest.Title:  {"line", "", line, nil},
	policy.Duration: {"duration", "units `h`, `m`, `s`, `ms`, `us`, `ns`, as in `24h` or `1h30m`; there are no days", durationIn(anyUnit), []any{"24h", "1h30m"}},
	policy.Email:    {"email", "the address alone, `ann@example.com`", `[^@\p{Z}\p{Cc}<>()\[\],;:\\"*]+@` + domain, []any{"ann@example.com"}},
	policy.Domain:   {"domain", "the domain alone, `example.com`", domain, []any{"example.com"}},
	policy.CIDR:     {"cidr", "`192.0.2.7`, `192.0.2.0/24`, `2001:db8::/32`", cidr, []any{"192.0.2.0/24", "2001:db8::/32"}},
	policy.Country: {
		"country", "the two letters of ISO 3166-1: `US`, `NO` (here text), `GB` (not `UK`); and `XK`, `T1` (Tor), `XX` (not known)",
		country(),
		[]any{"US", "GB"},
	},
	policy.URL:    {"url", "absolute, with `https`", url, []any{"https://example.com/keys"}},
	policy.ID:     {"id", "", id, nil},
	manifest.Date: {"date", "", date, []any{"2027-01-31"}},
}

func (m manifests) form(f form) *jsonschema.Schema {
	s := m.text(f.pattern)
	s.Examples = f.examples
	return s
}

// formOf returns the form of a field's values.
func formOf(f policy.Field) form {
	switch {
	case f.Type == policy.Text && f.Required: // compared or shown on one line
		return forms[manifest.Title]
	case f.Refers.Cloudflares():
		return cloudflareID()
	default:
		return forms[f.Type]
	}
}

// cloudflareID is the form of the ids that Cloudflare gives.
func cloudflareID() form {
	return form{"uuid", "", uuid, []any{"f174e90a-fafe-4643-bbbc-4a0ed4fc8415", "699d98642c564d2e855e9661899b7252"}}
}

// single returns the schema of a single value that is written as text, or of
// an id or the name of what bears it.
func (m manifests) single(f policy.Field) *jsonschema.Schema {
	if f.Refers.Named() {
		return m.named("reference", m.reference)
	}
	return m.named(formOf(f).name, func() *jsonschema.Schema { return m.form(formOf(f)) })
}

func (m manifests) reference() *jsonschema.Schema {
	s := alsoOf("object", m.form(cloudflareID()))
	s.Properties = properties{"name": m.single(policy.Field{Type: manifest.Title})}
	s.Required, s.AdditionalProperties = []string{"name"}, nothing()
	return s
}

// oneOrMore returns the schema of a single value or a list of such.
func (m manifests) oneOrMore(f policy.Field) *jsonschema.Schema {
	single := m.single(f)
	name := strings.TrimPrefix(single.Ref, defs)
	return m.named(name+"OrList", func() *jsonschema.Schema {
		s := alsoOf("array", m.defs[name])
		s.Items, s.MinItems = single, new(1)
		return s
	})
}

// alsoOf returns a schema that lets values of another type pass too: keywords
// about values of one type concern no others.
func alsoOf(another string, s *jsonschema.Schema) *jsonschema.Schema {
	s = s.CloneSchemas()
	if s.Type != "" {
		s.Type, s.Types = "", []string{s.Type}
	}
	s.Types = append(slices.Clone(s.Types), another)
	return s
}
