package simulator_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
)

// shownAs creates a policy and returns what comes back of what the body says.
func shownAs(t *testing.T, quirks simulator.Quirks, body string) object {
	t.Helper()
	got := ask(t, simulator.New(simulator.Options{Quirks: quirks}), http.MethodPost, policies, body)
	if got.Status != http.StatusCreated {
		t.Fatalf("answered %d: %s", got.Status, got.Body)
	}
	result := got.result(t)
	for _, name := range []string{"id", "app_count", "reusable", "created_at", "updated_at", "name", "decision"} {
		if result[name] == nil {
			t.Errorf("%s is missing", name)
		}
		delete(result, name)
	}
	return result
}

// with returns the smallest body with more fields.
func with(fields string) string { return strings.TrimSuffix(smallest, "}") + "," + fields + "}" }

func including(rules string) string { return `{"name":"n","decision":"allow","include":` + rules + `}` }

func TestBodiesAreStoredAsTheRealAPIDoes(t *testing.T) {
	t.Parallel()
	everyone := []any{object{"everyone": object{}}}
	ip := func(text string) object { return object{"include": []any{object{"ip": object{"ip": text}}}} }
	tests := map[string]struct {
		quirks simulator.Quirks
		body   string
		want   object
	}{
		"smallest":              {body: smallest, want: object{"include": everyone}},
		"bare IPv4":             {body: including(`[{"ip":{"ip":"192.0.2.1"}}]`), want: ip("192.0.2.1/32")},
		"bare IPv6":             {body: including(`[{"ip":{"ip":"2001:db8::1"}}]`), want: ip("2001:db8::1/128")},
		"block":                 {body: including(`[{"ip":{"ip":"192.0.2.0/24"}}]`), want: ip("192.0.2.0/24")},
		"false":                 {body: with(`"approval_required":false,"isolation_required":false,"purpose_justification_required":false`), want: object{"include": everyone}},
		"true":                  {body: with(`"approval_required":true`), want: object{"include": everyone, "approval_required": true}},
		"empty lists":           {body: with(`"exclude":[],"require":[],"approval_groups":[]`), want: object{"include": everyone}},
		"empty texts":           {body: with(`"purpose_justification_prompt":"","session_duration":""`), want: object{"include": everyone}},
		"null duration":         {body: with(`"session_duration":null`), want: object{"include": everyone}},
		"duration":              {body: with(`"session_duration":"1440m"`), want: object{"include": everyone, "session_duration": "1440m"}},
		"empty clipboard lists": {body: with(`"connection_rules":{"rdp":{"allowed_clipboard_local_to_remote_formats":[]}}`), want: object{"include": everyone}},
		"one clipboard list": {
			body: with(`"connection_rules":{"rdp":{"allowed_clipboard_local_to_remote_formats":["text"],"allowed_clipboard_remote_to_local_formats":[]}}`),
			want: object{"include": everyone, "connection_rules": object{"rdp": object{"allowed_clipboard_local_to_remote_formats": []any{"text"}}}},
		},
		"mfa without mfa_disabled": {
			body: with(`"mfa_config":{"allowed_authenticators":["totp"]}`),
			want: object{"include": everyone, "mfa_config": object{"allowed_authenticators": []any{"totp"}, "mfa_disabled": false}},
		},
		"mfa disabled":  {body: with(`"mfa_config":{"mfa_disabled":true}`), want: object{"include": everyone, "mfa_config": object{"mfa_disabled": true}}},
		"mfa empty":     {body: with(`"mfa_config":{}`), want: object{"include": everyone, "mfa_config": object{"mfa_disabled": false}}},
		"no mfa":        {body: with(`"isolation_required":true`), want: object{"include": everyone, "isolation_required": true}},
		"unknown":       {body: with(`"precedence":1,"session_duratoin":"24h"`), want: object{"include": everyone}},
		"read-only":     {body: with(`"id":"mine","app_count":7,"reusable":false,"created_at":"2000-01-01T00:00:00Z"`), want: object{"include": everyone}},
		"unknown inner": {body: including(`[{"email":{"email":"A@example.com","emial":1}}]`), want: object{"include": []any{object{"email": object{"email": "A@example.com"}}}}},
		"no approvals":  {body: with(`"approval_groups":[{"approvals_needed":0,"email_addresses":[]}]`), want: object{"include": everyone, "approval_groups": []any{object{"approvals_needed": 0.0}}}},
		"order stays":   {body: including(`[{"geo":{"country_code":"us"}},{"everyone":{}}]`), want: object{"include": []any{object{"geo": object{"country_code": "us"}}, object{"everyone": object{}}}}},

		"quirk: default duration":       {simulator.Quirks{DefaultDuration: true}, smallest, object{"include": everyone, "session_duration": "24h"}},
		"quirk: default for null":       {simulator.Quirks{DefaultDuration: true}, with(`"session_duration":null`), object{"include": everyone, "session_duration": "24h"}},
		"quirk: default not needed":     {simulator.Quirks{DefaultDuration: true}, with(`"session_duration":"1h"`), object{"include": everyone, "session_duration": "1h"}},
		"quirk: null duration":          {simulator.Quirks{NullDuration: true}, smallest, object{"include": everyone, "session_duration": nil}},
		"quirk: null duration when set": {simulator.Quirks{NullDuration: true}, with(`"session_duration":"1h"`), object{"include": everyone, "session_duration": "1h"}},
		"quirk: empty rules":            {simulator.Quirks{EmptyRules: true}, smallest, object{"include": everyone, "exclude": []any{}, "require": []any{}}},
		"quirk: empty include":          {simulator.Quirks{AcceptEmptyInclude: true}, including(`[]`), object{"include": []any{}}},
		"quirk: fold case": {
			simulator.Quirks{FoldCase: true},
			including(`[{"email":{"email":"A@Example.com"}},{"geo":{"country_code":"us"}}]`),
			object{"include": []any{object{"email": object{"email": "a@example.com"}}, object{"geo": object{"country_code": "US"}}}},
		},
		"quirk: unknown kind": {
			simulator.Quirks{AcceptUnknownRules: true},
			including(`[{"brand_new":{"x":[1.5]}}]`),
			object{"include": []any{object{"brand_new": object{"x": []any{1.5}}}}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, shownAs(t, tt.quirks, tt.body)); diff != "" {
				t.Errorf("stored (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBadBodiesAreRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ body, pointer string }{
		"empty":                      {"", ""},
		"no JSON":                    {"<policy/>", ""},
		"a list":                     {"[]", ""},
		"null":                       {"null", ""},
		"no name":                    {`{"decision":"allow","include":[{"everyone":{}}]}`, "/name"},
		"empty name":                 {`{"name":"","decision":"allow","include":[{"everyone":{}}]}`, "/name"},
		"null name":                  {`{"name":null,"decision":"allow","include":[{"everyone":{}}]}`, "/name"},
		"name is a number":           {`{"name":1,"decision":"allow","include":[{"everyone":{}}]}`, "/name"},
		"no decision":                {`{"name":"n","include":[{"everyone":{}}]}`, "/decision"},
		"unknown decision":           {`{"name":"n","decision":"maybe","include":[{"everyone":{}}]}`, "/decision"},
		"no include":                 {`{"name":"n","decision":"allow"}`, "/include"},
		"empty include":              {including(`[]`), "/include"},
		"include is an object":       {including(`{"everyone":{}}`), "/include"},
		"rule is a text":             {including(`["everyone"]`), "/include/0"},
		"rule of no kind":            {including(`[{}]`), "/include/0"},
		"rule of two kinds":          {including(`[{"everyone":{},"certificate":{}}]`), "/include/0"},
		"unknown kind":               {including(`[{"everyone":{}},{"evreyone":{}}]`), "/include/1"},
		"rule body is a text":        {including(`[{"email":"a@example.com"}]`), "/include/0"},
		"rule body is null":          {including(`[{"everyone":null}]`), "/include/0"},
		"rule lacks a field":         {including(`[{"email":{}}]`), "/include/0/email/email"},
		"rule field is empty":        {including(`[{"group":{"id":""}}]`), "/include/0/group/id"},
		"rule field is a list":       {including(`[{"geo":{"country_code":["US"]}}]`), "/include/0/geo/country_code"},
		"empty list in a rule":       {including(`[{"user_risk_score":{"user_risk_score":[]}}]`), "/include/0/user_risk_score/user_risk_score"},
		"unknown value in a rule":    {including(`[{"user_risk_score":{"user_risk_score":["huge"]}}]`), "/include/0/user_risk_score/user_risk_score/0"},
		"exclude is null":            {with(`"exclude":null`), "/exclude"},
		"bad rule in require":        {with(`"require":[{"okta":{"name":"devs"}}]`), "/require/0/okta/identity_provider_id"},
		"bad duration":               {with(`"session_duration":"1 day"`), "/session_duration"},
		"flag is a text":             {with(`"approval_required":"yes"`), "/approval_required"},
		"approval group is a text":   {with(`"approval_groups":["a@example.com"]`), "/approval_groups/0"},
		"approval group of nothing":  {with(`"approval_groups":[{}]`), "/approval_groups/0/approvals_needed"},
		"approvals below 0":          {with(`"approval_groups":[{"approvals_needed":-1}]`), "/approval_groups/0/approvals_needed"},
		"approvals are a text":       {with(`"approval_groups":[{"approvals_needed":"1"}]`), "/approval_groups/0/approvals_needed"},
		"unknown authenticator":      {with(`"mfa_config":{"allowed_authenticators":["sms"]}`), "/mfa_config/allowed_authenticators/0"},
		"unknown clipboard format":   {with(`"connection_rules":{"rdp":{"allowed_clipboard_local_to_remote_formats":["all"]}}`), "/connection_rules/rdp/allowed_clipboard_local_to_remote_formats/0"},
		"connection rules is a list": {with(`"connection_rules":[]`), "/connection_rules"},
	}
	for name, tt := range tests {
		for _, method := range []string{http.MethodPost, http.MethodPut} {
			t.Run(method+" "+name, func(t *testing.T) {
				t.Parallel()
				account := simulator.New(simulator.Options{})
				id, url := seed(t, account, "before"), policies
				if method == http.MethodPut {
					url += "/" + id
				}
				got := ask(t, account, method, url, tt.body)
				if code, pointer := got.code(t); got.Status != http.StatusBadRequest || code != 12130 || pointer != tt.pointer {
					t.Errorf("answered %d code %d at %q, want 400 code 12130 at %q", got.Status, code, pointer, tt.pointer)
				}
				if all := held(t, account); len(all) != 1 || all[0].Name != "before" {
					t.Errorf("it had an effect: %v", all)
				}
			})
		}
	}
}

func TestUpdateReplacesTheWholePolicyUnlessTheQuirkKeepsOmitted(t *testing.T) {
	t.Parallel()
	for keep, want := range map[bool]object{
		false: {"isolation_required": nil, "session_duration": nil},
		true:  {"isolation_required": true, "session_duration": nil},
	} {
		account := simulator.New(simulator.Options{Quirks: simulator.Quirks{KeepOmitted: keep}})
		id := ask(t, account, http.MethodPost, policies, with(`"isolation_required":true,"session_duration":"1h"`)).result(t)["id"].(string)
		got := ask(t, account, http.MethodPut, policies+"/"+id, with(`"session_duration":null`)).result(t)
		for name, value := range want {
			if got[name] != value {
				t.Errorf("KeepOmitted %t: %s is %v, want %v", keep, name, got[name], value)
			}
		}
	}
}

func TestNewestFirstQuirk(t *testing.T) {
	t.Parallel()
	account := simulator.New(simulator.Options{Quirks: simulator.Quirks{NewestFirst: true}})
	seed(t, account, "old")
	seed(t, account, "new")
	list := ask(t, account, http.MethodGet, policies, "").envelope(t)["result"].([]any)
	if list[0].(object)["name"] != "new" {
		t.Errorf("begins with %v", list[0])
	}
}

func TestBodyBeyondTheBoundIsNotTaken(t *testing.T) {
	t.Parallel()
	account := simulator.New(simulator.Options{})
	huge := `{"name":"` + strings.Repeat("x", 11<<20) + `"}`
	got, err := send(t, account.Transport(), http.MethodPost, policies, huge)
	if err != nil || got.Status != http.StatusRequestEntityTooLarge || len(held(t, account)) != 0 {
		t.Errorf("answered %d: %v", got.Status, err)
	}
}
