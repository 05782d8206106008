package lint

import (
	_ "embed"
	"net/netip"
	"slices"
	"strings"

	"github.com/policysync/policysync/internal/policy"
)

// unlimited reports whether nothing in require says who may get in. From where
// somebody comes by country, and how they log in, says little of who they are.
func (s *subject) unlimited() bool {
	return !slices.ContainsFunc(s.require.rules, func(r rule) bool {
		switch r.Kind {
		case "everyone", "geo", "auth_method":
			return false
		case "login_method":
			return !s.isOneTimePIN(r)
		case "email_domain":
			return !isPublicMail(r.text("domain"))
		case "ip":
			block, ok := blockOf(r.text("ip"))
			return !ok || !isWide(block)
		default:
			return true
		}
	})
}

func everyone(s *subject) {
	who := map[policy.Decision]string{
		policy.Allow:       "whoever can log in gets in",
		policy.NonIdentity: "whoever asks gets in, without a login",
		policy.Bypass:      "the application is open to the internet, without login or log",
	}[s.Decision]
	if who == "" || !s.unlimited() {
		return
	}
	for _, r := range s.include.rules {
		if r.Kind == "everyone" {
			s.report(r.at, "everyone: %s: name who may, or require what tells who they are, such as a domain, a group or an address block", who)
		}
	}
}

func oneTimePIN(s *subject) {
	if s.Decision != policy.Allow || !s.unlimited() {
		return
	}
	for _, r := range s.include.rules {
		if s.isOneTimePIN(r) {
			s.report(r.at, "login_method: a one-time PIN is sent to any address, so that whoever has one gets in: require a domain or a group too, or name another login method")
		}
	}
}

// isOneTimePIN reports whether a rule is for logins by a one-time PIN. Where
// the account's providers are not known, a name may give it away.
func (s *subject) isOneTimePIN(r rule) bool {
	if r.Kind != "login_method" {
		return false
	}
	body, _ := r.Body.(map[string]any)
	name, isName := body["id"].(policy.Name)
	for _, t := range s.things[policy.ToProvider] {
		if isName && t.Name == name.Name || !isName && strings.EqualFold(t.ID, r.text("id")) {
			return t.Type == "onetimepin"
		}
	}
	letters := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -_", r) {
			return -1
		}
		return r
	}, strings.ToLower(name.Name))
	return slices.Contains([]string{"onetimepin", "otp"}, letters)
}

func anyToken(s *subject) {
	if s.Decision != policy.NonIdentity {
		return
	}
	for _, r := range s.include.rules {
		if r.Kind == "any_valid_service_token" {
			s.report(r.at, "any_valid_service_token: every service token of the account gets in, those for other applications too: name the tokens, as service_token")
		}
	}
}

// The widest blocks that one organisation usually has: the largest IPv4 blocks
// that are common in companies and clouds, and what registries give a provider
// of IPv6.
const (
	widestIPv4 = 16
	widestIPv6 = 32
)

func wideBlock(s *subject) {
	if s.Decision == policy.Deny {
		return
	}
	for _, r := range slices.Concat(s.include.rules, s.require.rules) {
		block, ok := blockOf(r.text("ip"))
		switch {
		case r.Kind != "ip" || !ok || !isWide(block):
		case block.Bits() == 0:
			s.report(r.at, "ip: %s is every address of its family: write everyone, if that is meant, or the block that is", r.text("ip"))
		default:
			s.report(r.at, "ip: %s is wider than /%d: check its length, or name the blocks one by one", r.text("ip"), widest(block))
		}
	}
}

// isWide reports whether a block holds more than one organisation's public
// addresses.
func isWide(block netip.Prefix) bool {
	private := slices.ContainsFunc([]string{"10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"}, func(text string) bool {
		own := netip.MustParsePrefix(text)
		return own.Overlaps(block) && own.Bits() <= block.Bits()
	})
	return !private && block.Bits() < widest(block)
}

func widest(block netip.Prefix) int {
	if block.Addr().Is4() {
		return widestIPv4
	}
	return widestIPv6
}

// blockOf returns the block that a text is, one of a single address too.
func blockOf(text string) (netip.Prefix, bool) {
	if block, err := netip.ParsePrefix(text); err == nil {
		return block, true
	}
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(addr, addr.BitLen()), true
}

// mailDomains are those of public mail services, one on a line.
//
//go:embed maildomains.txt
var mailDomains string

func isPublicMail(domain string) bool {
	return domain != "" && strings.Contains(mailDomains, "\n"+strings.ToLower(domain)+"\n")
}

func publicMail(s *subject) {
	if s.Decision != policy.Allow || !s.unlimited() {
		return
	}
	for _, r := range s.include.rules {
		if domain := r.text("domain"); r.Kind == "email_domain" && isPublicMail(domain) {
			s.report(r.at, "email_domain: anybody can get an address at %s: name the people, as email", domain)
		}
	}
}
