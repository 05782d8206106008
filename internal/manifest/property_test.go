package manifest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"

	"github.com/policysync/policysync/internal/manifest"
	"github.com/policysync/policysync/internal/policy"
)

// texts generates text that YAML has many ways to take for something else.
var texts = rapid.OneOf(
	rapid.StringMatching(`[ -~äß世🙂]{0,20}[!-~é]`).Filter(func(s string) bool { return strings.TrimSpace(s) == s }),
	rapid.SampledFrom([]string{"yes", "NO", "null", "~", "1e3", "0x1F", "2027-01-31", "<<", "- a", "a: b", "#", "'", "\"", "*a", "&a", "!a", "%a", "@", "`", "{}", "[]", "---", "|", "1:30", "true"}),
)

var samples = map[policy.Type]*rapid.Generator[string]{
	policy.Text:     texts,
	policy.Duration: rapid.SampledFrom([]string{"0s", "15m", "24h", "1h30m", "720h"}),
	policy.Email:    rapid.StringMatching(`[a-z0-9+.'-]{1,8}@[a-z]{1,8}\.(com|example)`),
	policy.Domain:   rapid.StringMatching(`[a-z]([a-z0-9-]{0,8}[a-z0-9])?\.(com|example)`),
	policy.CIDR:     rapid.SampledFrom([]string{"192.0.2.7", "10.0.0.0/8", "2001:db8::/32", "::1", "::"}),
	policy.Country:  rapid.StringMatching(`[A-TV-Z][A-Z]`),
	policy.URL:      rapid.StringMatching(`https://[a-z]{1,8}\.example(/[a-z?=&#]{0,8})?`),
	policy.ID:       rapid.StringMatching(`[0-9a-f]{8}(-[0-9a-f]{4}){0,3}|[0-9]{1,4}e[0-9]{1,3}`),
}

// value generates a value of a field as decoded JSON.
func value(t *rapid.T, f policy.Field) any {
	if f.Many {
		one := f
		one.Many = false
		list := []any{}
		least := 0
		if f.Required {
			least = 1
		}
		for range rapid.IntRange(least, 3).Draw(t, f.Name+" count") {
			list = append(list, value(t, one))
		}
		return list
	}
	switch {
	case f.Type == policy.Object:
		return object(t, f.Fields)
	case f.Type == policy.Bool:
		return rapid.Bool().Draw(t, f.Name)
	case f.Type == policy.Number:
		return json.Number(fmt.Sprint(rapid.IntRange(0, 999_999_999).Draw(t, f.Name)))
	case f.Enum != nil:
		return rapid.SampledFrom(f.Enum).Draw(t, f.Name)
	case f.Units != "":
		return rapid.SampledFrom([]string{"0m", "5m", "1h30m", "720h"}).Draw(t, f.Name)
	}
	return samples[f.Type].Draw(t, f.Name)
}

// object generates an object of some of the fields.
func object(t *rapid.T, fields []policy.Field) map[string]any {
	result := map[string]any{}
	for _, f := range fields {
		if f.Type != policy.Rules && (f.Required || rapid.Bool().Draw(t, "with "+f.Name)) {
			result[f.Name] = value(t, f)
		}
	}
	return result
}

func rules(t *rapid.T, name string, least int) []policy.Rule {
	list := []policy.Rule{}
	for range rapid.IntRange(least, 4).Draw(t, name) {
		kind := rapid.SampledFrom(policy.Kinds()).Draw(t, "kind")
		list = append(list, policy.Rule{Kind: kind.Name, Body: object(t, kind.Fields)})
	}
	return list
}

func desired(t *rapid.T) policy.Desired {
	settings := object(t, policy.Fields())
	d := policy.Desired{
		Policy: policy.Policy{
			Name: settings["name"].(string), Decision: policy.Decision(settings["decision"].(string)),
			Include: rules(t, "include", 1), Exclude: rules(t, "exclude", 0), Require: rules(t, "require", 0),
		},
		File: "policy.yaml", Line: 1,
		Protect: rapid.Bool().Draw(t, "protect"),
		Expires: time.Date(rapid.IntRange(1, 9999).Draw(t, "year"), 1, rapid.IntRange(1, 31).Draw(t, "day"), 0, 0, 0, 0, time.UTC),
		Key:     texts.Draw(t, "key"),
	}
	for _, name := range rapid.SliceOfNDistinct(texts, 0, 3, rapid.ID[string]).Draw(t, "previously") {
		if name != d.Name {
			d.Previously = append(d.Previously, name)
		}
	}
	delete(settings, "name")
	delete(settings, "decision")
	if len(settings) > 0 {
		d.Settings = settings
	}
	return d
}

// jsonText writes a policy as JSON, which is YAML.
func jsonText(t *rapid.T, d policy.Desired) []byte {
	body, err := json.Marshal(d.Policy)
	if err != nil {
		t.Fatal(err)
	}
	own, err := json.Marshal(map[string]any{
		"key": d.Key, "previously": append([]string{}, d.Previously...), "protect": d.Protect, "expires": d.Expires.Format(time.DateOnly),
	})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Appendf(nil, "%s, \"policysync\": %s}\n", body[:len(body)-1], own)
}

func TestAnyPolicyWrittenAsYAMLDecodesToItself(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := desired(t)
		inJSON := jsonText(t, want)
		var node map[string]any
		if err := yaml.Unmarshal(inJSON, &node); err != nil {
			t.Fatal(err)
		}
		inBlocks, err := yaml.Marshal(node)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range [][]byte{inJSON, inBlocks} {
			set, err := manifest.Decode(fstest.MapFS{"policy.yaml": {Data: text}})
			if err != nil {
				t.Fatalf("%v\nin:\n%s", err, text)
			}
			if diff := cmp.Diff([]policy.Desired{want}, set.Policies); diff != "" {
				t.Fatalf("(-want +got):\n%s\nin:\n%s", diff, text)
			}
		}
	})
}
