package policy

// Kind is a kind of rule: what {name: body} matches.
type Kind struct {
	Name   string  // the one key of a rule of this kind
	Title  string  // what it is called in Cloudflare's reference
	Fields []Field // of its body
}

// Kinds returns the rule kinds of Cloudflare's schema (access_rule), in
// alphabetical order. The caller must not alter what is shared by the result.
func Kinds() []Kind { return kinds }

// KindNamed returns the kind of that name.
func KindNamed(name string) (Kind, bool) {
	for _, k := range kinds {
		if k.Name == name {
			return k, true
		}
	}
	return Kind{}, false
}

var provider = Field{Name: "identity_provider_id", Type: ID, Required: true, Refers: ToProvider}

var kinds = []Kind{
	{"any_valid_service_token", "Any Valid Service Token", nil},
	{"auth_context", "Authentication Context", []Field{
		{Name: "id", Type: ID, Required: true, Refers: ToAuthContext},
		{Name: "ac_id", Type: Text, Required: true},
		provider,
	}},
	{"auth_method", "Authentication method", []Field{{Name: "auth_method", Type: Text, Required: true}}},
	{"azureAD", "Azure group", []Field{{Name: "id", Type: ID, Required: true, Refers: ToProviderGroup}, provider}},
	{"certificate", "Valid certificate", nil},
	{"cloudflare_account_member", "Cloudflare Account Member", []Field{{Name: "account_id", Type: ID, Refers: ToAccount}}},
	{"common_name", "Common Name", []Field{{Name: "common_name", Type: Text, Required: true}}},
	{"device_posture", "Device Posture", []Field{{Name: "integration_uid", Type: ID, Required: true, Refers: ToPosture}}},
	{"email", "Email", []Field{{Name: "email", Type: Email, Required: true}}},
	{"email_domain", "Email domain", []Field{{Name: "domain", Type: Domain, Required: true}}},
	{"email_list", "Email list", []Field{{Name: "id", Type: ID, Required: true, Refers: ToEmailList}}},
	{"everyone", "Everyone", nil},
	{"external_evaluation", "External Evaluation", []Field{
		{Name: "evaluate_url", Type: URL, Required: true},
		{Name: "keys_url", Type: URL, Required: true},
	}},
	{"geo", "Country", []Field{{Name: "country_code", Type: Country, Required: true}}},
	{"github-organization", "Github organization", []Field{
		{Name: "name", Type: Text, Required: true},
		{Name: "team", Type: Text},
		provider,
	}},
	{"group", "Access groups", []Field{{Name: "id", Type: ID, Required: true, Refers: ToGroup}}},
	{"gsuite", "Google Workspace group", []Field{{Name: "email", Type: Email, Required: true}, provider}},
	{"ip", "IP ranges", []Field{{Name: "ip", Type: CIDR, Required: true}}},
	{"ip_list", "IP list", []Field{{Name: "id", Type: ID, Required: true, Refers: ToIPList}}},
	{"linked_app_token", "Linked App Token", []Field{{Name: "app_uid", Type: ID, Required: true, Refers: ToApp}}},
	{"login_method", "Login Method", []Field{{Name: "id", Type: ID, Required: true, Refers: ToProvider}}},
	{"oidc", "OIDC Claim", []Field{
		{Name: "claim_name", Type: Text, Required: true},
		{Name: "claim_value", Type: Text, Required: true},
		provider,
	}},
	{"okta", "Okta group", []Field{{Name: "name", Type: Text, Required: true}, provider}},
	{"saml", "SAML group", []Field{
		{Name: "attribute_name", Type: Text, Required: true},
		{Name: "attribute_value", Type: Text, Required: true},
		provider,
	}},
	{"service_token", "Service Token", []Field{{Name: "token_id", Type: ID, Required: true, Refers: ToServiceToken}}},
	{"user_risk_score", "User Risk Score", []Field{
		{Name: "user_risk_score", Type: Text, Many: true, Required: true, Enum: []string{"low", "medium", "high", "unscored"}},
	}},
}
