package manifest_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"github.com/policysync/policysync/internal/manifest"
	"github.com/policysync/policysync/internal/policy"
)

func TestWhatIsEncodedDecodesToTheSamePolicy(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := desired(t)
		text, err := manifest.Encode(want, nil)
		if err != nil {
			t.Fatal(err)
		}
		set, err := manifest.Decode(fstest.MapFS{"policy.yaml": {Data: text}})
		if err != nil {
			t.Fatalf("%v\nin:\n%s", err, text)
		}
		got := set.Policies[0]
		if !policy.Equal(got.Policy, want.Policy) || got.Key != want.Key || got.Protect != want.Protect || !got.Expires.Equal(want.Expires) {
			t.Fatalf("got %+v\nwant %+v\nin:\n%s", got, want, text)
		}
		again, err := manifest.Encode(got, nil)
		if err != nil || !bytes.Equal(again, text) {
			t.Fatalf("encoded again:\n%s\nbefore:\n%s\n%v", again, text, err)
		}
	})
}

func parse(t *testing.T, text string) (p policy.Policy) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestEncodeWritesAsAPersonWould(t *testing.T) {
	t.Parallel()
	names := manifest.NewNames(map[policy.Reference][]policy.Thing{
		policy.ToGroup:     {{ID: "G1", Name: "Staff"}, {ID: "g2", Name: "Twice"}, {ID: "g3", Name: "Twice"}, {ID: "g4", Name: " blank"}},
		policy.ToProvider:  {{ID: "p1", Name: "Okta"}},
		policy.ToEmailList: {{ID: "e1", Name: "Leads"}},
	})
	got, err := manifest.Encode(policy.Desired{Key: "eng", Policy: parse(t, `{"name":"Engineering","decision":"allow",
		"include":[{"okta":{"name":"devs","identity_provider_id":"p1"}},{"group":{"id":"g1"}},{"group":{"id":"g2"}},{"group":{"id":"g4"}},
			{"login_method":{"id":"P1"}},{"new_kind":{"level":3,"labels":["yes",null]}},{"everyone":{}},{"everyone":{}}],
		"exclude":[],"require":[{"geo":{"country_code":"no"}},{"user_risk_score":{"user_risk_score":["low","high"]}}],
		"session_duration":"","approval_required":true,"isolation_required":false,"purpose_justification_prompt":"Why?\nReally: why?",
		"approval_groups":[{"approvals_needed":1,"email_addresses":["b@x.example","a@x.example"],"email_list_uuid":"e1"}],
		"mfa_config":{"mfa_disabled":false,"session_duration":"0s"},"connection_rules":{"rdp":{"allowed_clipboard_local_to_remote_formats":["text"]}},
		"future":1}`)}, names)
	if err != nil {
		t.Fatal(err)
	}
	const want = `name: Engineering
decision: allow
include:
  - everyone: {}
  - group: {name: Staff}
  - group: {id: g2}
  - group: {id: g4}
  - login_method: {name: Okta}
  - new_kind: {labels: ["yes", null], level: 3}
  - okta: {name: devs, identity_provider: Okta}
require:
  - geo: {country_code: "NO"}
  - user_risk_score: {user_risk_score: [high, low]}
approval_required: true
approval_groups:
  - approvals_needed: 1
    email_addresses: [a@x.example, b@x.example]
    email_list_uuid: {name: Leads}
purpose_justification_prompt: "Why?\nReally: why?"
connection_rules:
  rdp:
    allowed_clipboard_local_to_remote_formats: [text]
mfa_config:
  session_duration: 0m
policysync:
  key: eng
  allow_unknown_rules: true
`
	if string(got) != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestWhatLooksLikeAVariableIsWrittenSuchThatItIsNone(t *testing.T) {
	t.Parallel()
	want := policy.Desired{Policy: parse(t, `{"name":"${vars.env} $${ $","decision":"allow","include":[{"everyone":{}}],"purpose_justification_prompt":"${PRICE}"}`)}
	text, err := manifest.Encode(want, nil)
	if err != nil {
		t.Fatal(err)
	}
	set, err := manifest.Decode(fstest.MapFS{"policy.yaml": {Data: text}})
	if err != nil || !policy.Equal(set.Policies[0].Policy, want.Policy) {
		t.Errorf("%s\ndecodes to %+v, %v", text, set.Policies, err)
	}
}
