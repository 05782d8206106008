package manifest_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/policysync/policysync/internal/manifest"
	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/policy/policytest"
)

// edited returns what Edit makes of the policy of that number in a file.
func edited(t testing.TB, content string, n int, to policy.Policy, things map[policy.Reference][]policy.Thing) string {
	t.Helper()
	set := decodeAll(t, content, things)
	got, err := manifest.Edit([]byte(content), set.Policies[n], set.Origins[n], to, manifest.NewNames(things), func(edited []byte) bool {
		set, err := manifest.Decode(fstest.MapFS{"f.yaml": {Data: edited}})
		if err == nil {
			set, err = set.Resolve(things)
		}
		return err == nil && policy.Equal(set.Policies[n].Policy, to)
	})
	if err != nil || got == nil {
		t.Fatalf("nothing fits: %v", err)
	}
	return string(got)
}

func decodeAll(t testing.TB, content string, things map[policy.Reference][]policy.Thing) manifest.Set {
	t.Helper()
	set, err := manifest.Decode(fstest.MapFS{"f.yaml": {Data: []byte(content)}})
	if err == nil {
		set, err = set.Resolve(things)
	}
	if err != nil {
		t.Fatalf("%v\nin:\n%s", err, content)
	}
	return set
}

func TestEditChangesNothingButWhatDiffers(t *testing.T) {
	t.Parallel()
	things := map[policy.Reference][]policy.Thing{policy.ToGroup: {{ID: "g1", Name: "Staff"}}}
	const rest = "# Who works here.\n---\nname:   'A'   # short\n\ndecision: allow\n"
	for _, c := range []struct{ name, before, to, after string }{
		{
			"a value keeps the comment behind it",
			rest + "session_duration: 24h   # a day\ninclude: [{everyone: {}}]\n",
			`{"name":"A","decision":"allow","include":[{"everyone":{}}],"session_duration":"8h"}`,
			rest + "session_duration: 8h   # a day\ninclude: [{everyone: {}}]\n",
		},
		{
			"rules come and go by the line",
			rest + "include:\n# ours\n- email: {email: a@x.example} # Ann\n\n  # Bob\n  # left\n- email: {email: b@x.example}\n- group: {name: Staff}\n# the end\n",
			`{"name":"A","decision":"allow","include":[{"group":{"id":"g1"}},{"email":{"email":"A@x.example"}},{"geo":{"country_code":"NO"}}]}`,
			rest + "include:\n# ours\n- email: {email: a@x.example} # Ann\n\n  # Bob\n  # left\n- group: {name: Staff}\n- geo: {country_code: \"NO\"}\n# the end\n",
		},
		{
			"what is said of a rule goes with it",
			rest + "include:\n  - everyone: {}\n  # Bob\n  # left\n  - email: {email: b@x.example}\n  # the end\nrequire:\n  - certificate: {}\n",
			`{"name":"A","decision":"allow","include":[{"everyone":{}}],"require":[{"certificate":{}}]}`,
			rest + "include:\n  - everyone: {}\n  # the end\nrequire:\n  - certificate: {}\n",
		},
		{
			"one of a list of values goes",
			rest + "include:\n  - email: {email: [a@x.example, b@x.example, c@x.example]}\n  - everyone: {}\n",
			`{"name":"A","decision":"allow","include":[{"everyone":{}},{"email":{"email":"a@x.example"}},{"email":{"email":"c@x.example"}}]}`,
			rest + "include:\n  - email: {email: a@x.example}\n  - email: {email: c@x.example}\n  - everyone: {}\n",
		},
		{
			"fields come at their places and go",
			rest + "include:\n  - everyone: {}\n# why\nisolation_required: true\n\n# ours\npolicysync: {protect: true}\n",
			`{"name":"A","decision":"allow","include":[{"everyone":{}}],"exclude":[{"certificate":{}}],"session_duration":"8h","approval_required":true}`,
			rest + "include:\n  - everyone: {}\nexclude:\n  - certificate: {}\nsession_duration: 8h\napproval_required: true\n# why\n\n# ours\npolicysync: {protect: true}\n",
		},
		{
			"anchors stay",
			rest + "include:\n  - okta: &devs {name: devs, identity_provider_id: f174e90a-fafe-4643-bbbc-4a0ed4fc8415}\nrequire:\n  - okta: *devs # again\n  - certificate: {}\n",
			`{"name":"A","decision":"allow","include":[{"okta":{"name":"devs","identity_provider_id":"f174e90a-fafe-4643-bbbc-4a0ed4fc8415"}}],"require":[{"okta":{"name":"devs","identity_provider_id":"f174e90a-fafe-4643-bbbc-4a0ed4fc8415"}}]}`,
			rest + "include:\n  - okta: &devs {name: devs, identity_provider_id: f174e90a-fafe-4643-bbbc-4a0ed4fc8415}\nrequire:\n  - okta: *devs # again\n",
		},
		{
			"where an anchor would go, all is written anew but what is policysync's",
			rest + "include:\n  - okta: &devs {name: devs, identity_provider_id: f174e90a-fafe-4643-bbbc-4a0ed4fc8415}\n  - everyone: {}\nrequire:\n  - okta: *devs\npolicysync: {key: k}\n---\n# next\nname: B\ndecision: deny\ninclude: [{everyone: {}}]\n",
			`{"name":"A","decision":"allow","include":[{"everyone":{}}],"require":[{"okta":{"name":"devs","identity_provider_id":"f174e90a-fafe-4643-bbbc-4a0ed4fc8415"}}]}`,
			"# Who works here.\n---\nname: A\ndecision: allow\ninclude:\n  - everyone: {}\nrequire:\n  - okta: {name: devs, identity_provider_id: f174e90a-fafe-4643-bbbc-4a0ed4fc8415}\npolicysync:\n  key: k\n---\n# next\nname: B\ndecision: deny\ninclude: [{everyone: {}}]\n",
		},
		{
			"JSON, line ends and the end of the file",
			"name: A\r\ndecision: allow\r\ninclude: [{everyone: {}}]",
			`{"name":"B","decision":"allow","include":[{"everyone":{}}],"isolation_required":true}`,
			"name: B\r\ndecision: allow\r\ninclude: [{everyone: {}}]\nisolation_required: true\r\n",
		},
		{
			"a list in brackets",
			rest + "include: [{everyone: {}}] # all\n",
			`{"name":"A","decision":"allow","include":[{"certificate":{}}]}`,
			rest + "include: # all\n  - certificate: {}\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.after, edited(t, c.before, 0, parse(t, c.to), things)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestAnyPolicyCanBeEditedToAnyOther also holds that comments outside of what
// changes stay.
func TestAnyPolicyCanBeEditedToAnyOther(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		first, second := desired(rt), desired(rt)
		second.Name = first.Name + "2"
		first.Key, second.Key, first.Previously, second.Previously = "1", "2", nil, nil
		var content strings.Builder
		for i, d := range []policy.Desired{first, second} {
			text, err := manifest.Encode(d, nil)
			if err != nil {
				rt.Fatal(err)
			}
			fmt.Fprintf(&content, "# number %d\n---\n%s# end\n", i, text)
		}
		to := policytest.Policies().Draw(rt, "to")
		to.Name = first.Name
		got := edited(t, content.String(), 0, to, nil)
		_, want, _ := strings.Cut(content.String(), "# number 1\n")
		if _, tail, _ := strings.Cut(got, "# number 1\n"); tail != want || !strings.HasPrefix(got, "# number 0\n---\n") {
			rt.Fatalf("the other document has changed:\n%s", got)
		}
	})
}
