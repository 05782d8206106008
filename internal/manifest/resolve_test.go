package manifest_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/manifest"
	"github.com/policysync/policysync/internal/policy"
)

// naming returns the set of a manifest with these rules.
func naming(t *testing.T, rules ...string) manifest.Set {
	t.Helper()
	text := "name: Engineering\ndecision: allow\ninclude:\n  - " + strings.Join(rules, "\n  - ") + "\n"
	set, err := manifest.Decode(fstest.MapFS{"a.yaml": {Data: []byte(text)}})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestReferencesAreThoseByNameAlone(t *testing.T) {
	t.Parallel()
	set := naming(t, "service_token: {name: CI}", "group: {id: aa0a4aab-672b-4bdb-bc33-a59f1130a11f}", "okta: {name: admins, identity_provider: Okta}", "login_method: {name: Okta}")
	if d := cmp.Diff([]policy.Reference{policy.ToProvider, policy.ToServiceToken}, set.References()); d != "" {
		t.Errorf("references (-want +got):\n%s", d)
	}
	if got := naming(t, "group: {id: aa0a4aab-672b-4bdb-bc33-a59f1130a11f}", "everyone: {}").References(); len(got) != 0 {
		t.Errorf("nothing is named, and these are referred to: %v", got)
	}
}

func TestResolveTellsOfEveryNameThatIsUnknownOrAmbiguous(t *testing.T) {
	t.Parallel()
	things := map[policy.Reference][]policy.Thing{
		policy.ToGroup:    {{ID: "1", Name: "Contractors"}, {ID: "2", Name: "Staff"}, {ID: "4", Name: "Twice"}, {ID: "3", Name: "Twice"}},
		policy.ToProvider: {{ID: "5", Name: "contractors"}},
	}
	set := naming(t, "group: {name: Contractor}", "group: {name: [Staff, Twice]}", "group: {name: Nobody}", "email_list: {name: Staff}", "login_method: {name: Contractors}")
	got, err := set.Resolve(things)
	want := `a.yaml:4:19: no access group is named "Contractor": did you mean "Contractors"?
a.yaml:5:27: 2 access groups are named "Twice" (3, 4): write the id of the one that is meant
a.yaml:6:19: no access group is named "Nobody"
a.yaml:7:24: no email list is named "Staff": the account has none
a.yaml:8:26: no identity provider is named "Contractors": did you mean "contractors"?
`
	if d := cmp.Diff(want, lines(t, err)); d != "" {
		t.Errorf("errors (-want +got):\n%s", d)
	}
	if len(got.Policies) != 0 {
		t.Errorf("%d policies beside errors", len(got.Policies))
	}
}

func TestResolveLeavesTheSetItselfAlone(t *testing.T) {
	t.Parallel()
	set := naming(t, "group: {name: Staff}")
	for _, id := range []string{"1", "2"} { // what bears the name may change from run to run
		got, err := set.Resolve(map[policy.Reference][]policy.Thing{policy.ToGroup: {{ID: id, Name: "Staff"}}})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]policy.Rule{{Kind: "group", Body: map[string]any{"id": id}}}, got.Policies[0].Include); d != "" {
			t.Errorf("include (-want +got):\n%s", d)
		}
	}
	if _, err := json.Marshal(set.Policies[0].Policy); err == nil || !strings.Contains(err.Error(), `the access group "Staff" was not resolved`) {
		t.Errorf("a policy with a name in it has a JSON form: %v", err)
	}
}
