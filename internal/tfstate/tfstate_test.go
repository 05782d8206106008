package tfstate_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/tfstate"
)

const sample = `{
  "version": 4, "terraform_version": "1.9.8", "serial": 7, "lineage": "3f1c", "outputs": {"token": {"value": "verysecret", "type": "string"}},
  "resources": [
    {"mode": "managed", "type": "cloudflare_zero_trust_access_policy", "name": "office", "provider": "provider[\"registry.terraform.io/cloudflare/cloudflare\"]",
     "instances": [{"schema_version": 0, "attributes": {"id": "p1", "account_id": "a1", "name": "Office", "decision": "allow", "include": [{"everyone": {}}]}, "sensitive_attributes": []}]},
    {"module": "module.access[\"eu\"].module.inner", "mode": "managed", "type": "cloudflare_access_policy", "name": "team",
     "instances": [
       {"index_key": 0, "attributes": {"id": "p2", "account_id": "a2", "name": "Team 0", "application_id": null}},
       {"index_key": 1, "deposed": "00000001", "attributes": {"id": "p0", "account_id": "a2", "name": "old"}},
       {"index_key": "b\"c", "attributes": {"id": "p3", "account_id": "", "zone_id": "z", "name": "Team 1", "application_id": "app"}}]},
    {"mode": "data", "type": "cloudflare_zero_trust_access_policy", "name": "looked_up", "instances": [{"attributes": {"id": "p9"}}]},
    {"mode": "managed", "type": "cloudflare_zero_trust_access_service_token", "name": "ci", "instances": [{"attributes": {"id": "t", "client_secret": "verysecret"}}]}
  ], "check_results": null}`

func TestParseFindsEveryManagedPolicy(t *testing.T) {
	t.Parallel()
	got, err := tfstate.Parse([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	want := []tfstate.Policy{
		{Address: "cloudflare_zero_trust_access_policy.office", ID: "p1", Name: "Office", Account: "a1"},
		{Address: `module.access["eu"].module.inner.cloudflare_access_policy.team[0]`, ID: "p2", Name: "Team 0", Account: "a2"},
		{Address: `module.access["eu"].module.inner.cloudflare_access_policy.team["b\"c"]`, ID: "p3", Name: "Team 1", AppID: "app"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWhatIsNoStateIsExplained(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                      "is empty",
		" \n":                   "is empty",
		"verysecret":            "is not JSON",
		sample[:len(sample)/2]:  "is not JSON",
		"PK\x03\x04 verysecret": "is a saved plan",
		`["verysecret"]`:        "has no version, so it isn't one",
		`{"a": "verysecret"}`:   "has no version, so it isn't one",
		`{"version": 3, "modules": [{"resources": {"x": "verysecret"}}]}`: "is of version 3, from before Terraform 0.12",
		`{"version": 5}`: "is of version 5, and version 4 can be read: update policysync",
		`{"serial": 1, "lineage": "l", "meta": {}, "encrypted_data": "verysecret", "encryption_version": "v0"}`: "is encrypted by OpenTofu: use what `tofu state pull` prints",
		`{"format_version": "1.0", "values": {}}`:                             "is the output of `terraform show -json`",
		`{"version": 4, "resources": "verysecret"}`:                           "is damaged: its resources are not what they should be",
		`{"version": 4, "resources": [{"mode": "managed", "type": "other"}]}`: "manages no Access policies: none of its 1 resources is a cloudflare_zero_trust_access_policy or a cloudflare_access_policy",
		strings.Replace(sample, `"id": "p1"`, `"id": ["verysecret"]`, 1):      "is damaged: id of cloudflare_zero_trust_access_policy.office is no text",
		strings.Replace(sample, `"id": "p1"`, `"id": null`, 1):                "is damaged: cloudflare_zero_trust_access_policy.office has no id",
	} {
		_, err := tfstate.Parse([]byte(text))
		if err == nil || !strings.HasPrefix(err.Error(), "the Terraform state "+want) || strings.Contains(err.Error(), "verysecret") {
			t.Errorf("%.40q: %v\nwant one that begins %q", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sample))
	f.Fuzz(func(_ *testing.T, text []byte) {
		_, _ = tfstate.Parse(text) // it must not panic
	})
}
