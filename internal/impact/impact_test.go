package impact_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/policysync/policysync/internal/impact"
	"github.com/policysync/policysync/internal/policy"
)

// parse reads a policy in short: its decision, then rules as kind:value,value
// in the order of policy.Kinds' fields, with + between the values of a set.
// The words include, require and exclude say where the rules after them go.
func parse(text string) policy.Policy {
	words := strings.Fields(text)
	p := policy.Policy{Name: "n", Decision: policy.Decision(words[0])}
	list := &p.Include
	for _, word := range words[1:] {
		switch word {
		case "include":
			list = &p.Include
		case "require":
			list = &p.Require
		case "exclude":
			list = &p.Exclude
		default:
			*list = append(*list, rule(word))
		}
	}
	return p
}

func rule(word string) policy.Rule {
	name, rest, _ := strings.Cut(word, ":")
	body := map[string]any{}
	kind, known := policy.KindNamed(name)
	if !known {
		kind.Fields = []policy.Field{{Name: "x"}}
	}
	if rest == "" {
		return policy.Rule{Kind: name, Body: body}
	}
	for i, value := range strings.Split(rest, ",") {
		switch {
		case i >= len(kind.Fields):
			body["future"] = value
		case kind.Fields[i].Many:
			set := []any{}
			for element := range strings.SplitSeq(value, "+") {
				set = append(set, element)
			}
			body[kind.Fields[i].Name] = set
		default:
			body[kind.Fields[i].Name] = value
		}
	}
	return policy.Rule{Kind: name, Body: body}
}

// change is what a change and its reverse are expected to be.
type change struct {
	name          string
	before, after string
	there, back   impact.Direction
}

func (c change) check(t *testing.T, before, after policy.Policy) {
	t.Helper()
	if got := impact.Of(&before, &after); got != c.there {
		t.Errorf("%s, want %s", got, c.there)
	}
	if got := impact.Of(&after, &before); got != c.back {
		t.Errorf("the reverse %s, want %s", got, c.back)
	}
}

const (
	widens, narrows = impact.Widens, impact.Narrows
	both, neutral   = impact.Both, impact.Neutral
)

