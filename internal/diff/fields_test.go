package diff_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/policy"
)

func parse(t *testing.T, text string) *policy.Policy {
	t.Helper()
	var p policy.Policy
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	return &p
}

func TestCompareNamesEachDifferenceOnce(t *testing.T) {
	t.Parallel()
	before := parse(t, `{"name":"Eng","decision":"allow","session_duration":"24h",
		"include":[{"email":{"email":"A@x.com"}},{"email":{"email":"b@x.com"}}],
		"approval_groups":[{"approvals_needed":1}],
		"mfa_config":{"mfa_disabled":true,"session_duration":"5m"},"future":{"x":1}}`)
	after := parse(t, `{"name":"Eng","decision":"deny","session_duration":"1440m",
		"include":[{"email":{"email":"c@x.com"}},{"email":{"email":"a@x.com"}}],
		"approval_groups":[{"approvals_needed":2}],
		"mfa_config":{"mfa_disabled":false,"session_duration":"6m"}}`)
	type field struct{ Path, Before, After string }
	text := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	var got []field
	for _, f := range diff.Compare(before, after) {
		got = append(got, field{f.Path, text(f.Before), text(f.After)})
	}
	want := []field{
		{"decision", `"allow"`, `"deny"`},
		{"include", `{"email":{"email":"b@x.com"}}`, `null`},
		{"include", `null`, `{"email":{"email":"c@x.com"}}`},
		{"approval_groups", `{"approvals_needed":1}`, `null`},
		{"approval_groups", `null`, `{"approvals_needed":2}`},
		{"mfa_config.mfa_disabled", `true`, `null`},
		{"mfa_config.session_duration", `"5m"`, `"6m"`},
		{"future.x", `1`, `null`},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("fields differ (-want +got):\n%s", d)
	}
}

func TestCompareOfEqualPoliciesIsEmpty(t *testing.T) {
	t.Parallel()
	a := parse(t, `{"name":"Eng","decision":"allow","include":[{"ip":{"ip":"1.2.3.4"}},{"everyone":{}}],"exclude":[]}`)
	b := parse(t, `{"name":"Eng","decision":"allow","include":[{"everyone":{}},{"ip":{"ip":"1.2.3.4/32"}}],"isolation_required":false}`)
	if got := diff.Compare(a, b); len(got) != 0 {
		t.Errorf("fields = %v, want none", got)
	}
	if got := diff.Compare(nil, a); len(got) != 4 {
		t.Errorf("fields of a new policy = %v, want name, decision and two rules", got)
	}
}

func TestEveryActionHasItsWords(t *testing.T) {
	t.Parallel()
	for _, a := range diff.Actions() {
		if a.Done() == "" || a.Mark() == "" {
			t.Errorf("actions in action.go says too little of %s", a)
		}
	}
	if a := diff.Action("nonsense"); a.RecordsOnly() {
		t.Error("an action that isn't known counts as harmless")
	}
}
