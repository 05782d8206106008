package policy_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/policy/policytest"
)

func TestRulesThatAreAlikeAreInMemoryOnce(t *testing.T) {
	t.Parallel()
	list, err := policy.DecodeList([]byte(`[
		{"name": "a", "include": [{"geo": {"country_code": "US"}}, {"geo": {"country_code": "NO"}}]},
		{"name": "b", "include": [{"geo": {"country_code": "US"}}], "exclude": [{"new": {"country_code": "US"}}]}]`))
	if err != nil {
		t.Fatal(err)
	}
	at := func(r policy.Rule) uintptr { return reflect.ValueOf(r.Body).Pointer() }
	us := at(list[0].Include[0])
	if us != at(list[1].Include[0]) {
		t.Error("two rules that are the same have a body each")
	}
	if us == at(list[0].Include[1]) || us == at(list[1].Exclude[0]) {
		t.Error("rules that differ share a body")
	}
}

func TestAPoolAltersNoPolicy(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var pool policy.Pool
		for _, p := range rapid.SliceOfN(policytest.Policies(), 1, 3).Draw(t, "policies") {
			text, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			var alone, pooled policy.Policy
			if err := alone.UnmarshalJSON(text); err != nil {
				t.Fatal(err)
			}
			if err := pool.Unmarshal(text, &pooled); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(alone, pooled); d != "" {
				t.Fatalf("(-alone +pooled):\n%s", d)
			}
		}
	})
}
