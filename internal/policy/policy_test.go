package policy_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/policysync/policysync/internal/policy"
)

func parse(t *testing.T, text string) policy.Policy {
	t.Helper()
	var p policy.Policy
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// with returns an allow policy with more fields in it.
func with(t *testing.T, more string) policy.Policy {
	t.Helper()
	if more != "" {
		more = "," + more
	}
	return parse(t, `{"name":"n","decision":"allow"`+more+`}`)
}

func TestWhatMeansTheSameIsEqual(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, a, b string }{
		{"a bare address is a block of one", `"include":[{"ip":{"ip":"1.2.3.4"}}]`, `"include":[{"ip":{"ip":"1.2.3.4/32"}}]`},
		{"and so for IPv6, however written", `"include":[{"ip":{"ip":"2001:DB8:0::1"}}]`, `"include":[{"ip":{"ip":"2001:db8::1/128"}}]`},
		{"host bits don't count", `"include":[{"ip":{"ip":"10.1.2.3/8"}}]`, `"include":[{"ip":{"ip":"10.0.0.0/8"}}]`},
		{"rules are sets", `"include":[{"everyone":{}},{"certificate":{}}]`, `"include":[{"certificate":{}},{"everyone":{}},{"everyone":{}}]`},
		{"an empty list is none", `"exclude":[],"require":null`, ``},
		{"false is absent", `"approval_required":false,"isolation_required":false`, ``},
		{"null and empty text are absent", `"session_duration":null,"purpose_justification_prompt":""`, ``},
		{"durations by length", `"session_duration":"24h"`, `"session_duration":"1440m0s"`},
		{"e-mails in any case", `"include":[{"email":{"email":"A@X.com"}}]`, `"include":[{"email":{"email":"a@x.com"}}]`},
		{"domains in any case", `"include":[{"email_domain":{"domain":"X.com"}}]`, `"include":[{"email_domain":{"domain":"x.com"}}]`},
		{"countries in any case", `"require":[{"geo":{"country_code":"us"}}]`, `"require":[{"geo":{"country_code":"US"}}]`},
		{"risk scores are sets", `"include":[{"user_risk_score":{"user_risk_score":["low","high"]}}]`, `"include":[{"user_risk_score":{"user_risk_score":["high","low","low"]}}]`},
		{"approval groups are sets of sets", `"approval_groups":[{"approvals_needed":1,"email_addresses":["b@x.com","A@x.com"]},{"approvals_needed":2}]`, `"approval_groups":[{"approvals_needed":2.0,"email_list_uuid":""},{"approvals_needed":1,"email_addresses":["a@x.com","b@x.com"]}]`},
		{"the account's mfa default", `"mfa_config":{"allowed_authenticators":["totp"],"mfa_disabled":false}`, `"mfa_config":{"allowed_authenticators":["totp"]}`},
		{"empty objects are absent", `"mfa_config":{"mfa_disabled":false},"connection_rules":{"rdp":{"allowed_clipboard_local_to_remote_formats":[]}}`, ``},
		{"an optional field of a rule may be empty", `"include":[{"github-organization":{"name":"o","identity_provider_id":"i","team":""}}]`, `"include":[{"github-organization":{"name":"o","identity_provider_id":"i"}}]`},
		{"whole numbers however written", `"approval_groups":[{"approvals_needed":1}]`, `"approval_groups":[{"approvals_needed":10e-1}]`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			a, b := with(t, tc.a), with(t, tc.b)
			if !policy.Equal(a, b) {
				t.Errorf("not equal:\n%s", cmp.Diff(policy.Canonical(a), policy.Canonical(b)))
			}
			if policy.Fingerprint(a) != policy.Fingerprint(b) {
				t.Error("fingerprints differ")
			}
		})
	}
}

