package policy

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"math/big"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Canonical returns the one form that all policies of the same meaning share:
// rules, approval groups and other sets are sorted and without duplicates;
// durations are compared by length, blocks by what they hold, names that the
// field's standard compares without case in one case; what the API takes for
// absent (null, false, "", [], {}) is left out. Fields and kinds that this
// version doesn't know are kept. Canonical(Canonical(p)) equals Canonical(p).
func Canonical(p Policy) Policy {
	settings := map[string]any{}
	for name, value := range p.Settings {
		if v := canonicalField(fields, name, value); v != nil {
			settings[name] = v
		}
	}
	if len(settings) == 0 {
		settings = nil
	}
	return Policy{
		Name: p.Name, Decision: p.Decision, Settings: settings,
		Include: canonicalRules(p.Include), Exclude: canonicalRules(p.Exclude), Require: canonicalRules(p.Require),
	}
}

// CanonicalRule returns the one form that all rules of the same meaning share.
func CanonicalRule(r Rule) Rule {
	body, isObject := r.Body.(map[string]any)
	kind, known := KindNamed(r.Kind)
	if !known || !isObject {
		return Rule{r.Kind, exact(r.Body)}
	}
	return Rule{r.Kind, canonicalObject(kind.Fields, body)}
}

// Equal reports whether two policies mean the same.
func Equal(a, b Policy) bool {
	// What is written alike is the same. That is so for most policies in most
	// runs, and BenchmarkComputeInSync of package diff shows what it saves.
	return writtenAlike(a, b) || canonicalJSON(a) == canonicalJSON(b)
}

func writtenAlike(a, b Policy) bool {
	return a.Name == b.Name && a.Decision == b.Decision &&
		slices.EqualFunc(a.Include, b.Include, sameRule) &&
		slices.EqualFunc(a.Exclude, b.Exclude, sameRule) &&
		slices.EqualFunc(a.Require, b.Require, sameRule) &&
		maps.EqualFunc(a.Settings, b.Settings, sameJSON)
}

func sameRule(a, b Rule) bool { return a.Kind == b.Kind && sameJSON(a.Body, b.Body) }

// sameJSON is reflect.DeepEqual for decoded JSON, in a fraction of the time.
func sameJSON(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && maps.EqualFunc(a, b, sameJSON)
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, sameJSON)
	case string, json.Number, bool:
		return a == b
	default:
		return reflect.DeepEqual(a, b)
	}
}

// Fulfils reports whether live is what the account makes of sent: the same
// but for settings that sent leaves to the account.
func Fulfils(live, sent Policy) bool {
	live, sent = Canonical(live), Canonical(sent)
	for name := range live.Settings {
		if _, stated := sent.Settings[name]; !stated {
			delete(live.Settings, name)
		}
	}
	if len(live.Settings) == 0 {
		live.Settings = nil
	}
	return JSON(live) == JSON(sent)
}

// Fingerprint returns a short name for a policy's meaning: "sha256:" and the
// hex digest of its canonical JSON. Equal policies share it.
func Fingerprint(p Policy) string {
	sum := sha256.Sum256([]byte(canonicalJSON(p)))
	return "sha256:" + hex.EncodeToString(sum[:])
}

func canonicalJSON(p Policy) string { return JSON(Canonical(p)) }

// JSON returns the JSON of decoded JSON or of what this package makes of it,
// which always has one. Of canonical values equal ones, and only they, share it.
func JSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func canonicalRules(rules []Rule) []Rule {
	type keyed struct {
		key  string
		rule Rule
	}
	all := make([]keyed, len(rules))
	for i, r := range rules {
		c := CanonicalRule(r)
		all[i] = keyed{c.Kind + "\x00" + JSON(c.Body), c} // JSON has no raw NUL: no two rules share a key
	}
	slices.SortFunc(all, func(a, b keyed) int { return cmp.Compare(a.key, b.key) })
	all = slices.CompactFunc(all, func(a, b keyed) bool { return a.key == b.key })
	var sorted []Rule
	for _, k := range all {
		sorted = append(sorted, k.rule)
	}
	return sorted
}

// canonicalObject returns an object's canonical form, never nil.
func canonicalObject(known []Field, object map[string]any) map[string]any {
	result := map[string]any{}
	for name, value := range object {
		if v := canonicalField(known, name, value); v != nil {
			result[name] = v
		}
	}
	return result
}

// canonicalField returns the canonical form of the named field's value, or
// nil where the value means the same as leaving the field out.
func canonicalField(known []Field, name string, value any) any {
	for _, f := range known {
		if f.Name == name {
			if f.Many {
				return canonicalSet(f, value)
			}
			return canonicalValue(f, value)
		}
	}
	return present(exact(value))
}

func canonicalSet(f Field, value any) any {
	list, ok := value.([]any)
	if !ok {
		return present(exact(value))
	}
	byText := map[string]any{}
	for _, element := range list {
		v := canonicalValue(f, element)
		byText[JSON(v)] = v
	}
	var set []any
	for _, text := range slices.Sorted(maps.Keys(byText)) {
		set = append(set, byText[text])
	}
	if set == nil {
		return nil
	}
	return set
}

func canonicalValue(f Field, value any) any {
	switch v := value.(type) {
	case map[string]any:
		if f.Type == Object {
			return present(canonicalObject(f.Fields, v))
		}
	case string:
		return present(canonicalText(f.Type, v))
	}
	return present(exact(value))
}

// canonicalText returns the canonical form of a text of that type; one that
// isn't of the type stays as it is.
func canonicalText(t Type, text string) string {
	switch t {
	case Duration:
		if d, err := time.ParseDuration(text); err == nil {
			return shortDuration(d)
		}
	case Email, Domain, ID:
		return strings.ToLower(text)
	case Country:
		return strings.ToUpper(text)
	case CIDR:
		return canonicalCIDR(text)
	default:
	}
	return text
}

// shortDuration writes a duration without the zero parts that String appends:
// 24h, not 24h0m0s.
func shortDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func canonicalCIDR(text string) string {
	if prefix, err := netip.ParsePrefix(text); err == nil {
		return prefix.Masked().String()
	}
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		return netip.PrefixFrom(addr, addr.BitLen()).String()
	}
	return text
}

// present returns nil for what means the same as absent, else the value.
func present(value any) any {
	switch v := value.(type) {
	case bool:
		if !v {
			return nil
		}
	case string:
		if v == "" {
			return nil
		}
	case []any:
		if len(v) == 0 {
			return nil
		}
	case map[string]any:
		if len(v) == 0 {
			return nil
		}
	}
	return value
}

// exact returns a copy of decoded JSON in which equal numbers are written
// alike; nothing else is changed.
func exact(value any) any {
	switch v := value.(type) {
	case map[string]any:
		object := make(map[string]any, len(v))
		for name, element := range v {
			object[name] = exact(element)
		}
		return object
	case []any:
		list := make([]any, len(v))
		for i, element := range v {
			list[i] = exact(element)
		}
		return list
	case json.Number:
		return canonicalNumber(v)
	}
	return value
}

// canonicalNumber writes a whole number without point or exponent. Others, and
// those too long to be anything but an attack on memory, stay as they are.
func canonicalNumber(n json.Number) json.Number {
	const longest, longestExponent = 32, 4
	if i := strings.IndexAny(string(n), "eE"); len(n) > longest || i >= 0 && len(n)-i > longestExponent {
		return n
	}
	rational, ok := new(big.Rat).SetString(string(n))
	if !ok || !rational.IsInt() {
		return n
	}
	return json.Number(rational.Num().String())
}
