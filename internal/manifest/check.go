package manifest

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/yamltree"
)

// The functions here take the text of a value and return what is wrong with
// it, or "".

func checkText(f policy.Field, text string) string {
	switch {
	case f.Enum != nil:
		return checkEnum(f.Enum, text)
	case f.Required:
		return checkTitle(f, text)
	case strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }):
		return yamltree.Quote(text) + " has control characters: remove them"
	}
	return ""
}

func checkEnum(values []string, text string) string {
	if slices.Contains(values, text) {
		return ""
	}
	if near := nearest(text, values); near != "" {
		return fmt.Sprintf("unknown value %s: did you mean %q?", yamltree.Quote(text), near)
	}
	return fmt.Sprintf("unknown value %s: want %s", yamltree.Quote(text), strings.TrimPrefix(among(values), ": "))
}

// checkTitle checks a text that is compared or shown on one line: a blank more
// or less would make another one of it that looks the same.
func checkTitle(_ policy.Field, text string) string {
	switch {
	case strings.TrimSpace(text) == "":
		return "want text, got none"
	case strings.TrimSpace(text) != text:
		return yamltree.Quote(text) + " begins or ends with a blank: remove it"
	case strings.ContainsFunc(text, unicode.IsControl), strings.ContainsAny(text, "\u2028\u2029"):
		return yamltree.Quote(text) + " has line breaks or control characters: remove them"
	}
	return ""
}

// longestNumber keeps numbers within what every JSON reader holds exactly.
const longestNumber = 9

func checkNumber(_ policy.Field, text string) string {
	if n, err := strconv.ParseUint(text, 10, 32); err != nil || len(text) > longestNumber || strconv.FormatUint(n, 10) != text {
		return fmt.Sprintf("want a whole number from 0 to 999999999, got %s", yamltree.Short(text))
	}
	return ""
}

// checkDuration follows Cloudflare's reference: what time.ParseDuration reads.
func checkDuration(f policy.Field, text string) string {
	d, err := time.ParseDuration(text)
	switch {
	case text == "":
		return "want a duration such as 30m or 24h: leave the field out for the application's own"
	case err != nil:
		return yamltree.Quote(text) + " is not a duration: write it such as 30m, 24h or 1h30m"
	case strings.HasPrefix(text, "-"):
		return yamltree.Quote(text) + " is negative"
	case f.Units != "" && strings.Trim(text, "0123456789.+"+f.Units) != "":
		return yamltree.Quote(text) + " has other units than minutes (m) and hours (h)"
	case f.Longest > 0 && d > f.Longest:
		return fmt.Sprintf("%s is too long: want at most %gh", yamltree.Quote(text), f.Longest.Hours())
	}
	return ""
}

func isBlank(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }

func checkEmail(_ policy.Field, text string) string {
	local, domain, found := strings.Cut(text, "@")
	bad := func(r rune) bool {
		return isBlank(r) || strings.ContainsRune("<>()[],;:\\\"*", r)
	}
	switch {
	case found && (local == "" || local == "*") && isDomain(domain):
		return fmt.Sprintf("%s is not an e-mail address: for everyone at a domain write the rule email_domain: {domain: %s}",
			yamltree.Quote(text), yamltree.Short(domain))
	case !found || local == "" || strings.ContainsFunc(local, bad) || !isDomain(domain):
		return yamltree.Quote(text) + " is not an e-mail address"
	}
	return ""
}

func checkDomain(_ policy.Field, text string) string {
	switch {
	case strings.Contains(text, "://"):
		return yamltree.Quote(text) + " is a URL: write the domain alone, such as example.com"
	case strings.Contains(text, "@"):
		return yamltree.Quote(text) + " has an @: write the domain alone, such as example.com"
	case !isDomain(text):
		return yamltree.Quote(text) + " is not a domain such as example.com"
	}
	return ""
}

// isDomain reports whether text is a name of two labels or more.
func isDomain(text string) bool { return labels(text) > 1 }

// labels returns of how many labels a name is, as of RFC 1035 but with any
// script's letters; 0 when it is none.
func labels(text string) (n int) {
	const longest, longestLabel = 253, 63
	for label := range strings.SplitSeq(text, ".") {
		n++
		if label == "" || len(label) > longestLabel || label[0] == '-' || label[len(label)-1] == '-' {
			return 0
		}
		if strings.ContainsFunc(label, func(r rune) bool {
			return r != '-' && r != '_' && !unicode.In(r, unicode.L, unicode.M, unicode.Nd)
		}) {
			return 0
		}
	}
	if len(text) > longest {
		return 0
	}
	return n
}

func checkCIDR(_ policy.Field, text string) string {
	if _, err := netip.ParsePrefix(text); err == nil {
		return ""
	}
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		return ""
	}
	return yamltree.Quote(text) + " is not an IP address or block: write it such as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32"
}

func checkCountry(_ policy.Field, text string) string {
	isLetter := func(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
	switch {
	case policy.IsCountry(text):
		return ""
	case len(text) != 2 || !isLetter(text[0]) || !isLetter(text[1]):
		return yamltree.Quote(text) + " is not a country: write the two letters of ISO 3166-1, such as US"
	case strings.EqualFold(text, "UK"):
		return yamltree.Quote(text) + " is not a country of ISO 3166-1: did you mean \"GB\"?"
	}
	return yamltree.Quote(text) + " is not a country of ISO 3166-1"
}

func checkURL(_ policy.Field, text string) string {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.User == nil && !isHost(u.Hostname()) || strings.ContainsFunc(text, isBlank):
		return yamltree.Quote(text) + " is not a URL such as https://example.com/keys"
	case u.User != nil:
		return "the URL holds a user name: whoever reads the repository could use it"
	case u.Scheme != "https":
		return yamltree.Quote(text) + " does not begin with https://"
	}
	return ""
}

func isHost(text string) bool {
	addr, err := netip.ParseAddr(text)
	return labels(text) > 0 || err == nil && addr.Zone() == ""
}

// checkID wants the shape of the ids that Cloudflare gives. What identity
// providers give may be of any.
func checkID(f policy.Field, text string) string {
	quoted := yamltree.Quote(text)
	switch misshapen := f.Refers.Cloudflares() && !isUUID(text); {
	case text == "":
		return fmt.Sprintf("want the id of the %s, got none", f.Refers)
	case f.Refers == policy.ToServiceToken && strings.HasSuffix(text, ".access"):
		return quoted + " is a client id: write the token's own id, or {name: …} with its name"
	case misshapen && f.Refers.Named():
		return fmt.Sprintf("%s is not an id such as f174e90a-fafe-4643-bbbc-4a0ed4fc8415: for the %s of that name, write {name: %s}",
			quoted, f.Refers, yamltree.Short(text))
	case misshapen:
		return quoted + " is not an id of 32 hex digits"
	case strings.ContainsFunc(text, isBlank):
		return quoted + " is not an id: it has blanks"
	}
	return ""
}

// isUUID reports whether text is 32 hex digits, with hyphens or without, as
// Cloudflare writes ids.
func isUUID(text string) bool {
	const plain, hyphenated = 32, 36
	return (len(text) == plain || len(text) == hyphenated) && uuid.Validate(text) == nil
}

func checkDate(_ policy.Field, text string) string {
	if _, err := time.Parse(time.DateOnly, text); err != nil {
		return yamltree.Quote(text) + " is not a day: write it such as 2027-01-31"
	}
	return ""
}
