package policy_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/policy"
)

func TestIdentifiersAreThoseOfWhatTheAccountLists(t *testing.T) {
	t.Parallel()
	var p policy.Policy
	if err := json.Unmarshal([]byte(`{
		"name": "n", "decision": "allow",
		"include": [{"group": {"id": "g"}}, {"okta": {"name": "admins", "identity_provider_id": "p"}}, {"azureAD": {"id": "elsewhere", "identity_provider_id": "q"}}],
		"exclude": [{"service_token": {"token_id": "s"}}, {"unknown": {"id": "x"}}, {"group": {"id": 7}}, {"group": null}, "odd"],
		"require": [{"linked_app_token": {"app_uid": "a"}}, {"cloudflare_account_member": {"account_id": "elsewhere"}}],
		"approval_groups": [{"approvals_needed": 1, "email_list_uuid": "l"}, {"approvals_needed": 2, "email_list_uuid": "m"}],
		"session_duration": "24h"
	}`), &p); err != nil {
		t.Fatal(err)
	}
	var got []string
	for refers, id := range policy.Identifiers(p) {
		got = append(got, fmt.Sprintf("%s %s", refers, id))
	}
	want := []string{
		"access group g", "identity provider p", "identity provider q", "service token s", "application a",
		"email list l", "email list m",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("identifiers (-want +got):\n%s", d)
	}
	for range policy.Identifiers(p) {
		break // it ends when nobody wants more
	}
}
