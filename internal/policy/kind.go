package policy

// Kind is a kind of rule: what {name: body} matches.
type Kind struct {
	Name   string  // the one key of a rule of this kind
	Title  string  // what it is called in Cloudflare's reference
	Doc    string  // what it matches: a sentence, for the reference and the schema
	Fields []Field // of its body

	traits  traits // beyond its form
	Example string // of its body, in YAML
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

// A row has every column, so that whoever adds a kind decides on each.
var kinds = []Kind{
	{"any_valid_service_token", "Any Valid Service Token", "Matches any service token of the account that is valid.", nil, traits{decisions: []Decision{NonIdentity}}, "{}"},
	{"auth_context", "Authentication Context", "Matches an authentication context of Microsoft Entra ID.", []Field{
		{Name: "id", Type: ID, Required: true, Refers: ToAuthContext},
		{Name: "ac_id", Type: Text, Required: true, Doc: "the context's own name, `c1` to `c99`"},
		provider,
	}, traits{identity: true}, "{id: f174e90a-fafe-4643-bbbc-4a0ed4fc8415, ac_id: c1, identity_provider_id: f174e90a-fafe-4643-bbbc-4a0ed4fc8415}"},
	{"auth_method", "Authentication method", "Matches how the user proved who they are, by the names of RFC 8176.", []Field{
		{Name: "auth_method", Type: Text, Required: true, Doc: "such as `mfa`, `hwk` or `pin`"},
	}, traits{identity: true}, "{auth_method: mfa}"},
	{"azureAD", "Azure group", "Matches a group of Microsoft Entra ID.", []Field{
		{Name: "id", Type: ID, Required: true, Refers: ToProviderGroup},
		provider,
	}, traits{identity: true}, "{id: aa0a4aab-672b-4bdb-bc33-a59f1130a11f, identity_provider_id: f174e90a-fafe-4643-bbbc-4a0ed4fc8415}"},
	{"certificate", "Valid certificate", "Matches a client certificate that is valid.", nil, traits{}, "{}"},
	{"cloudflare_account_member", "Cloudflare Account Member", "Matches a member of a Cloudflare account.", []Field{
		{Name: "account_id", Type: ID, Refers: ToAccount, Doc: "left out: this account"},
	}, traits{identity: true}, "{account_id: 023e105f4ecef8ad9ca31a8372d0c353}"},
	{"common_name", "Common Name", "Matches a client certificate of that common name.", []Field{
		{Name: "common_name", Type: Text, Required: true},
	}, traits{exclusive: true}, "{common_name: laptop.example.com}"},
	{"device_posture", "Device Posture", "Matches a device that passes a posture check.", []Field{
		{Name: "integration_uid", Type: ID, Required: true, Refers: ToPosture},
	}, traits{}, "{integration_uid: aa0a4aab-672b-4bdb-bc33-a59f1130a11f}"},
	{"email", "Email", "Matches a person, by e-mail address.", []Field{{Name: "email", Type: Email, Required: true}}, traits{identity: true, exclusive: true}, "{email: ann@example.com}"},
	{"email_domain", "Email domain", "Matches everyone with an address at a domain.", []Field{
		{Name: "domain", Type: Domain, Required: true},
	}, traits{identity: true, exclusive: true}, "{domain: example.com}"},
	{"email_list", "Email list", "Matches the addresses of a list.", []Field{{Name: "id", Type: ID, Required: true, Refers: ToEmailList}}, traits{identity: true}, "{id: aa0a4aab-672b-4bdb-bc33-a59f1130a11f}"},
	{"everyone", "Everyone", "Matches everyone.", nil, traits{}, "{}"},
	{"external_evaluation", "External Evaluation", "Matches whom a service of your own lets in.", []Field{
		{Name: "evaluate_url", Type: URL, Required: true, Doc: "what is asked"},
		{Name: "keys_url", Type: URL, Required: true, Doc: "where the keys are that its answers are signed with"},
	}, traits{identity: true}, "{evaluate_url: https://eval.example.com, keys_url: https://eval.example.com/keys}"},
	{"geo", "Country", "Matches who comes from a country.", []Field{{Name: "country_code", Type: Country, Required: true}}, traits{exclusive: true}, "{country_code: US}"},
	{"github-organization", "Github organization", "Matches the members of an organization, or of one of its teams, at GitHub.", []Field{
		{Name: "name", Type: Text, Required: true, Doc: "the organization"},
		{Name: "team", Type: Text, Doc: "the team"},
		provider,
	}, traits{identity: true}, "{name: example, team: security, identity_provider_id: f174e90a-fafe-4643-bbbc-4a0ed4fc8415}"},
	{"group", "Access groups", "Matches a rule group of the account.", []Field{{Name: "id", Type: ID, Required: true, Refers: ToGroup}}, traits{}, "{id: aa0a4aab-672b-4bdb-bc33-a59f1130a11f}"},
	{"gsuite", "Google Workspace group", "Matches a group of Google Workspace.", []Field{
		{Name: "email", Type: Email, Required: true, Doc: "the group's"},
		provider,
	}, traits{identity: true}, "{email: admins@example.com, identity_provider_id: f174e90a-fafe-4643-bbbc-4a0ed4fc8415}"},
	{"ip", "IP ranges", "Matches who comes from an address or block.", []Field{{Name: "ip", Type: CIDR, Required: true}}, traits{}, "{ip: 192.0.2.0/24}"},
	{"ip_list", "IP list", "Matches who comes from the addresses of a list.", []Field{{Name: "id", Type: ID, Required: true, Refers: ToIPList}}, traits{}, "{id: aa0a4aab-672b-4bdb-bc33-a59f1130a11f}"},
	{"linked_app_token", "Linked App Token", "Matches a token of another application.", []Field{
		{Name: "app_uid", Type: ID, Required: true, Refers: ToApp},
	}, traits{decisions: []Decision{NonIdentity, Bypass}}, "{app_uid: aa0a4aab-672b-4bdb-bc33-a59f1130a11f}"},
	{"login_method", "Login Method", "Matches who logged in by an identity provider.", []Field{
		{Name: "id", Type: ID, Required: true, Refers: ToProvider},
	}, traits{identity: true, exclusive: true}, "{id: aa0a4aab-672b-4bdb-bc33-a59f1130a11f}"},
	{"oidc", "OIDC Claim", "Matches a claim of an OpenID Connect provider.", []Field{
		{Name: "claim_name", Type: Text, Required: true},
		{Name: "claim_value", Type: Text, Required: true},
		provider,
	}, traits{identity: true}, "{claim_name: groups, claim_value: admins, identity_provider_id: f174e90a-fafe-4643-bbbc-4a0ed4fc8415}"},
	{"okta", "Okta group", "Matches a group of Okta.", []Field{
		{Name: "name", Type: Text, Required: true, Doc: "the group"},
		provider,
	}, traits{identity: true}, "{name: admins, identity_provider_id: f174e90a-fafe-4643-bbbc-4a0ed4fc8415}"},
	{"saml", "SAML group", "Matches an attribute of a SAML provider.", []Field{
		{Name: "attribute_name", Type: Text, Required: true},
		{Name: "attribute_value", Type: Text, Required: true},
		provider,
	}, traits{identity: true}, "{attribute_name: group, attribute_value: admins, identity_provider_id: f174e90a-fafe-4643-bbbc-4a0ed4fc8415}"},
	{"service_token", "Service Token", "Matches a service token.", []Field{
		{Name: "token_id", Type: ID, Required: true, Refers: ToServiceToken, Doc: "not its client id"},
	}, traits{exclusive: true, decisions: []Decision{NonIdentity}}, "{token_id: aa0a4aab-672b-4bdb-bc33-a59f1130a11f}"},
	{"user_risk_score", "User Risk Score", "Matches who has one of these risk scores.", []Field{
		{Name: "user_risk_score", Type: Text, Many: true, Required: true, Enum: []string{"low", "medium", "high", "unscored"}},
	}, traits{identity: true}, "{user_risk_score: [medium, high]}"},
}
