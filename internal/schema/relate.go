package schema

import "github.com/google/jsonschema-go/jsonschema"

// relate adds what the keys of a config ask of each other.
func (c configs) relate(root *jsonschema.Schema) {
	target := root.Properties["targets"].Items
	target.Required = []string{"name", "account_id", "source"}
	source := target.Properties["source"]
	source.Type, source.Types, source.Required = "object", nil, []string{"url"}
	source.AllOf = []*jsonschema.Schema{c.onlyOne("branch", "tag"), c.onlyOne("branch", "commit"), c.onlyOne("tag", "commit")}
	for _, fixed := range []string{"tag", "commit"} {
		forwardOnly := having("fast_forward_only", &jsonschema.Schema{Enum: []any{true, "true"}})
		source.AllOf = append(source.AllOf, &jsonschema.Schema{If: forwardOnly, Then: empty(fixed)})
	}
	target.Properties["cloudflare"].AllOf = []*jsonschema.Schema{c.onlyOne("api_token_file", "api_key_file")}
	root.Properties["server"].Properties["tls"].AllOf = []*jsonschema.Schema{c.needs("cert_file", "key_file"), c.needs("key_file", "cert_file")}
	auth := source.Properties["auth"]
	app := auth.Properties["github_app"]
	app.If, app.Then = c.isApp(), &jsonschema.Schema{
		Required: []string{"app_id", "installation_id", "private_key_file"},
		Properties: properties{
			"app_id": {Minimum: new(1.0), Pattern: `[1-9$]`}, "installation_id": {Minimum: new(1.0), Pattern: `[1-9$]`},
			"private_key_file": {MinLength: new(1)},
		},
	}
	auth.AllOf = []*jsonschema.Schema{
		{
			If:   &jsonschema.Schema{AllOf: []*jsonschema.Schema{c.given("password_file"), having("github_app", c.isApp())}},
			Then: empty("password_file"),
		},
		c.needs("ssh_passphrase_file", "ssh_key_file"),
	}
	root.Properties["server"].Properties["access"].AllOf = []*jsonschema.Schema{
		c.needs("team_domain", "audience"),
		c.needs("audience", "team_domain"),
		{If: having("operators", &jsonschema.Schema{Type: "array", MinItems: new(1)}), Then: needed("team_domain")},
	}
}

// given returns the condition that a key is set to something; of what variables
// hold that isn't known.
func (c configs) given(key string) *jsonschema.Schema {
	return having(key, &jsonschema.Schema{Types: []string{"string", "number", "boolean"}, MinLength: new(1), Not: c.template()})
}

// needs returns the condition that with one key another one is set to something,
// too.
func (c configs) needs(one, other string) *jsonschema.Schema {
	return &jsonschema.Schema{If: c.given(one), Then: needed(other)}
}

// needed returns the condition that a key is set to something.
func needed(key string) *jsonschema.Schema {
	return &jsonschema.Schema{Required: []string{key}, Properties: properties{key: {MinLength: new(1)}}}
}

func empty(key string) *jsonschema.Schema {
	return &jsonschema.Schema{Properties: properties{key: {Const: new(any(""))}}}
}

// onlyOne returns the condition that not both keys are set to something.
func (c configs) onlyOne(one, other string) *jsonschema.Schema {
	return &jsonschema.Schema{If: &jsonschema.Schema{AllOf: []*jsonschema.Schema{c.given(one), c.given(other)}}, Then: empty(other)}
}

// isApp returns the condition that something is said of a GitHub App.
func (c configs) isApp() *jsonschema.Schema {
	number := func() *jsonschema.Schema {
		zero := &jsonschema.Schema{Enum: []any{0, "0"}}
		return &jsonschema.Schema{Types: []string{"integer", "string"}, Not: &jsonschema.Schema{AnyOf: []*jsonschema.Schema{zero, c.template()}}}
	}
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
		having("app_id", number()), having("installation_id", number()), c.given("private_key_file"),
	}}
}