func TestWhatMeansSomethingElseIsNotEqual(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, a, b string }{
		{"another list", `"include":[{"everyone":{}}]`, `"exclude":[{"everyone":{}}]`},
		{"a wider block", `"include":[{"ip":{"ip":"10.0.0.0/8"}}]`, `"include":[{"ip":{"ip":"10.0.0.0/9"}}]`},
		{"a session that ends at once isn't the application's", `"session_duration":"0s"`, ``},
		{"the account's session default", `"session_duration":"24h"`, ``},
		{"names of groups keep their case", `"include":[{"okta":{"name":"Devs","identity_provider_id":"i"}}]`, `"include":[{"okta":{"name":"devs","identity_provider_id":"i"}}]`},
		{"unknown fields count", `"future":{"x":1}`, ``},
		{"unknown kinds count", `"include":[{"brand_new":{"x":1}}]`, `"include":[{"brand_new":{"x":2}}]`},
		{"order within unknown kinds counts", `"include":[{"brand_new":{"x":[1,2]}}]`, `"include":[{"brand_new":{"x":[2,1]}}]`},
		{"absent isn't false within unknown kinds", `"include":[{"brand_new":{"x":false}}]`, `"include":[{"brand_new":{}}]`},
		{"numbers beyond double precision", `"future":10000000000000000000001`, `"future":10000000000000000000002`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			a, b := with(t, tc.a), with(t, tc.b)
			if policy.Equal(a, b) {
				t.Errorf("equal: %+v", policy.Canonical(a))
			}
			if policy.Fingerprint(a) == policy.Fingerprint(b) {
				t.Error("fingerprints are the same")
			}
		})
	}
}

func TestWhatIsNotKnownSurvives(t *testing.T) {
	t.Parallel()
	const text = `{"decision":"allow","exclude":[],"future":{"deep":[1.50,null,{"a":"<b>"}]},` +
		`"include":[{"brand_new_kind":{"x":12345678901234567890}},{"keys":2,"two":1},"not an object"],"name":"n"}`
	p := parse(t, text)
	got, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.NewReplacer("<", `\u003c`, ">", `\u003e`).Replace(text); string(got) != want {
		t.Errorf("round trip:\n got %s\nwant %s", got, want)
	}
}

