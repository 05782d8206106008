package policy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/policysync/policysync/internal/policy"
)

// TestWhatKindsAskForIsKnownOfEach of Cloudflare's table of selectors.
func TestWhatKindsAskForIsKnownOfEach(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"any_valid_service_token": "non_identity", "auth_context": "identity", "auth_method": "identity", "azureAD": "identity",
		"certificate": "", "cloudflare_account_member": "identity", "common_name": "exclusive", "device_posture": "",
		"email": "identity exclusive", "email_domain": "identity exclusive", "email_list": "identity", "everyone": "",
		"external_evaluation": "identity", "geo": "exclusive", "github-organization": "identity", "group": "", "gsuite": "identity",
		"ip": "", "ip_list": "", "linked_app_token": "non_identity bypass", "login_method": "identity exclusive", "oidc": "identity",
		"okta": "identity", "saml": "identity", "service_token": "exclusive non_identity", "user_risk_score": "identity",
	}
	for name, class := range want {
		k, known := policy.KindNamed(name)
		var got []string
		if k.NeedsIdentity() {
			got = append(got, "identity")
		}
		if k.Exclusive() {
			got = append(got, "exclusive")
		}
		for _, d := range k.Decisions() {
			got = append(got, string(d))
		}
		if words := strings.Fields(class); !known || !slices.Equal(words, got) {
			t.Errorf("%s: got %q, want %q (known: %t)", name, got, words, known)
		}
	}
}
