package impact_test

import (
	"encoding/json"
	"hash/fnv"
	"math"
	"math/bits"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/policysync/policysync/internal/policy"
)

// person is somebody, or something, that wants in: who it is, where it comes
// from and what it is able and willing to do.
type person struct {
	email, country, token, commonName, risk, org, team string
	ip                                                 netip.Addr
	certificate                                        bool
	approvers, authenticators                          []string // who approves, what they own
	justifies                                          bool
	seed                                               uint64 // decides on what this evaluator doesn't know
}

// world is what Cloudflare leaves open, or an application decides.
type world struct {
	strict       bool // bypass and non_identity see no identity; tokens need non_identity
	threshold    bool // risk scores up to the highest of a rule meet it
	allGroups    bool // all approval groups must approve, not one
	session, mfa time.Duration
	mfaAsked     bool
	mfaAllowed   []string
	clipboard    bool // allowed where no rule says so
}

// people returns made-up people of whom any two differ somewhere.
func people(n int) []person {
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(from ...string) string { return from[random.IntN(len(from))] }
	some := func(from ...string) []string {
		return slices.DeleteFunc(from, func(string) bool { return random.IntN(2) == 0 })
	}
	all := make([]person, n)
	for i := range all {
		all[i] = person{
			email: pick("", "a@x.com", "b@x.com", "a@y.com", "a@sub.x.com"), country: pick("US", "PT", "DE"),
			token: pick("", "", "t1", "t2"), commonName: pick("", "c1", "c2"), risk: pick("low", "medium", "high", "unscored"),
			org: pick("", "o1", "o2"), team: pick("", "devs", "ops"),
			ip:        netip.MustParseAddr(pick("10.1.2.3", "10.1.2.4", "10.9.9.9", "192.0.2.1", "2001:db8::1", "2001:db8:1::1", "fe80::1")),
			approvers: some("a@x.com", "b@x.com", "a@y.com"), authenticators: some("totp", "biometrics", "security_key"),
			justifies: random.IntN(2) == 0, seed: random.Uint64(),
		}
		all[i].certificate = all[i].commonName != "" || random.IntN(2) == 0
	}
	return all
}

// admission is how a person fares with a policy: the larger each of it, the
// freer.
type admission struct {
	standing     int // -1 kept out, 0 left to other policies, 1 let in by allow, 2 by non_identity, 3 by bypass
	session, mfa time.Duration
	open         bool // not isolated
	paste, copy  int  // formats of the clipboard, as bits
}

// gains reports whether b is freer than a in anything.
func gains(a, b admission) bool {
	if a.standing != b.standing || a.standing < 1 {
		return b.standing > a.standing
	}
	return b.session > a.session || b.mfa > a.mfa || b.open && !a.open || b.paste&^a.paste != 0 || b.copy&^a.copy != 0
}

// admit evaluates a policy for one person, by brute force.
func (w world) admit(p policy.Policy, who person) admission {
	meets := func(r policy.Rule) bool { return w.meets(p.Decision, r, who) }
	if !slices.ContainsFunc(p.Include, meets) || slices.ContainsFunc(p.Exclude, meets) {
		return admission{}
	}
	for _, r := range p.Require {
		if !meets(r) {
			return admission{}
		}
	}
	if future, stated := p.Settings["future"]; stated && who.coin(future) {
		return admission{}
	}
	switch p.Decision {
	case policy.Deny:
		return admission{standing: -1}
	case policy.Allow:
		if !w.passes(p, who) {
			return admission{}
		}
		return w.terms(p, 1)
	case policy.NonIdentity:
		return w.terms(p, 2)
	case policy.Bypass:
		return w.terms(p, 3)
	default:
		return admission{standing: int(hash(who.seed, p.Settings)%5) - 1}
	}
}

// meets says whether a person meets a rule.
func (w world) meets(decision policy.Decision, r policy.Rule, who person) bool {
	body, _ := r.Body.(map[string]any)
	if _, more := body["future"]; more || r.Kind == "everyone" && len(body) > 0 {
		return who.coin(r)
	}
	text := func(name string) string { value, _ := body[name].(string); return value }
	switch r.Kind {
	case "everyone":
		return true
	case "ip":
		prefix, err := netip.ParsePrefix(text("ip"))
		return err == nil && prefix.Contains(who.ip)
	case "geo":
		return text("country_code") == who.country
	case "certificate":
		return who.certificate
	case "common_name":
		return who.commonName == text("common_name")
	case "ip_list":
		return who.coin(r)
	}
	switch r.Kind {
	case "service_token", "any_valid_service_token":
		if w.strict && decision != policy.NonIdentity || who.token == "" {
			return false
		}
		return r.Kind == "any_valid_service_token" || who.token == text("token_id")
	case "brand_new":
		return who.coin(r)
	}
	if w.strict && (decision == policy.NonIdentity || decision == policy.Bypass) {
		return false
	}
	switch r.Kind {
	case "email":
		return who.email == strings.ToLower(text("email"))
	case "email_domain":
		return strings.HasSuffix(who.email, "@"+text("domain"))
	case "github-organization":
		return who.org == text("name") && (text("team") == "" || text("team") == who.team)
	case "user_risk_score":
		return w.scores(body["user_risk_score"].([]any), who.risk)
	default:
		return who.coin(r)
	}
}

