package policy

// NeedsIdentity reports whether rules of the kind ask who somebody is, which
// only a login tells: the column "Identity-based selector?" of Cloudflare's
// table of selectors. Three kinds that aren't in that table count as what they
// stand for: e-mail lists, authentication contexts, members of an account. What
// a rule group holds isn't known here.
func (k Kind) NeedsIdentity() bool {
	switch k.Name {
	case "auth_context", "auth_method", "azureAD", "cloudflare_account_member", "email", "email_domain", "email_list",
		"external_evaluation", "github-organization", "gsuite", "login_method", "oidc", "okta", "saml", "user_risk_score":
		return true
	default:
		return false
	}
}

// Decisions returns the decisions under which rules of the kind are looked at,
// by Cloudflare's table of selectors and, for linked_app_token, its schema; nil
// stands for all.
func (k Kind) Decisions() []Decision {
	switch k.Name {
	case "service_token", "any_valid_service_token":
		return []Decision{NonIdentity}
	case "linked_app_token":
		return []Decision{NonIdentity, Bypass}
	default:
		return nil
	}
}

// Exclusive reports whether a request has one value at most of what rules of
// the kind ask for, so that two rules that differ never both hold.
func (k Kind) Exclusive() bool {
	switch k.Name {
	case "common_name", "email", "email_domain", "geo", "login_method", "service_token":
		return true
	default:
		return false
	}
}