func TestRulesSayWhoIsLetIn(t *testing.T) {
	t.Parallel()
	for _, tc := range []change{
		{"another address", "allow email:a@x.com", "allow email:a@x.com email:b@y.com", widens, narrows},
		{"other case and order", "allow email:A@x.com geo:us", "allow geo:US email:a@X.com", neutral, neutral},
		{"an address of a domain that is in", "allow email_domain:x.com", "allow email_domain:x.com email:a@x.com", neutral, neutral},
		{"an address of a subdomain", "allow email_domain:x.com", "allow email_domain:x.com email:a@sub.x.com", widens, narrows},
		{"an address that ends like the domain", "allow email_domain:x.com", "allow email_domain:x.com email:a@notx.com", widens, narrows},
		{"its whole domain", "allow email:a@x.com", "allow email_domain:x.com", widens, narrows},
		{"another domain", "allow email_domain:x.com", "allow email_domain:y.com", both, both},
		{"a subdomain instead", "allow email_domain:x.com", "allow email_domain:sub.x.com", both, both},
		{"another group", "allow group:g1", "allow group:g2", both, both},
		{"a wider block", "allow ip:10.1.0.0/16", "allow ip:10.0.0.0/8", widens, narrows},
		{"a wider block of IPv6", "allow ip:2001:db8:1::/48", "allow ip:2001:db8::/32", widens, narrows},
		{"an address of a block that is in", "allow ip:10.0.0.0/8", "allow ip:10.0.0.0/8 ip:10.1.2.3", neutral, neutral},
		{"a neighbouring block", "allow ip:10.0.0.0/9", "allow ip:10.128.0.0/9", both, both},
		{"all of IPv4 and all of IPv6", "allow ip:0.0.0.0/0", "allow ip:::/0", both, both},
		{"IPv4 written as IPv6 is not taken for a part of IPv6", "allow ip:::/0", "allow ip:::/0 ip:::ffff:10.0.0.0/104", widens, narrows},
		{"what isn't a block", "allow ip:10.0.0.0/8", "allow ip:10.0.0.0/8 ip:10.1.2.3-4", widens, narrows},
		{"a block in two halves can't be told from less", "allow ip:10.0.0.0/8", "allow ip:10.0.0.0/9 ip:10.128.0.0/9", narrows, widens},
		{"any service token", "non_identity service_token:t1", "non_identity any_valid_service_token", widens, narrows},
		{"any certificate", "non_identity common_name:c", "non_identity certificate", widens, narrows},
		{"the whole organization", "allow github-organization:o,devs,idp", "allow github-organization:o,,idp", widens, narrows},
		{"another provider's organization", "allow github-organization:o,devs,idp", "allow github-organization:o,,other", both, both},
		{"another risk score", "allow user_risk_score:low", "allow user_risk_score:medium+low", widens, narrows},
		{"other risk scores", "allow user_risk_score:low+high", "allow user_risk_score:low+medium", both, both},
		{"a risk score of a set that is in", "allow user_risk_score:low+medium", "allow user_risk_score:low+medium user_risk_score:low", neutral, neutral},
		{"a risk score of a set of which not all is known", "allow user_risk_score:low+new", "allow user_risk_score:low+new user_risk_score:low", widens, narrows},
		{"a kind that isn't known", "allow geo:US", "allow geo:US brand_new:1", widens, narrows},
		{"a kind that isn't known, otherwise", "allow brand_new:1", "allow brand_new:2", both, both},
		{"a kind that isn't known, beside everyone", "allow everyone", "allow everyone brand_new:1", widens, narrows},
		{"a kind that isn't known and holds nothing", "allow everyone", "allow everyone brand_new", widens, narrows},
		{"a field that isn't known", "allow email_domain:x.com", "allow email_domain:x.com email:a@x.com,new", widens, narrows},
		{"a limit to everyone that isn't known", "allow everyone:but", "allow everyone:but geo:US", widens, narrows},
		{"nobody", "allow geo:US", "allow", narrows, widens},

		{"a requirement", "allow everyone", "allow everyone require geo:US", narrows, widens},
		{"a stricter requirement", "allow everyone require email_domain:x.com", "allow everyone require email:a@x.com", narrows, widens},
		{"another requirement", "allow everyone require geo:US", "allow everyone require geo:PT", both, both},
		{"a requirement that another implies", "allow everyone require ip:10.1.0.0/16", "allow everyone require ip:10.1.0.0/16 ip:10.0.0.0/8", neutral, neutral},
		{"a requirement that everyone meets", "allow geo:US", "allow geo:US require everyone", neutral, neutral},
		{"a requirement that isn't known", "allow geo:US", "allow geo:US require brand_new:1", narrows, widens},

		{"an exception", "allow everyone", "allow everyone exclude geo:US", narrows, widens},
		{"a wider exception", "allow everyone exclude email:a@x.com", "allow everyone exclude email_domain:x.com", narrows, widens},
		{"another exception", "allow everyone exclude geo:US", "allow everyone exclude geo:PT", both, both},
		{"an exception within another", "allow everyone exclude ip:10.0.0.0/8", "allow everyone exclude ip:10.0.0.0/8 ip:10.1.0.0/16", neutral, neutral},
		{"an exception that isn't known", "allow everyone", "allow everyone exclude brand_new:1", narrows, widens},

		{"more let in, more excepted", "allow geo:US", "allow geo:US geo:PT exclude email:a@x.com", both, both},
		{"more let in, less required", "allow geo:US require email_domain:x.com", "allow geo:US geo:PT", widens, narrows},
		{"from let in to excepted", "allow geo:US email:a@x.com", "allow geo:US exclude email:a@x.com", narrows, widens},

		{"more denied", "deny geo:US", "deny geo:US geo:PT", narrows, widens},
		{"a whole domain denied", "deny email:a@x.com", "deny email_domain:x.com", narrows, widens},
		{"others denied", "deny geo:US", "deny geo:PT", both, both},
		{"an exception from being denied", "deny everyone", "deny everyone exclude email:a@x.com", widens, narrows},
		{"denied only if", "deny everyone", "deny everyone require geo:US", widens, narrows},
		{"denied twice", "deny everyone", "deny everyone geo:US", neutral, neutral},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tc.check(t, parse(tc.before), parse(tc.after))
		})
	}
}