func (w world) scores(accepted []any, risk string) bool {
	if slices.Contains(accepted, any(risk)) {
		return true
	}
	order := []string{"low", "medium", "high"}
	for _, score := range accepted {
		if at := slices.Index(order, risk); w.threshold && at >= 0 && slices.Index(order, score.(string)) >= at {
			return true
		}
	}
	return false
}

// coin decides by chance what can't be known, always alike for a person.
func (who person) coin(about any) bool { return coin(who.seed, about) }

func coin(seed uint64, about any) bool { return bits.OnesCount64(hash(seed, about))%2 == 0 }

func hash(seed uint64, about any) uint64 {
	text, err := json.Marshal([]any{seed, about})
	if err != nil {
		return seed
	}
	h := fnv.New64a()
	_, _ = h.Write(text)
	return h.Sum64()
}

// on reports whether a truth value among the settings is true.
func on(settings map[string]any, name string) bool {
	value, _ := settings[name].(bool)
	return value
}

// passes says whether a person does what the login asks for.
func (w world) passes(p policy.Policy, who person) bool {
	if on(p.Settings, "purpose_justification_required") && !who.justifies {
		return false
	}
	if on(p.Settings, "approval_required") && !w.approved(p, who) {
		return false
	}
	asked, allowed, _ := w.secondFactor(p)
	return !asked || slices.ContainsFunc(allowed, func(a string) bool { return slices.Contains(who.authenticators, a) })
}

func (w world) approved(p policy.Policy, who person) bool {
	groups, _ := p.Settings["approval_groups"].([]any)
	given := 0
	for _, g := range groups {
		group := g.(map[string]any)
		needed, err := group["approvals_needed"].(json.Number).Int64()
		if err != nil {
			return false
		}
		for _, approver := range who.approvers {
			members, _ := group["email_addresses"].([]any)
			list := group["email_list_uuid"]
			if slices.Contains(members, any(approver)) || list != nil && coin(7, []any{list, approver}) {
				needed--
			}
		}
		if needed <= 0 {
			given++
		}
	}
	return given == len(groups) || given > 0 && !w.allGroups
}

// secondFactor returns whether Access asks for one, which it takes, and for
// how long it lasts.
func (w world) secondFactor(p policy.Policy) (asked bool, allowed []string, lasts time.Duration) {
	mfa, stated := p.Settings["mfa_config"].(map[string]any)
	if on(mfa, "mfa_disabled") || !stated && !w.mfaAsked {
		return false, nil, math.MaxInt64
	}
	allowed, lasts = w.mfaAllowed, w.mfa
	if own, stated := mfa["allowed_authenticators"].([]any); stated {
		allowed = nil
		for _, a := range own {
			allowed = append(allowed, a.(string))
		}
	}
	if own, stated := mfa["session_duration"].(string); stated {
		lasts = duration(own)
	}
	return true, allowed, lasts
}

func (w world) terms(p policy.Policy, standing int) admission {
	a := admission{standing: standing, session: w.session, open: !on(p.Settings, "isolation_required")}
	if own, stated := p.Settings["session_duration"].(string); stated {
		a.session = duration(own)
	}
	_, _, a.mfa = w.secondFactor(p)
	rules, stated := p.Settings["connection_rules"].(map[string]any)
	if !stated {
		if w.clipboard {
			a.paste, a.copy = 3, 3
		}
		return a
	}
	rdp, _ := rules["rdp"].(map[string]any)
	a.paste = formats(rdp["allowed_clipboard_local_to_remote_formats"])
	a.copy = formats(rdp["allowed_clipboard_remote_to_local_formats"])
	return a
}

func formats(list any) int {
	set := 0
	all, _ := list.([]any)
	for _, format := range all {
		set |= map[any]int{"text": 1, "file": 2}[format]
	}
	return set
}

func duration(text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0
	}
	return d
}