func TestARequestAlwaysHoldsWhatTheAPIRequires(t *testing.T) {
	t.Parallel()
	got, err := json.Marshal(policy.Policy{Name: "n", Decision: policy.Deny})
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"decision":"deny","include":[],"name":"n"}`; string(got) != want {
		t.Errorf("body %s, want %s", got, want)
	}
}

func TestLiveKeepsTheAccountsFieldsApart(t *testing.T) {
	t.Parallel()
	const text = `{"id":"i","name":"n","decision":"allow","include":[{"everyone":{}}],"app_count":2,"reusable":true,
		"created_at":"2026-01-02T03:04:05.678Z","updated_at":"2026-02-03T04:05:06Z","session_duration":"24h"}`
	var got policy.Live
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	want := policy.Live{
		Policy: with(t, `"include":[{"everyone":{}}],"session_duration":"24h"`), ID: "i", AppCount: 2,
		CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC), UpdatedAt: time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC),
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("live differs (-want +got):\n%s", d)
	}
	if err := json.Unmarshal([]byte(strings.Replace(text, `"reusable":true`, `"reusable":false`, 1)), &got); err != nil || !got.Legacy {
		t.Errorf("an application's own policy isn't told apart: %+v, %v", got, err)
	}
	for broken, want := range map[string]string{
		`[]`: "decode policy: ", `{"id":7}`: "id is a number, not a text", `{"include":{}}`: "include is an object, not a list",
		`{"reusable":"no"}`: "reusable is a text, not a truth value", `{"app_count":[]}`: "app_count is a list, not a number",
		`{"created_at":"yesterday"}`: "decode policy: ",
	} {
		if err := json.Unmarshal([]byte(broken), &got); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", broken, err, want)
		}
	}
}

func TestFulfilsLetsTheAccountAddSettingsOnly(t *testing.T) {
	t.Parallel()
	sent := with(t, `"include":[{"everyone":{}}],"isolation_required":true`)
	for more, want := range map[string]bool{
		`"include":[{"everyone":{}}],"isolation_required":true`:                                true,
		`"include":[{"everyone":{}}],"isolation_required":true,"session_duration":"24h"`:       true,
		`"include":[{"everyone":{}}]`:                                                          false,
		`"include":[{"everyone":{}}],"isolation_required":true,"exclude":[{"certificate":{}}]`: false,
		`"include":[{"certificate":{}}],"isolation_required":true`:                             false,
	} {
		if got := policy.Fulfils(with(t, more), sent); got != want {
			t.Errorf("%s: %v, want %v", more, got, want)
		}
	}
}

func TestExpiryIsTheEndOfTheDay(t *testing.T) {
	t.Parallel()
	d := policy.Desired{Expires: time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)}
	if d.ExpiredAt(time.Date(2027, 1, 31, 23, 59, 59, 0, time.UTC)) {
		t.Error("expired on its last day")
	}
	if !d.ExpiredAt(time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC)) {
		t.Error("not expired after its last day")
	}
	if (policy.Desired{}).ExpiredAt(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Error("expired without a date")
	}
}

func TestTablesAgreeWithThemselves(t *testing.T) {
	t.Parallel()
	for i, k := range policy.Kinds() {
		if found, ok := policy.KindNamed(k.Name); !ok || found.Title != k.Title {
			t.Errorf("kind %s isn't found by its name", k.Name)
		}
		if i > 0 && policy.Kinds()[i-1].Name >= k.Name {
			t.Errorf("kind %s isn't in its place", k.Name)
		}
		for _, f := range k.Fields {
			if f.Type == policy.ID && f.Refers == "" {
				t.Errorf("%s.%s is an id of nothing", k.Name, f.Name)
			}
		}
	}
	for _, f := range policy.Fields() {
		if policy.IsReadOnly(f.Name) {
			t.Errorf("%s is both sent and read-only", f.Name)
		}
	}
}

// anyPolicy generates policies of every kind of rule and field, known and
// unknown, with equal values written in different ways.
func anyPolicy() *rapid.Generator[policy.Policy] {
	return rapid.Custom(func(t *rapid.T) policy.Policy {
		settings := map[string]any{}
		for _, f := range policy.Fields() {
			if f.Type != policy.Rules && f.Name != "name" && f.Name != "decision" && rapid.Bool().Draw(t, f.Name) {
				settings[f.Name] = anyValue(t, f)
			}
		}
		if rapid.Bool().Draw(t, "unknown") {
			settings["future"] = []any{json.Number("1.0"), nil, map[string]any{"x": false}}
		}
		return policy.Policy{
			Name: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "name"), Decision: policy.Allow, Settings: settings,
			Include: anyRules(t, "include"), Exclude: anyRules(t, "exclude"), Require: anyRules(t, "require"),
		}
	})
}

func anyRules(t *rapid.T, label string) []policy.Rule {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) policy.Rule {
		kind := rapid.SampledFrom(append(policy.Kinds(), policy.Kind{Name: "unknown"})).Draw(t, "kind")
		body := map[string]any{}
		for _, f := range kind.Fields {
			body[f.Name] = anyValue(t, f)
		}
		return policy.Rule{Kind: kind.Name, Body: body}
	}), 0, 4).Draw(t, label)
}

func anyValue(t *rapid.T, f policy.Field) any {
	if f.Many {
		f.Many = false
		return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) any { return anyValue(t, f) }), 0, 3).Draw(t, f.Name)
	}
	texts := map[policy.Type][]string{
		policy.Duration: {"24h", "1440m", "0s", ""}, policy.Email: {"A@x.com", "a@X.com"}, policy.CIDR: {"1.2.3.4", "1.2.3.4/32", "junk"},
		policy.Country: {"us", "US"}, policy.Domain: {"X.com", "x.com"},
	}
	switch {
	case f.Type == policy.Bool:
		return rapid.Bool().Draw(t, f.Name)
	case f.Type == policy.Number:
		return json.Number(rapid.SampledFrom([]string{"0", "1", "1.0", "2e0"}).Draw(t, f.Name))
	case f.Type == policy.Object:
		object := map[string]any{}
		for _, inner := range f.Fields {
			if rapid.Bool().Draw(t, inner.Name) {
				object[inner.Name] = anyValue(t, inner)
			}
		}
		return object
	case texts[f.Type] != nil:
		return rapid.SampledFrom(texts[f.Type]).Draw(t, f.Name)
	case len(f.Enum) > 0:
		return rapid.SampledFrom(f.Enum).Draw(t, f.Name)
	default:
		return rapid.SampledFrom([]string{"", "x", "Y"}).Draw(t, f.Name)
	}
}

func TestCanonicalIsItsOwnCanonicalForm(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := anyPolicy().Draw(t, "policy")
		once := policy.Canonical(p)
		if d := cmp.Diff(once, policy.Canonical(once)); d != "" {
			t.Fatalf("canonical form isn't stable:\n%s", d)
		}
		if !policy.Equal(p, once) || !policy.Fulfils(p, once) {
			t.Fatal("a policy differs from its canonical form")
		}
	})
}

func TestJSONKeepsTheMeaning(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := anyPolicy().Draw(t, "policy")
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var back policy.Policy
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		if !policy.Equal(p, back) {
			t.Fatalf("%s\ncame back as another policy", text)
		}
	})
}

func TestOrderAndRepetitionOfRulesDoNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := anyPolicy().Draw(t, "policy")
		q := p
		q.Include = rapid.Permutation(append(p.Include, p.Include...)).Draw(t, "shuffled")
		if !policy.Equal(p, q) {
			t.Fatal("the order of rules matters")
		}
	})
}

// FuzzCanonical holds any policy that the API could hold against its own
// canonical form, that form's, and the one of the same rules in another order.
func FuzzCanonical(f *testing.F) {
	f.Add([]byte(`{"name":"n","decision":"allow","include":[{"ip":{"ip":"1.2.3.4"}},{"x":1e400},7],"y":{"z":[-0,1e3]}}`))
	f.Add([]byte(`{"session_duration":"1h","mfa_config":{"session_duration":"x"},"approval_groups":[[]]}`))
	f.Add([]byte(`{"name":"n","exclude":[{},null,[],{"a":1,"b":2},{"email":null},{"email":{"email":"A@B.C","x":false}}],"require":[{"geo":{"country_code":"us"}}]}`))
	f.Add([]byte(`{"approval_groups":[{"approvals_needed":1.0,"email_addresses":["b@x.y","A@x.y"]},{"approvals_needed":1e0,"email_addresses":["a@X.y","B@x.y"]}]}`))
	for _, k := range policy.Kinds() {
		body := map[string]any{}
		for _, field := range k.Fields {
			body[field.Name] = []any{"B", "a", "2001:DB8::1/64", ""}
			if !field.Many {
				body[field.Name] = "192.0.2.7"
			}
		}
		text, err := json.Marshal(policy.Policy{Name: k.Name, Include: []policy.Rule{{Kind: k.Name, Body: body}, {Kind: k.Name, Body: body}}})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var p, back policy.Policy
		if json.Unmarshal(text, &p) != nil {
			return
		}
		once := policy.Canonical(p)
		if d := cmp.Diff(once, policy.Canonical(once)); d != "" || !policy.Equal(once, p) {
			t.Errorf("%s: canonical form isn't stable (-once +twice):\n%s", text, d)
		}
		reversed := p
		reversed.Include, reversed.Exclude = slices.Clone(p.Include), slices.Clone(p.Exclude)
		slices.Reverse(reversed.Include)
		slices.Reverse(reversed.Exclude)
		if !policy.Equal(p, reversed) || policy.Fingerprint(p) != policy.Fingerprint(reversed) {
			t.Errorf("%s: the order of rules matters", text)
		}
		again, err := json.Marshal(p)
		if err != nil || json.Unmarshal(again, &back) != nil || !policy.Equal(p, back) {
			t.Errorf("%s came back as %s: %v", text, again, err)
		}
	})
}

func ExampleEqual() {
	var git, account policy.Policy
	for to, text := range map[*policy.Policy]string{
		&git:     `{"name":"Office","decision":"allow","include":[{"ip":{"ip":"192.0.2.1"}}],"session_duration":"24h"}`,
		&account: `{"name":"Office","decision":"allow","include":[{"ip":{"ip":"192.0.2.1/32"}}],"exclude":[],"session_duration":"24h0m0s"}`,
	} {
		if err := json.Unmarshal([]byte(text), to); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(policy.Equal(git, account))
	// Output: true
}

func TestCountriesAreThoseOfISO3166AndCloudflaresOwn(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"US": true, "us": true, "No": true, "XK": true, "ZW": true, "AD": true, "T1": true, "t1": true, "Xx": true,
		"EN": false, "ZZ": false, "": false, "U": false, "USA": false, "é": false, "ı": false, "ıe": false, "\x15S": false, "T\x11": false, "T2": false, "A1": false,
	} {
		if policy.IsCountry(text) != want {
			t.Errorf("%q is a country: %t", text, !want)
		}
	}
	n := 0
	for _, seconds := range policy.Countries() {
		n += len(seconds)
	}
	if n != 252 { // the standard's 249, XK, T1 and XX
		t.Errorf("there are %d countries", n)
	}
}
