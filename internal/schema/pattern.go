package schema

import (
	"maps"
	"slices"
	"strings"

	"github.com/policysync/policysync/internal/policy"
)

// The patterns of texts. Each is of the whole of it, see whole.
const (
	// A variable of the target; a text in which each ${ is one, or plain by another
	// dollar before it; and such a text with a variable.
	variable  = `\$\{vars\.[a-z][a-z0-9_]*\}`
	pieces    = `([^$]|` + variable + `|\$+[^${]|\$\$+\{)*`
	filled    = pieces + `\$*`
	templated = pieces + variable + filled

	line = `[^\p{Z}\p{Cc}]([^\p{Cc}\p{Zl}\p{Zp}]*[^\p{Z}\p{Cc}])?`
	id   = `[^\p{Z}\p{Cc}]+`
	uuid = `[0-9A-Fa-f]{32}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}`

	label  = `[\p{L}\p{M}\p{Nd}_]([\p{L}\p{M}\p{Nd}_-]{0,61}[\p{L}\p{M}\p{Nd}_])?`
	domain = label + `(\.` + label + `)+`

	// An IP address or block. Of IPv6, by the grammar of RFC 3986: what stands
	// before its last 32 bits and these; or what ends sooner behind the ::.
	octet = `(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])`
	ipv4  = octet + `(\.` + octet + `){3}`
	h16   = `[0-9A-Fa-f]{1,4}`
	upper = `(` + h16 + `:){6}|::(` + h16 + `:){0,5}|` + h16 + `::(` + h16 + `:){0,4}|` +
		h16 + `:` + h16 + `::(` + h16 + `:){0,3}|(` + h16 + `:){2}` + h16 + `::(` + h16 + `:){0,2}|` +
		`(` + h16 + `:){3}` + h16 + `::(` + h16 + `:)?|(` + h16 + `:){4}` + h16 + `::`
	ipv6 = `(` + upper + `)(` + h16 + `:` + h16 + `|` + ipv4 + `)|(` + h16 + `(:` + h16 + `){0,5})?::` + h16 + `|(` + h16 + `(:` + h16 + `){0,6})?::`
	cidr = ipv4 + `(/(3[0-2]|[12]?[0-9]))?|(` + ipv6 + `)(/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))?`

	// A day of the calendar: in a month of 31, of 30 or of 28 days, or the last
	// of February in a leap year.
	date = `[0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))|` +
		`([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29`

	// An https URL without a user name.
	host    = `(` + label + `(\.` + label + `)*|\[(` + ipv6 + `)\])(:[0-9]*)?`
	escaped = `%[0-9A-Fa-f]{2}`
	url     = `[Hh][Tt][Tt][Pp][Ss]://` + host +
		`(/([^\p{Z}\p{Cc}?#%]|` + escaped + `)*)?(\?[^\p{Z}\p{Cc}#]*)?(#([^\p{Z}\p{Cc}%]|` + escaped + `)*)?`
)

// anyUnit is the pattern of a duration's unit.
const anyUnit = `(ns|us|µs|μs|ms|s|m|h)`

// country returns the pattern of a country's code, in either case.
func country() string {
	var alternatives []string
	for _, first := range slices.Sorted(maps.Keys(policy.Countries())) {
		letters := []string{string(first), policy.Countries()[first]}
		for i, upper := range letters {
			letters[i] = "[" + upper + strings.ToLower(upper) + "]"
		}
		alternatives = append(alternatives, strings.Join(letters, ""))
	}
	return strings.Join(alternatives, "|")
}

// durationIn returns the pattern of a duration in these units.
func durationIn(units string) string {
	return `\+?(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)` + units + `)+)`
}

// whole returns the pattern that a text matches as a whole.
func whole(pattern string) string { return `^(` + pattern + `)$` }
