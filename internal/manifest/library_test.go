package manifest_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/manifest"
	"github.com/policysync/policysync/internal/policy"
)

// ruleSet returns a document that declares a rule set, each rule on a line.
func ruleSet(name string, rules ...string) string {
	return fmt.Sprintf("---\nkind: RuleSet\nname: %s\nrules:\n  - %s\n", name, strings.Join(rules, "\n  - "))
}

// using returns a document that declares a policy with these rules.
func using(name string, rules ...string) string {
	return fmt.Sprintf("---\nname: %s\ndecision: allow\ninclude:\n  - %s\n", name, strings.Join(rules, "\n  - "))
}

func decode(t *testing.T, content string) manifest.Set {
	t.Helper()
	set, err := manifest.Decode(fstest.MapFS{"a.yaml": {Data: []byte(content)}})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestAPolicyThatUsesRuleSetsIsTheOneWrittenOut(t *testing.T) {
	t.Parallel()
	written := decode(t, using("A", "everyone: {}", "ip: {ip: 192.0.2.7}", "geo: {country_code: US}", "certificate: {}"))
	used := decode(t, ruleSet("inner", "geo: {country_code: us}")+
		using("A", "everyone: {}", "use: outer", "certificate: {}")+
		ruleSet("outer", "ip: {ip: 192.0.2.7/32}", "use: inner"))
	if !policy.Equal(written.Policies[0].Policy, used.Policies[0].Policy) {
		t.Errorf("%+v is another policy than %+v", used.Policies[0], written.Policies[0])
	}
	if policy.Fingerprint(written.Policies[0].Policy) != policy.Fingerprint(used.Policies[0].Policy) {
		t.Error("their fingerprints differ")
	}
}

func TestARuleOfARuleSetHasItsPlaceThere(t *testing.T) {
	t.Parallel()
	set, err := manifest.Decode(fstest.MapFS{
		"a.yaml":    {Data: []byte(using("A", "everyone: {}", "use: staff", "certificate: {}"))},
		"sets.yaml": {Data: []byte(ruleSet("staff", "email: {email: [ann@example.com, bob@example.com]}"))},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []manifest.Place{{File: "a.yaml", Line: 5, Col: 5}, {File: "sets.yaml", Line: 5, Col: 21}, {File: "sets.yaml", Line: 5, Col: 38}, {File: "a.yaml", Line: 7, Col: 5}}
	if d := cmp.Diff(want, set.Origins[0].Include); d != "" {
		t.Errorf("places (-want +got):\n%s", d)
	}
}

func TestAChangedRuleSetChangesThePoliciesOfUnchangedFiles(t *testing.T) {
	t.Parallel()
	folder := &hashedFS{MapFS: fstest.MapFS{"a.yaml": {Data: []byte(using("A", "use: staff"))}}}
	var decoder manifest.Decoder
	for _, domain := range []string{"example.com", "example.net"} {
		folder.MapFS["sets.yaml"] = &fstest.MapFile{Data: []byte(ruleSet("staff", "email_domain: {domain: "+domain+"}"))}
		set, err := decoder.Decode(folder)
		if err != nil {
			t.Fatal(err)
		}
		want := []policy.Rule{{Kind: "email_domain", Body: map[string]any{"domain": domain}}}
		if d := cmp.Diff(want, set.Policies[0].Include); d != "" {
			t.Errorf("include (-want +got):\n%s", d)
		}
	}
	if d := cmp.Diff([]string{"a.yaml", "sets.yaml", "sets.yaml"}, folder.opened); d != "" {
		t.Errorf("files read (-want +got):\n%s", d)
	}
}

func TestANameInARuleSetIsReportedOnceHoweverOftenItIsUsed(t *testing.T) {
	t.Parallel()
	set := decode(t, ruleSet("staff", "group: {name: Staf}")+using("A", "use: staff", "use: staff")+using("B", "use: staff"))
	_, err := set.Resolve(map[policy.Reference][]policy.Thing{policy.ToGroup: {{ID: "1", Name: "Staff"}}})
	if got, want := lines(t, err), "a.yaml:5:19: no access group is named \"Staf\": did you mean \"Staff\"?\n"; got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

func TestAPartOfAFolderMayUseRuleSetsThatItDoesNotHave(t *testing.T) {
	t.Parallel()
	decoder := manifest.Decoder{Partial: true}
	set, err := decoder.Decode(fstest.MapFS{"a.yaml": {Data: []byte(using("A", "everyone: {}", "use: staff", "use: here") + ruleSet("here", "use: interns"))}})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"interns", "staff"}, set.Unseen); d != "" {
		t.Errorf("unseen (-want +got):\n%s", d)
	}
	if got := set.Policies[0].Include; len(got) != 1 {
		t.Errorf("got rules %v, want the policy's own", got)
	}
}

// bomb is rule sets, each of which uses the one before as often as that.
func bomb(levels, times int) string {
	var b strings.Builder
	b.WriteString(ruleSet("s0", "everyone: {}"))
	for i := 1; i <= levels; i++ {
		b.WriteString(ruleSet(fmt.Sprintf("s%d", i), strings.Split(strings.Repeat(fmt.Sprintf("use: s%d,", i-1), times), ",")[:times]...))
	}
	return b.String()
}

func TestRuleSetsAreBounded(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ content, want string }{
		"rules of one":   {bomb(9, 10) + using("A", "use: s9"), "a.yaml:67:10: with \"s4\", the rule set stands for more than 10000 rules: split it\n"},
		"depth":          {bomb(32, 1), "a.yaml:165:10: rule sets stand more than 32 deep within each other\n"},
		"depth, inwards": {ruleSet("start", "use: s31") + bomb(31, 1) + ruleSet("end", "use: s30"), "a.yaml:15:10: rule sets stand more than 32 deep within each other\n"},
		"rules of all": {
			bomb(4, 10) + using("A", strings.Split(strings.Repeat("use: s4,", 101), ",")[:101]...),
			"a.yaml:166:10: up to here, rule sets stand for more than 1000000 rules in policies: use fewer or smaller ones\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := manifest.Decode(fstest.MapFS{"a.yaml": {Data: []byte(tc.content)}})
			if d := cmp.Diff(tc.want, lines(t, err)); d != "" {
				t.Errorf("errors (-want +got):\n%s", d)
			}
		})
	}
	if got := decode(t, bomb(31, 1)+using("A", "use: s31")).Policies[0].Include; len(got) != 1 {
		t.Errorf("32 rule sets within each other give %v", got)
	}
}
