package schema_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/policysync/policysync/internal/manifest"
	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/policy/policytest"
	"github.com/policysync/policysync/internal/schema"
)

func TestSchemaAndDecoderAgreeOnAnyPolicyHoweverSpoilt(t *testing.T) {
	t.Parallel()
	s := compiled(t, schema.Manifest)
	rapid.Check(t, func(t *rapid.T) {
		document := anyDocument(t)
		for range rapid.IntRange(0, 3).Draw(t, "spoilings") {
			places := placesIn(document, func(any) {})
			spoil(t, places[rapid.IntRange(0, len(places)-1).Draw(t, "place")])
		}
		agree(t, s, document)
	})
}

// anyDocument generates a policy or a rule set, as decoded JSON.
func anyDocument(t *rapid.T) any {
	text, err := json.Marshal(policytest.Policies().Draw(t, "policy"))
	if err != nil {
		t.Fatal(err)
	}
	var document map[string]any
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	own := map[string]any{}
	if rapid.Bool().Draw(t, "allow unknown") {
		own["allow_unknown_rules"] = true
	}
	if rapid.Bool().Draw(t, "rule set") {
		return map[string]any{"kind": manifest.KindRuleSet, "name": document["name"], "rules": document["include"], "policysync": own}
	}
	own["key"], own["expires"], own["protect"] = "a key", "2028-02-29", true
	own["previously"] = []any{"an earlier name", "another"}
	document["policysync"] = own
	return document
}

func TestSchemaTakesWhatExportWrites(t *testing.T) {
	t.Parallel()
	s := compiled(t, schema.Manifest)
	rapid.Check(t, func(t *rapid.T) {
		p := policytest.Policies().Draw(t, "policy")
		things := map[policy.Reference][]policy.Thing{}
		for kind, id := range policy.Identifiers(p) {
			things[kind] = append(things[kind], policy.Thing{ID: id, Name: "The " + id})
		}
		text, err := manifest.Encode(policy.Desired{Policy: p, Key: rapid.SampledFrom([]string{p.Name, "key"}).Draw(t, "key")}, manifest.NewNames(things))
		if err != nil {
			t.Fatal(err)
		}
		v := judge(t, s, map[string][]byte{"policy.yaml": text})
		if problem := v.disagreement(); problem != "" || len(v.schema) > 0 {
			t.Fatalf("%s %s\nin %s", problem, v.schema, text)
		}
	})
}

// agree fails where schema and decoder disagree on a document.
func agree(t *rapid.T, s *jsonschema.Schema, document any) {
	text, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	v := judge(t, s, map[string][]byte{"policy.yaml": text})
	if problem := v.disagreement(); problem != "" {
		t.Fatalf("%s\nin %s", problem, text)
	}
}

// place is a value in a document that can be replaced.
type place struct {
	value   any
	replace func(any)
}

// placesIn returns the value and all that are in it.
func placesIn(value any, replace func(any)) []place {
	places := []place{{value, replace}}
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			places = append(places, placesIn(v[key], func(other any) { v[key] = other })...)
		}
	case []any:
		for i := range v {
			places = append(places, placesIn(v[i], func(other any) { v[i] = other })...)
		}
	}
	return places
}

// spoil makes something else of a value, most often something wrong.
func spoil(t *rapid.T, at place) {
	other := rapid.SampledFrom([]any{
		nil, "", "x", " x", "a\nb", "é", 12, -1, 1.5, 1_000_000_000, true,
		[]any{},
		map[string]any{},
		"24h", "1d", "2027-02-29",
		[]any{"x"},
		[]any{"x", "x"},
		[]any{nil},
		[]any{[]any{"x"}},
		map[string]any{"name": "x"},
		map[string]any{"name": []any{"x"}},
		[]any{map[string]any{"name": "x"}},
		map[string]any{"use": "x"},
		map[string]any{"everyone": map[string]any{}},
		map[string]any{"new": 1},
		"${vars.a}", "a ${vars.a}", "${a}", "$${", "$$${vars.a}", "$",
		[]any{"${vars.a}", 1},
		map[string]any{"new": map[string]any{"${a}": "$${"}},
	})
	switch v := at.value.(type) {
	case map[string]any:
		key := rapid.SampledFrom([]string{
			"name", "id", "identity_provider", "identity_provider_id", "email", "everyone", "use", "kind", "include", "rules", "decision",
			"session_duration", "policysync", "key", "allow_unknown_rules", "new", "precedence", "app_count",
		}).Draw(t, "key")
		switch _, there := v[key]; {
		case there && rapid.Bool().Draw(t, "delete"):
			delete(v, key)
		case rapid.Bool().Draw(t, "add"):
			v[key] = other.Draw(t, "value")
		default:
			at.replace(other.Draw(t, "value"))
		}
	case []any:
		at.replace(append(v, other.Draw(t, "item")))
	default:
		at.replace(rapid.OneOf(other, rapid.SampledFrom([]any{[]any{v}, []any{v, v}, map[string]any{"name": v}})).Draw(t, "value"))
	}
}

