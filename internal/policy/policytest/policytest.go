// Package policytest generates policies for property tests: with every kind of
// rule, every field, and every spelling that a manifest may use.
package policytest

import (
	"encoding/json"
	"strconv"
	"strings"

	"pgregory.net/rapid"

	"github.com/policysync/policysync/internal/policy"
)

// Titles generates texts that may be names or keys, among them those that YAML
// has many ways to take for something else.
func Titles() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`[ -~äß世🙂]{0,20}[!-~é]`).Filter(func(s string) bool { return strings.TrimSpace(s) == s }),
		rapid.SampledFrom([]string{
			"yes", "NO", "null", "~", "1e3", "0x1F", "2027-01-31", "<<", "- a", "a: b", "#", "'", "\"",
			"*a", "&a", "!a", "%a", "@", "`", "{}", "[]", "---", "|", "1:30", "true",
		}),
	)
}

// Policies generates policies that a manifest may declare, with no more in
// them than the API knows.
func Policies() *rapid.Generator[policy.Policy] {
	return rapid.Custom(func(t *rapid.T) policy.Policy {
		p := policy.Policy{
			Name:     Titles().Draw(t, "name"),
			Decision: rapid.SampledFrom([]policy.Decision{policy.Allow, policy.Deny, policy.NonIdentity, policy.Bypass}).Draw(t, "decision"),
			Include:  rules(t, "include", 1), Exclude: rules(t, "exclude", -1), Require: rules(t, "require", -1),
		}
		settings := object(t, policy.Fields()[2:])
		if len(settings) > 0 {
			p.Settings = settings
		}
		return p
	})
}

// rules generates a list of rules; one of -1 is left out.
func rules(t *rapid.T, name string, least int) []policy.Rule {
	length := rapid.IntRange(least, 4).Draw(t, name)
	if length < 0 {
		return nil
	}
	list := []policy.Rule{}
	for range length {
		kind := rapid.SampledFrom(policy.Kinds()).Draw(t, "kind")
		list = append(list, policy.Rule{Kind: kind.Name, Body: object(t, kind.Fields)})
	}
	return list
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

// value generates a value of a field as decoded JSON.
func value(t *rapid.T, f policy.Field) any {
	if f.Many {
		one, least := f, 0
		one.Many = false
		if f.Required {
			least = 1
		}
		list := []any{}
		for range rapid.IntRange(least, 3).Draw(t, f.Name+" count") {
			list = append(list, value(t, one))
		}
		return list
	}
	switch f.Type {
	case policy.Object:
		return object(t, f.Fields)
	case policy.Bool:
		return rapid.Bool().Draw(t, f.Name)
	case policy.Number:
		return json.Number(strconv.Itoa(rapid.IntRange(0, 999_999_999).Draw(t, f.Name)))
	default:
		return texts(f).Draw(t, f.Name)
	}
}

// texts generates the texts that a field takes.
func texts(f policy.Field) *rapid.Generator[string] {
	switch {
	case f.Enum != nil:
		return rapid.SampledFrom(f.Enum)
	case f.Units != "":
		return rapid.SampledFrom([]string{"0m", "5m", "1h30m", "720h"})
	}
	switch f.Type {
	case policy.Duration:
		return rapid.SampledFrom([]string{"0s", "15m", "24h", "1440m0s", "1h30m", "90m", "720h"})
	case policy.Email:
		return rapid.StringMatching(`[A-Za-z0-9+.'-]{1,8}@[A-Za-z]{1,8}\.(com|example)`)
	case policy.Domain:
		return rapid.StringMatching(`[A-Za-z]([A-Za-z0-9-]{0,8}[a-z0-9])?\.(com|example)`)
	case policy.CIDR:
		return rapid.SampledFrom([]string{"192.0.2.7", "192.0.2.7/32", "10.0.0.0/8", "2001:db8::/32", "2001:DB8:0::/32", "::1", "::"})
	case policy.Country:
		return rapid.StringMatching(`[A-Z]{2}|pt|us|t1|XX`).Filter(policy.IsCountry)
	case policy.URL:
		return rapid.StringMatching(`https://[a-z]{1,8}\.example(/[a-z?=&#]{0,8})?`)
	case policy.ID:
		return rapid.StringMatching(`[0-9a-fA-F]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9]{32}|[0-9]{28}e[0-9]{3}`)
	default:
		return Titles()
	}
}
