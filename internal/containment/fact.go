package containment

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/policysync/policysync/internal/policy"
)

// fact is what a rule says, in a form that can be looked up.
type fact struct {
	kind  string
	body  string       // canonical JSON; empty where block says it
	block netip.Prefix // of a rule of kind ip
}

func factOf(r policy.Rule) fact {
	if block, ok := blockOf(r); ok {
		return fact{kind: r.Kind, block: block}
	}
	return fact{kind: r.Kind, body: policy.JSON(r.Body)}
}

// around returns every rule known to contain a rule, so that whoever meets it
// certainly meets them.
func around(r policy.Rule) []fact {
	if !Understood(r) {
		return nil
	}
	facts := []fact{{kind: "everyone", body: "{}"}}
	switch r.Kind {
	case "email":
		address := textField(r, "email")
		if at := strings.LastIndexByte(address, '@'); at >= 0 {
			facts = append(facts, factOf(ruleOf("email_domain", "domain", address[at+1:])))
		}
	case "ip":
		facts = append(facts, blocksAround(r)...)
	case "common_name": // "a valid certificate with an expected common name"
		facts = append(facts, fact{kind: "certificate", body: "{}"})
	case "service_token":
		facts = append(facts, fact{kind: "any_valid_service_token", body: "{}"})
	case "github-organization":
		facts = append(facts, factOf(withoutField(r, "team")))
	case "user_risk_score":
		facts = append(facts, scoresAround(r)...)
	}
	return facts
}

// Understood reports whether this version knows a rule's kind and all that its
// body holds: nothing is known to contain a rule of which it doesn't.
func Understood(r policy.Rule) bool {
	kind, known := policy.KindNamed(r.Kind)
	body, isObject := r.Body.(map[string]any)
	if !known || !isObject {
		return false
	}
	for name := range body {
		if !slices.ContainsFunc(kind.Fields, func(f policy.Field) bool { return f.Name == name }) {
			return false
		}
	}
	return true
}

// blockOf returns the block of an ip rule. A block of IPv4 addresses written
// as IPv6 is none: whether such a rule matches IPv4 requests isn't said.
func blockOf(r policy.Rule) (netip.Prefix, bool) {
	if r.Kind != "ip" || !Understood(r) {
		return netip.Prefix{}, false
	}
	block, err := netip.ParsePrefix(textField(r, "ip"))
	return block, err == nil && !block.Addr().Is4In6()
}

// blocksAround returns the blocks that contain the block of an ip rule, of
// which there are at most 128: looking each up is quicker than any search.
func blocksAround(r policy.Rule) []fact {
	block, ok := blockOf(r)
	if !ok {
		return nil
	}
	facts := make([]fact, 0, block.Bits())
	for bits := range block.Bits() {
		wider := netip.PrefixFrom(block.Addr(), bits).Masked()
		facts = append(facts, fact{kind: r.Kind, block: wider})
	}
	return facts
}

// scoresAround returns the rules that accept all scores that a risk score rule
// accepts, and more. They contain it whether Cloudflare takes the scores for a
// list or, as its table of selectors has it, the highest for a threshold.
func scoresAround(r policy.Rule) []fact {
	const field = "user_risk_score"
	body, _ := r.Body.(map[string]any)
	accepted, stated := body[field].([]any)
	if !stated {
		return nil
	}
	sets := [][]any{accepted}
	for _, score := range []string{"low", "medium", "high", "unscored"} {
		for _, set := range sets {
			sets = append(sets, append(slices.Clone(set), score))
		}
	}
	facts := make([]fact, len(sets))
	for i, set := range sets {
		facts[i] = factOf(policy.CanonicalRule(policy.Rule{Kind: r.Kind, Body: map[string]any{field: set}}))
	}
	return facts
}

func ruleOf(kind, field, value string) policy.Rule {
	return policy.Rule{Kind: kind, Body: map[string]any{field: value}}
}

// textField returns a text of an understood rule's body, "" if it isn't one.
func textField(r policy.Rule, name string) string {
	body, _ := r.Body.(map[string]any)
	text, _ := body[name].(string)
	return text
}

func withoutField(r policy.Rule, name string) policy.Rule {
	body, _ := r.Body.(map[string]any)
	body = maps.Clone(body)
	delete(body, name)
	return policy.Rule{Kind: r.Kind, Body: body}
}