// What texts are like that may or may not be of a type.
var almost = map[policy.Type][]string{
	policy.Text:     {"a", "text\nof\ttwo lines"},
	manifest.Title:  {"a", "A name", "Ä 世"},
	policy.Duration: {"24h", "1h30m", "1.5h", "0", "5ms", "+1h", "1us2µs3μs4ns", ".5s"},
	policy.Email:    {"ann@example.com", "o'neil+x@mail.example.co", "ä@ä.example"},
	policy.Domain:   {"example.com", "a-b.example", "_x.example.com", "xn--a.example", "münchen.example"},
	policy.CIDR: {
		"192.0.2.0/24", "255.249.100.9", "::", "::1/128", "2001:db8::/32", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8",
		"1::4:5:6:7:8", "1:2::7:8/64", "1:2:3:4:5::8", "::ffff:192.0.2.1", "64:ff9b::192.0.2.1/96", "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5::1.2.3.4",
	},
	policy.Country: {"US", "no", "GB", "UZ", "AK", "t1", "XX", "T2"},
	policy.URL:     {"https://example.com", "https://[::1]:8443/a?b#c", "HTTPS://ä.example:/%20", "https://a.example?x=%zz#%41"},
	policy.ID:      {"699d98642c564d2e855e9661899b7252", "F174E90A-fafe-4643-bbbc-4a0ed4fc8415", "a"},
	manifest.Date:  {"2027-01-31", "2028-02-29", "2000-02-29", "1900-02-28", "2027-11-30", "0000-12-31", "9999-06-15"},
}

// holders make a document whose only doubtful value is a text of the type.
var holders = map[policy.Type]func(string) any{
	policy.Text:     func(text string) any { return map[string]any{"purpose_justification_prompt": text} },
	manifest.Title:  func(text string) any { return map[string]any{"policysync": map[string]any{"key": text}} },
	policy.Duration: func(text string) any { return map[string]any{"session_duration": text} },
	policy.Email:    func(text string) any { return rule("email", "email", text) },
	policy.Domain:   func(text string) any { return rule("email_domain", "domain", text) },
	policy.CIDR:     func(text string) any { return rule("ip", "ip", text) },
	policy.Country:  func(text string) any { return rule("geo", "country_code", text) },
	policy.URL: func(text string) any {
		return map[string]any{"require": []any{map[string]any{"external_evaluation": map[string]any{"evaluate_url": text, "keys_url": "https://a.example"}}}}
	},
	policy.ID:     func(text string) any { return rule("group", "id", text) },
	manifest.Date: func(text string) any { return map[string]any{"policysync": map[string]any{"expires": text}} },
}

func rule(kind, field, text string) map[string]any {
	return map[string]any{"require": []any{map[string]any{kind: map[string]any{field: text}}}}
}

// Texts that are a few characters away from right ones.
func TestPatternsTakeTheTextsThatTheDecoderTakes(t *testing.T) {
	t.Parallel()
	s := compiled(t, schema.Manifest)
	for kind, texts := range almost {
		rapid.Check(t, func(t *rapid.T) {
			text := []rune(rapid.SampledFrom(texts).Draw(t, "text"))
			for range rapid.IntRange(0, 3).Draw(t, "edits") {
				i := rapid.IntRange(0, len(text)).Draw(t, "at")
				end := min(len(text), i+rapid.IntRange(0, 2).Draw(t, "remove"))
				put := rapid.SliceOfN(rapid.RuneFrom([]rune("aZgk0123579.:-_+/@[]%#?&*\"'<\\${}é\u0301世 \u00a0\u2003\u2028\n\t\r\x00\x85")), 0, 2).Draw(t, "put")
				if rapid.IntRange(0, 9).Draw(t, "variable") == 0 {
					put = append(put, []rune("${vars.a}")...)
				}
				text = slices.Concat(text[:i], put, text[end:])
			}
			document := holders[kind](string(text)).(map[string]any)
			document["name"], document["decision"] = "A", "allow"
			document["include"] = []any{map[string]any{"everyone": map[string]any{}}}
			agree(t, s, document)
		})
	}
}

func TestPatternOfCountriesTakesThoseThatThereAre(t *testing.T) {
	t.Parallel()
	s := compiled(t, schema.Manifest)
	const characters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	for _, first := range characters {
		for _, second := range characters {
			code := string([]rune{first, second})
			document := rule("geo", "country_code", code)
			document["name"], document["decision"], document["include"] = "A", "allow", document["require"]
			if takes := s.Validate(document) == nil; takes != policy.IsCountry(code) {
				t.Errorf("%s: the schema takes it: %t", code, takes)
			}
		}
	}
}