func TestDecisionsSayWhatBecomesOfThem(t *testing.T) {
	t.Parallel()
	for _, tc := range []change{
		{"allow, deny", "allow everyone", "deny everyone", narrows, widens},
		{"allow, non_identity", "allow everyone", "non_identity everyone", widens, narrows},
		{"allow, bypass", "allow everyone", "bypass everyone", widens, narrows},
		{"non_identity, bypass", "non_identity geo:US", "bypass geo:US", widens, narrows},
		{"deny, non_identity", "deny geo:US", "non_identity geo:US", widens, narrows},
		{"deny, bypass", "deny email:a@x.com", "bypass email:a@x.com", widens, narrows},
		{"some are no longer allowed, some now denied", "allow geo:US geo:PT", "deny geo:PT", narrows, widens},
		{"others are denied", "allow geo:US", "deny geo:PT", narrows, widens},
		{"others are let in, and more freely", "allow geo:US", "bypass geo:US geo:PT", widens, narrows},
		{"fewer are let in, but more freely", "allow geo:US geo:PT", "bypass geo:US", both, both},
		{"a bypass that never knew e-mails comes to", "allow email:a@x.com", "bypass email:a@x.com", widens, both},
		{"a bypass that never read tokens comes to", "non_identity service_token:t", "bypass service_token:t", widens, both},
		{"a requirement without effect gets one", "allow ip:10.0.0.0/8 require group:g", "non_identity ip:10.0.0.0/8 require group:g", widens, both},
		{"a field that isn't known", "allow geo:US,new", "bypass geo:US,new", widens, both},
		{"a decision that isn't known, as before", "ask everyone", "ask everyone", neutral, neutral},
		{"a decision that isn't known, for others", "ask geo:US", "ask geo:US geo:PT", widens, widens},
		{"a decision that isn't known, instead", "allow everyone", "ask everyone", widens, widens},
		{"two decisions that aren't known", "ask everyone", "wonder everyone", widens, widens},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tc.check(t, parse(tc.before), parse(tc.after))
		})
	}
}

