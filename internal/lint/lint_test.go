package lint_test

import (
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/policysync/policysync/internal/lint"
	"github.com/policysync/policysync/internal/manifest"
	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/policy/policytest"
)

var shortID = regexp.MustCompile(`\b(id|app_uid|integration_uid): ([a-dA-D])\b`)

// longIDs makes ids of those of a single letter.
func longIDs(text string) string {
	return shortID.ReplaceAllStringFunc(text, func(short string) string {
		return short + strings.Repeat(short[len(short)-1:], 31)
	})
}

// codes returns the line and code of each finding.
func codes(lines []string) []string {
	short := []string{}
	for _, line := range lines {
		parts := strings.SplitN(line, ":", 3)
		short = append(short, parts[1]+" "+strings.Trim(line[strings.LastIndex(line, "("):], "()"))
	}
	return short
}

// TestLintsTellCasesApart has what the pages' examples leave open: where a lint
// keeps silent, and what it finds elsewhere. Each manifest is given without its
// name, on its first line.
func TestLintsTellCasesApart(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		manifest string
		want     []string
	}{
		"everyone, without a login":                   {"decision: non_identity\ninclude: [everyone: {}]", []string{"3 PS101"}},
		"everyone, kept out":                          {"decision: deny\ninclude: [everyone: {}]", nil},
		"everyone of a group":                         {"decision: allow\ninclude: [everyone: {}]\nrequire: [group: {id: a}]", nil},
		"everyone of an identity provider":            {"decision: allow\ninclude: [everyone: {}]\nrequire: [login_method: {name: Okta}]", nil},
		"everyone with a PIN":                         {"decision: allow\ninclude: [everyone: {}]\nrequire: [login_method: {name: otp}]", []string{"3 PS101"}},
		"everyone with a second factor":               {"decision: allow\ninclude: [everyone: {}]\nrequire: [auth_method: {auth_method: mfa}]", []string{"3 PS101"}},
		"everyone at a public mail service":           {"decision: allow\ninclude: [everyone: {}]\nrequire: [email_domain: {domain: GMX.de}]", []string{"3 PS101"}},
		"everyone from half of the internet":          {"decision: allow\ninclude: [everyone: {}]\nrequire: [ip: {ip: 0.0.0.0/1}]", []string{"3 PS101", "4 PS104"}},
		"everyone from the private network":           {"decision: allow\ninclude: [everyone: {}]\nrequire: [ip: {ip: 10.0.0.0/8}]", nil},
		"everyone of an unknown kind":                 {"decision: allow\ninclude: [everyone: {}]\nrequire: [new: {}]\npolicysync: {allow_unknown_rules: true}", nil},
		"a PIN, denied":                               {"decision: deny\ninclude: [login_method: {name: One-time PIN}]", nil},
		"a PIN by an id, that only the account knows": {"decision: allow\ninclude: [login_method: {id: a}]", nil},
		"any token under allow is no token at all":    {"decision: allow\ninclude: [any_valid_service_token: {}]", []string{"3 PS202"}},
		"any token, required beside an address":       {"decision: non_identity\ninclude: [ip: {ip: 192.0.2.1}]\nrequire: [any_valid_service_token: {}]", nil},
		"a linked application under bypass":           {"decision: bypass\ninclude: [linked_app_token: {app_uid: a}]", nil},
		"a linked application under allow":            {"decision: allow\ninclude: [linked_app_token: {app_uid: a}]", []string{"3 PS202"}},
		"the widest blocks that go":                   {"decision: allow\ninclude: [ip: {ip: [192.0.0.0/16, \"2001:db8::/32\", \"fd00::/8\"]}]", nil},
		"the narrowest blocks that don't":             {"decision: allow\ninclude: [ip: {ip: [192.0.0.0/15, \"2001:db8::/31\"]}]", []string{"3 PS104", "3 PS104"}},
		"wide blocks that are kept out":               {"decision: deny\ninclude: [ip: {ip: 0.0.0.0/0}]\nexclude: [ip: {ip: 192.0.2.0/24}]", nil},
		"wide blocks that are excluded":               {"decision: allow\ninclude: [email: {email: a@example.com}]\nexclude: [ip: {ip: 0.0.0.0/1}]", nil},
		"public mail, of people in a group":           {"decision: allow\ninclude: [email_domain: {domain: gmail.com}]\nrequire: [group: {id: a}]", nil},
		"public mail, kept out":                       {"decision: allow\ninclude: [email_domain: {domain: example.com}]\nexclude: [email_domain: {domain: gmail.com}]", nil},
		"a domain that ends like a public one":        {"decision: allow\ninclude: [email_domain: {domain: mygmail.com}, email_domain: {domain: gmail.com.example}]", nil},
		"bypass with what needs no identity":          {"decision: bypass\ninclude: [geo: {country_code: US}, device_posture: {integration_uid: a}, group: {id: a}, certificate: {}]", nil},
		"bypass with identity in each list":           {"decision: bypass\ninclude: [okta: {name: a, identity_provider: b}]\nexclude: [email_list: {id: a}]\nrequire: [user_risk_score: {user_risk_score: [low]}]", []string{"3 PS201", "4 PS201", "5 PS201"}},
		"require of several of what one can have":     {"decision: allow\ninclude: [everyone: {}]\nrequire: [group: {name: [a, b]}, okta: {name: [a, b], identity_provider: c}, auth_method: {auth_method: [mfa, pin]}]", nil},
		"require of two addresses":                    {"decision: allow\ninclude: [everyone: {}]\nrequire: [email: {email: [a@example.com, b@example.com]}]", []string{"4 PS203"}},
		"require of the same twice":                   {"decision: allow\ninclude: [everyone: {}]\nrequire: [email: {email: [a@example.com, A@example.com]}]", []string{"4 PS401"}},
		"require of an address elsewhere":             {"decision: allow\ninclude: [everyone: {}]\nrequire: [email_domain: {domain: example.com}, email: {email: a@sub.example.com}]", []string{"4 PS203"}},
		"require of an address, then of its domain":   {"decision: allow\ninclude: [everyone: {}]\nrequire: [email: {email: a@example.com}, email_domain: {domain: Example.com}]", []string{"4 PS402"}},
		"require of an address, then of another's":    {"decision: allow\ninclude: [everyone: {}]\nrequire: [email: {email: a@example.com}, email_domain: {domain: example.net}]", []string{"4 PS203"}},
		"require of a name and an id":                 {"decision: allow\ninclude: [email: {email: a@example.com}]\nrequire: [login_method: {name: Okta}, login_method: {id: a}]", nil},
		"require of two names":                        {"decision: allow\ninclude: [email: {email: a@example.com}]\nrequire: [login_method: {name: [Okta, okta]}]", []string{"4 PS203"}},
		"require of blocks within each other":         {"decision: allow\ninclude: [everyone: {}]\nrequire: [ip: {ip: [192.0.2.0/24, 192.0.0.0/16, 192.0.2.0/25]}]", []string{"4 PS402", "4 PS402"}},
		"require of blocks apart, within a third":     {"decision: allow\ninclude: [everyone: {}]\nrequire: [ip: {ip: [192.0.0.0/16, 192.0.2.0/25, 192.0.2.128/25]}]", []string{"4 PS402", "4 PS203"}},
		"require of addresses of both families":       {"decision: allow\ninclude: [everyone: {}]\nrequire: [ip: {ip: [192.0.2.1, \"2001:db8::1\"]}]", []string{"4 PS203"}},
		"require within exclude":                      {"decision: allow\ninclude: [everyone: {}]\nexclude: [ip: {ip: 192.0.2.0/24}]\nrequire: [ip: {ip: 192.0.2.7}]", []string{"5 PS204"}},
		"an exception":                                {"decision: allow\ninclude: [email_domain: {domain: example.com}]\nexclude: [email: {email: a@example.com}]", nil},
		"all excluded":                                {"decision: allow\ninclude: [email: {email: a@example.com}]\nexclude: [everyone: {}]", []string{"3 PS204"}},
		"groups of a policy that denies":              {"decision: deny\ninclude: [geo: {country_code: US}]\napproval_groups: [{approvals_needed: 1}]", []string{"4 PS305"}},
		"settings that are off":                       {"decision: bypass\ninclude: [ip: {ip: 192.0.2.1}]\napproval_required: false\nisolation_required: false\nmfa_config: {mfa_disabled: false}\napproval_groups: []", nil},
		"a second factor of a policy that bypasses":   {"decision: bypass\ninclude: [ip: {ip: 192.0.2.1}]\nmfa_config: {allowed_authenticators: [totp]}", []string{"4 PS305"}},
		"a list of approvers":                         {"decision: allow\ninclude: [group: {id: a}]\napproval_required: true\napproval_groups: [{approvals_needed: 9, email_list_uuid: {name: Leads}}]", nil},
		"approvers that don't exist":                  {"decision: allow\ninclude: [group: {id: a}]\napproval_required: true\napproval_groups: [{approvals_needed: 1}]", []string{"5 PS304"}},
		"approvers of a policy without a login":       {"decision: bypass\ninclude: [ip: {ip: 192.0.2.1}]\napproval_required: true\napproval_groups: [{approvals_needed: 1}]", []string{"4 PS305", "5 PS305"}},
		"duplicates in each list":                     {"decision: deny\ninclude: [geo: {country_code: [US, us]}]\nexclude: [ip: {ip: [192.0.2.7, 192.0.2.7/32]}]\nrequire: [certificate: {}, certificate: {}]", []string{"3 PS401", "4 PS401", "5 PS401"}},
		"names that differ":                           {"decision: allow\ninclude: [okta: {name: a, identity_provider: Okta}, okta: {name: b, identity_provider: Okta}, group: {name: [Staff, staff]}]", nil},
		"a name twice":                                {"decision: allow\ninclude: [group: {name: [Staff, Staff]}]", []string{"3 PS401"}},
		"beside everyone, once":                       {"decision: deny\ninclude: [everyone: {}, email: {email: [a@example.com, b@example.com]}, email_domain: {domain: example.com}]", []string{"3 PS402"}},
		"required beside everyone":                    {"decision: allow\ninclude: [email: {email: a@example.com}]\nrequire: [everyone: {}, certificate: {}]", []string{"4 PS402"}},
		"shadowed twice, told once":                   {"decision: deny\ninclude: [ip: {ip: [192.0.2.7, 192.0.2.0/24, 192.0.0.0/16]}]", []string{"3 PS402", "3 PS402"}},
		"shadowed in exclude":                         {"decision: allow\ninclude: [group: {id: a}]\nexclude: [common_name: {common_name: a}, certificate: {}]", []string{"4 PS402"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(append([]string{}, tc.want...), codes(found(t, longIDs("name: A\n"+tc.manifest+"\n"), nil))); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestAccountTellsWhichLoginMethodIsThePIN(t *testing.T) {
	t.Parallel()
	things := map[policy.Reference][]policy.Thing{policy.ToProvider: {
		{ID: strings.Repeat("a", 32), Name: "Okta", Type: "okta"}, {ID: strings.Repeat("b", 32), Name: "Mail us", Type: "onetimepin"}, {ID: strings.Repeat("c", 32), Name: "OTP", Type: "oidc"},
	}}
	text := longIDs("name: A\ndecision: allow\ninclude:\n- login_method: {id: A}\n- login_method: {id: B}\n" +
		"- login_method: {name: Mail us}\n- login_method: {name: OTP}\n- login_method: {id: d} # policysync:ignore PS102 no longer\n")
	if d := cmp.Diff([]string{"5 PS102", "6 PS102", "8 PS002"}, codes(found(t, text, things))); d != "" {
		t.Errorf("with the account (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"7 PS102"}, codes(found(t, text, nil))); d != "" {
		t.Errorf("without (-want +got):\n%s", d)
	}
}

func TestFindingsInRuleSetsAreToldOnceAndWhereTheyCanBeMended(t *testing.T) {
	t.Parallel()
	got := foundIn(t, fstest.MapFS{
		"sets.yaml": {Data: []byte(`kind: RuleSet
name: Staff
rules:
  - email: {email: [ann@example.com, Ann@example.com]}
  - ip: {ip: 10.0.0.1/8}
---
kind: RuleSet
name: Domain
rules: [email_domain: {domain: example.com}]
`)},
		"a.yaml": {Data: []byte("name: A\ndecision: allow\ninclude: [use: Staff]\n")},
		"b.yaml": {Data: []byte("name: B\ndecision: bypass\ninclude: [use: Staff, email: {email: ann@example.com}]\n")},
		"c.yaml": {Data: []byte("name: C\ndecision: allow\ninclude: [email: {email: ann@example.com}, use: Staff]\n")},
		"d.yaml": {Data: []byte("name: D\ndecision: allow\ninclude: [email_domain: {domain: example.com}, use: Staff]\n")},
		"e.yaml": {Data: []byte("name: E\ndecision: allow\ninclude: [everyone: {}, use: Staff]\n")},
	}, nil)
	want := []string{
		"b.yaml:3:23: warning: email: the decision bypass on line 2 asks for no login, so that the rule matches nobody: decide allow, or use a rule such as ip (PS201)",
		"b.yaml:3:23: warning: email: the same rule is on sets.yaml:4: remove one (PS401)",
		"c.yaml:3:11: warning: email: the same rule is on sets.yaml:4: remove one (PS401)",
		"e.yaml:3:11: warning: everyone: whoever can log in gets in: name who may, or require what tells who they are, such as a domain, a group or an address block (PS101)",
		"e.yaml:3:11: warning: everyone: beside it the other rules of include say nothing: remove it, or them (PS402)",
		"sets.yaml:4:21: warning: email: the decision bypass on b.yaml:2 asks for no login, so that the rule matches nobody: decide allow, or use a rule such as ip (PS201)",
		"sets.yaml:4:38: warning: email: the decision bypass on b.yaml:2 asks for no login, so that the rule matches nobody: decide allow, or use a rule such as ip (PS201)",
		"sets.yaml:4:38: warning: email: the same rule is on line 4: remove one (PS401)",
		"sets.yaml:5:5: warning: ip: 10.0.0.1/8 means 10.0.0.0/8: write that, or 10.0.0.1 for the one address (PS403)",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestNothingIsSaidOfPoliciesWhoseRuleSetsAreNotSeen(t *testing.T) {
	t.Parallel()
	decoder := manifest.Decoder{Partial: true}
	set, err := decoder.Decode(fstest.MapFS{"a.yaml": {Data: []byte("name: A\ndecision: allow\ninclude: [everyone: {}]\nrequire: [use: Staff]\n")}})
	if got := lint.Check(set, nil); err != nil || len(got) > 0 {
		t.Errorf("found %v, %v", got, err)
	}
}

func TestCommentsSilenceTheirCodesOnTheirLine(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		rule string // on lines 4 and further
		want []string
	}{
		"at the end":                      {"- ip: {ip: 0.0.0.1/1} # policysync:ignore PS104,PS403 why", nil},
		"blanks after the comma":          {"- ip: {ip: 0.0.0.1/1} # policysync:ignore PS104, PS403  why", nil},
		"above":                           {"# policysync:ignore PS104 why\n# policysync:ignore PS403 why\n\n- ip: {ip: 0.0.0.1/1}", nil},
		"of one alone":                    {"- ip: {ip: 0.0.0.1/1} # policysync:ignore PS104 why", []string{"4 PS403"}},
		"below":                           {"- ip: {ip: 0.0.0.0/1}\n# policysync:ignore PS104 why", []string{"4 PS104", "5 PS002"}},
		"on another line of the rule":     {"- ip:\n    ip: 0.0.0.0/1 # policysync:ignore PS104 why", []string{"4 PS104", "5 PS002"}},
		"twice":                           {"# policysync:ignore PS104 why\n- ip: {ip: 0.0.0.0/1} # policysync:ignore PS104 why", nil},
		"what isn't there":                {"- ip: {ip: 0.0.0.0/1} # policysync:ignore PS104,PS403 why", []string{"4 PS002"}},
		"without a reason":                {"- ip: {ip: 0.0.0.0/1} # policysync:ignore PS104", []string{"4 PS104", "4 PS001"}},
		"without a code":                  {"- ip: {ip: 0.0.0.0/1} # policysync:ignore", []string{"4 PS104", "4 PS001"}},
		"a code that there isn't":         {"- ip: {ip: 0.0.0.0/1} # policysync:ignore PS104,PS1O4 why", []string{"4 PS104", "4 PS001"}},
		"a code between commas":           {"- ip: {ip: 0.0.0.0/1} # policysync:ignore PS104,, why", []string{"4 PS104", "4 PS001"}},
		"what can't be silenced":          {"- ip: {ip: 192.0.2.1} # policysync:ignore PS002 why", []string{"4 PS001"}},
		"in quotes":                       {"- okta: {name: 'a # policysync:ignore PS104 why', identity_provider: b}", nil},
		"at the end of the file":          {"- ip: {ip: 192.0.2.1}\n# policysync:ignore PS104 why", []string{"5 PS002"}},
		"where only the account can tell": {"- login_method: {id: a} # policysync:ignore PS102 why", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := longIDs("name: A\ndecision: allow\ninclude:\n" + tc.rule + "\n")
			if d := cmp.Diff(append([]string{}, tc.want...), codes(found(t, text, nil))); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestBadCommentsSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	for comment, want := range map[string]string{
		"PS1O4 why": `no lint is "PS1O4": did you mean PS104?`,
		"why":       `no lint is "why": write # policysync:ignore CODE reason`,
		"PS003 why": "PS003 can't be silenced: remove the comment",
		"":          "the code of a lint is missing: write # policysync:ignore CODE reason",
	} {
		got := found(t, "name: A\ndecision: deny # policysync:ignore "+comment+"\ninclude: [everyone: {}]\n", nil)
		if d := cmp.Diff([]string{"policy.yaml:2:16: " + want + " (PS001)"}, got); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	}
}

func TestLittleIsSaidOfVariablesWithoutValue(t *testing.T) {
	t.Parallel()
	decoder := manifest.Decoder{OpenVars: true}
	set, err := decoder.Decode(fstest.MapFS{"a.yaml": {Data: []byte(`name: A
decision: allow
include:
  - ip: {ip: "${vars.office}"} # policysync:ignore PS104 in production
  - email: {email: "${vars.lead}"}
  - email: {email: "${vars.lead}"}
require: [email: {email: "${vars.lead}"}, email_domain: {domain: example.com}]
approval_required: ${vars.approval}
---
name: B
decision: ${vars.decision}
include: [service_token: {name: CI}]
`)}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range lint.Check(set, nil) {
		got = append(got, d.String())
	}
	if d := cmp.Diff([]string{"6 PS401"}, codes(got)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestAnyPolicyCanBeLinted holds lints against policies of any form, also such
// that no manifest can have.
func TestAnyPolicyCanBeLinted(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, l := range lint.All() {
		known[l.Code] = true
	}
	rapid.Check(t, func(t *rapid.T) {
		p := policytest.Policies().Draw(t, "policy")
		places := func(rules []policy.Rule) []manifest.Place { return make([]manifest.Place, len(rules)) }
		set := manifest.Set{Policies: []policy.Desired{{Policy: p}}, Origins: []*manifest.Origin{{
			Include: places(p.Include), Exclude: places(p.Exclude), Require: places(p.Require),
		}}}
		for _, d := range lint.Check(set, nil) {
			if !known[d.Code] || d.Message == "" {
				t.Fatalf("found %+v", d)
			}
		}
	})
}
