package containment_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/containment"
	"github.com/policysync/policysync/internal/policy"
)

// rules returns the canonical rules of a JSON list.
func rules(t *testing.T, text string) []policy.Rule {
	t.Helper()
	var all []policy.Rule
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		t.Fatal(err)
	}
	for i, r := range all {
		all[i] = policy.CanonicalRule(r)
	}
	return all
}

func TestRulesAreFoundThatContainAnother(t *testing.T) {
	t.Parallel()
	index := containment.NewIndex(rules(t, `[
		{"everyone": {}}, {"email_domain": {"domain": "Example.com"}}, {"email": {"email": "ann@example.com"}},
		{"ip": {"ip": "10.0.0.0/8"}}, {"ip": {"ip": "10.1.0.0/16"}}, {"ip": {"ip": "10.0.0.1/8"}},
		{"any_valid_service_token": {}}, {"certificate": {}}, {"new_kind": {"x": 1}}
	]`))
	for _, tc := range []struct {
		rule   string
		same   int // -1: none
		around []int
	}{
		{`{"email": {"email": "ANN@example.com"}}`, 2, []int{0, 1}},
		{`{"email": {"email": "ann@sub.example.com"}}`, -1, []int{0}},
		{`{"ip": {"ip": "10.1.2.3"}}`, -1, []int{0, 3, 4}},
		{`{"ip": {"ip": "10.9.9.9/8"}}`, 3, []int{0}},
		{`{"ip": {"ip": "::ffff:10.1.2.3"}}`, -1, []int{0}},
		{`{"service_token": {"token_id": "a"}}`, -1, []int{0, 6}},
		{`{"common_name": {"common_name": "a"}}`, -1, []int{0, 7}},
		{`{"everyone": {}}`, 0, nil},
		{`{"everyone": {"but": "me"}}`, -1, nil},
		{`{"new_kind": {"x": 1}}`, 8, nil},
		{`{"email": {"email": "ann@example.com", "x": 1}}`, -1, nil},
	} {
		r := rules(t, "["+tc.rule+"]")[0]
		same, found := index.Same(r)
		if !found {
			same = -1
		}
		around := slices.Collect(index.Around(r))
		slices.Sort(around)
		if d := cmp.Diff(tc.around, around); d != "" || same != tc.same {
			t.Errorf("%s: same as %d, want %d; around (-want +got):\n%s", tc.rule, same, tc.same, d)
		}
		if got := index.Contains(r); got != (same >= 0 || around != nil) {
			t.Errorf("%s: contained: %t", tc.rule, got)
		}
	}
}