// withSettings returns a policy that has settings, written as JSON's fields.
func withSettings(t *testing.T, short, settings string) policy.Policy {
	t.Helper()
	p := parse(short)
	decoder := json.NewDecoder(bytes.NewBufferString("{" + settings + "}"))
	decoder.UseNumber()
	if err := decoder.Decode(&p.Settings); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestSettingsSayOnWhatTerms(t *testing.T) {
	t.Parallel()
	const (
		approval  = `"approval_required":true,"approval_groups":`
		clipboard = `"connection_rules":{"rdp":{"allowed_clipboard_local_to_remote_formats":["text"]`
		backwards = `"allowed_clipboard_remote_to_local_formats":`
	)
	for _, tc := range []change{
		{"a longer session", `"session_duration":"1h"`, `"session_duration":"24h"`, widens, narrows},
		{"a session at all", `"session_duration":"0s"`, `"session_duration":"1m"`, widens, narrows},
		{"a session as long", `"session_duration":"24h"`, `"session_duration":"1440m"`, neutral, neutral},
		{"the application's session", `"session_duration":"24h"`, ``, widens, widens},
		{"a session that isn't a duration", `"session_duration":"24h"`, `"session_duration":"a day"`, widens, widens},

		{"approval", ``, `"approval_required":true`, narrows, widens},
		{"approval by some", ``, approval + `[{"approvals_needed":1,"email_addresses":["a@x.com"]}]`, narrows, widens},
		{"approval that isn't a truth value", ``, `"approval_required":"yes"`, widens, widens},
		{"groups that nobody asks", ``, `"approval_groups":[{"approvals_needed":1}]`, neutral, neutral},
		{"fewer approvals", approval + `[{"approvals_needed":2}]`, approval + `[{"approvals_needed":1}]`, widens, narrows},
		{"half an approval", approval + `[{"approvals_needed":2}]`, approval + `[{"approvals_needed":0.5}]`, widens, widens},
		{
			"another approver", approval + `[{"approvals_needed":1,"email_addresses":["a@x.com"]},{"approvals_needed":2}]`,
			approval + `[{"approvals_needed":2},{"approvals_needed":1,"email_addresses":["b@x.com","a@x.com"]}]`, widens, narrows,
		},
		{
			"an approver for another", approval + `[{"approvals_needed":1,"email_addresses":["a@x.com"]}]`,
			approval + `[{"approvals_needed":1,"email_addresses":["b@x.com"]}]`, both, both,
		},
		{
			"fewer approvals of fewer", approval + `[{"approvals_needed":2,"email_addresses":["a@x.com","b@x.com"]}]`,
			approval + `[{"approvals_needed":1,"email_addresses":["b@x.com"]}]`, both, both,
		},
		{"approvers where none were named", approval + `[{"approvals_needed":1}]`, approval + `[{"approvals_needed":1,"email_addresses":["a@x.com"]}]`, widens, widens},
		{"another group", approval + `[{"approvals_needed":1}]`, approval + `[{"approvals_needed":1},{"approvals_needed":2}]`, widens, widens},
		{"another list of approvers", approval + `[{"approvals_needed":1,"email_list_uuid":"l1"}]`, approval + `[{"approvals_needed":1,"email_list_uuid":"l2"}]`, widens, widens},

		{"justification", ``, `"purpose_justification_required":true`, narrows, widens},
		{"another prompt", ``, `"purpose_justification_prompt":"Why?"`, neutral, neutral},
		{"isolation", `"isolation_required":false`, `"isolation_required":true`, narrows, widens},

		{"no second factor", ``, `"mfa_config":{"mfa_disabled":true}`, widens, narrows},
		{"another authenticator", `"mfa_config":{"allowed_authenticators":["totp"]}`, `"mfa_config":{"allowed_authenticators":["biometrics","totp"]}`, widens, narrows},
		{"an authenticator for another", `"mfa_config":{"allowed_authenticators":["totp"]}`, `"mfa_config":{"allowed_authenticators":["biometrics"]}`, both, both},
		{"authenticators of its own", ``, `"mfa_config":{"allowed_authenticators":["security_key"]}`, widens, widens},
		{"a second factor again", `"mfa_config":{"mfa_disabled":true}`, `"mfa_config":{"allowed_authenticators":["totp"],"session_duration":"24h"}`, narrows, widens},
		{"a second factor that lasts longer", `"mfa_config":{"session_duration":"1h"}`, `"mfa_config":{"session_duration":"2h"}`, widens, narrows},
		{"something new about it", ``, `"mfa_config":{"future":1}`, widens, widens},
		{"what isn't about it", ``, `"mfa_config":"none"`, widens, widens},

		{"another format", clipboard + `}}`, strings.Replace(clipboard, `"text"`, `"text","file"`, 1) + `}}`, widens, narrows},
		{"another way", clipboard + `}}`, clipboard + `,` + backwards + `["file"]}}`, widens, narrows},
		{"the other way", clipboard + `}}`, `"connection_rules":{"rdp":{` + backwards + `["text"]}}`, both, both},
		{"any clipboard rules", ``, clipboard + `}}`, widens, widens},
		{"a protocol that isn't known", clipboard + `}}`, clipboard + `},"ssh":{"usernames":["root"]}}`, widens, widens},
		{"a rule of RDP that isn't known", clipboard + `}}`, clipboard + `,"printer":true}}`, widens, widens},
		{"formats that aren't a list", clipboard + `}}`, clipboard + `,` + backwards + `"all"}}`, widens, widens},

		{"a setting that isn't known", ``, `"future":{"x":1}`, widens, widens},
		{"and a shorter session", `"session_duration":"2h"`, `"session_duration":"1h","future":1`, both, widens},
		{"a longer session and isolation", `"session_duration":"1h"`, `"session_duration":"2h","isolation_required":true`, both, both},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tc.check(t, withSettings(t, "allow everyone", tc.before), withSettings(t, "allow everyone", tc.after))
		})
	}
}

func TestSettingsCountOnlyForThoseLetInAsBefore(t *testing.T) {
	t.Parallel()
	const short, long = `"session_duration":"1h","isolation_required":true`, `"session_duration":"24h"`
	for _, tc := range []struct {
		change
		settingsBefore, settingsAfter string
	}{
		{change{"denied", "deny everyone", "deny everyone", neutral, neutral}, short, long},
		{change{"denied, on terms that aren't known", "deny everyone", "deny everyone", widens, widens}, ``, `"future":1`},
		{change{"let in or not, which isn't known", "ask everyone", "ask everyone", widens, widens}, short, long},
		{change{"no longer unchecked", "bypass everyone", "allow everyone", narrows, widens}, short, long},
		{change{"no longer let in", "allow everyone", "deny everyone", narrows, widens}, short, long},
		{change{"fewer, on laxer terms", "allow geo:US geo:PT", "allow geo:US", both, both}, short, long},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tc.check(t, withSettings(t, tc.before, tc.settingsBefore), withSettings(t, tc.after, tc.settingsAfter))
		})
	}
}

func TestPoliciesThatComeAndGo(t *testing.T) {
	t.Parallel()
	for decision, want := range map[string]struct{ comes, goes impact.Direction }{
		"allow": {widens, narrows}, "non_identity": {widens, narrows}, "bypass": {widens, narrows},
		"deny": {narrows, widens}, "ask": {widens, widens},
	} {
		p := parse(decision + " everyone")
		if got := impact.Of(nil, &p); got != want.comes {
			t.Errorf("a new policy that says %s %s, want %s", decision, got, want.comes)
		}
		if got := impact.Of(&p, nil); got != want.goes {
			t.Errorf("the end of a policy that says %s %s, want %s", decision, got, want.goes)
		}
	}
	if got := impact.Of(nil, nil); got != neutral {
		t.Errorf("nothing %s, want %s", got, neutral)
	}
}

func TestEveryoneContainsEveryKind(t *testing.T) {
	t.Parallel()
	for _, kind := range policy.Kinds() {
		if kind.Name == "everyone" {
			continue
		}
		values := make([]string, len(kind.Fields))
		for i := range values {
			values[i] = fmt.Sprintf("v%d", i)
		}
		c := change{there: widens, back: narrows}
		c.check(t, parse("allow "+kind.Name+":"+strings.Join(values, ",")), parse("allow everyone"))
		if t.Failed() {
			t.Fatalf("that was %s", kind.Name)
		}
	}
}

func TestANameLetsNobodyIn(t *testing.T) {
	t.Parallel()
	before, after := parse("allow everyone"), parse("allow everyone")
	after.Name = "another"
	if got := impact.Of(&before, &after); got != neutral {
		t.Errorf("%s, want %s", got, neutral)
	}
}

func ExampleOf() {
	domain := func(name string) policy.Rule {
		return policy.Rule{Kind: "email_domain", Body: map[string]any{"domain": name}}
	}
	before := policy.Policy{Name: "Staff", Decision: policy.Allow, Include: []policy.Rule{domain("example.com")}}
	after := before
	after.Include = []policy.Rule{domain("example.com"), domain("example.org")}
	fmt.Println(impact.Of(&before, &after))
	fmt.Println(impact.Of(&after, &before))
	fmt.Println(impact.Of(nil, &after))
	// Output:
	// widens
	// narrows
	// widens
}

// BenchmarkOf compares policies of a thousand rules, of which half differ.
func BenchmarkOf(b *testing.B) {
	for _, kind := range []struct{ name, format string }{
		{"emails", "email:user%[1]d@example.com"}, {"IPv4", "ip:10.1.%[2]d.%[3]d"}, {"IPv6", "ip:2001:db8::%[1]x"},
	} {
		for _, list := range []string{"include", "require", "exclude"} {
			b.Run(kind.name+"/"+list, func(b *testing.B) {
				policies := [2]policy.Policy{}
				for i := range policies {
					text := "allow include geo:US " + list
					for n := i * 500; n < i*500+1000; n++ {
						text += " " + fmt.Sprintf(kind.format, n, n/256, n%256)
					}
					policies[i] = parse(text)
				}
				for b.Loop() {
					if got := impact.Of(&policies[0], &policies[1]); got == neutral {
						b.Fatal(got)
					}
				}
			})
		}
	}
}
