package cloudflare_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/cloudflare"
	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/secret"
)

// schema returns Cloudflare's own, with what it is known to get wrong.
func schema(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile("testdata/openapi-access-policies.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	// It says that codes begin at 1000, but the code of a 429 is 971.
	least := 971.0
	doc.Components.Schemas["access_messages"].Value.Items.Value.Properties["code"].Value.Min = &least
	return doc
}

// validator checks every request and every answer that passes against the
// schema. A 5xx is the edge's and none of the schema's.
type validator struct {
	t      *testing.T
	router routers.Router
	next   http.RoundTripper
	seen   map[string]map[int]int // operation id, status: how many
}

func newValidator(t *testing.T, account *simulator.Account) *validator {
	t.Helper()
	router, err := legacy.NewRouter(schema(t))
	if err != nil {
		t.Fatal(err)
	}
	return &validator{t, router, account.Transport(), map[string]map[int]int{}}
}

func (v *validator) RoundTrip(r *http.Request) (*http.Response, error) {
	v.t.Helper()
	route, params, err := v.router.FindRoute(r)
	if err != nil {
		v.t.Errorf("%s %s: %v", r.Method, r.URL, err)
		return nil, err
	}
	body, err := io.ReadAll(cmpBody(r.Body))
	if err != nil {
		v.t.Error(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	input := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{MultiError: true, IncludeResponseStatus: true, AuthenticationFunc: signed},
	}
	if err := openapi3filter.ValidateRequest(r.Context(), input); err != nil {
		v.t.Errorf("%s %s %s: %v", r.Method, r.URL, body, err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	response, err := v.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	return response, v.check(response, input)
}

func (v *validator) check(response *http.Response, input *openapi3filter.RequestValidationInput) error {
	id := input.Route.Operation.OperationID
	if v.seen[id] == nil {
		v.seen[id] = map[int]int{}
	}
	v.seen[id][response.StatusCode]++
	if response.StatusCode >= 500 {
		return nil
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if err := response.Body.Close(); err != nil {
		return err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	if err := openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: response.StatusCode, Header: response.Header,
		Body: io.NopCloser(bytes.NewReader(body)), Options: input.Options,
	}); err != nil {
		v.t.Errorf("%s answered %d %s: %v", id, response.StatusCode, body, err)
	}
	return nil
}

func cmpBody(body io.Reader) io.Reader {
	if body == nil {
		return http.NoBody
	}
	return body
}

// signed demands what the schema's security says, a bearer token.
func signed(_ context.Context, input *openapi3filter.AuthenticationInput) error {
	if input.RequestValidationInput.Request.Header.Get("Authorization") == "" {
		return errors.New("not signed")
	}
	return nil
}

// TestClientAndSimulatorKeepToCloudflaresSchema sends policies with every rule
// kind and setting through every operation, on an account of every quirk that
// shows in answers.
func TestClientAndSimulatorKeepToCloudflaresSchema(t *testing.T) {
	t.Parallel()
	for name, quirks := range map[string]simulator.Quirks{
		"plain":  {},
		"quirky": {DefaultDuration: true, EmptyRules: true, KeepOmitted: true, FoldCase: true, NewestFirst: true},
		"nulls":  {NullDuration: true, EmptyRules: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			account := simulator.New(simulator.Options{Quirks: quirks, MaxPerPage: 20})
			v := newValidator(t, account)
			client := connect(t, account, func(o *cloudflare.Options) { o.Transport = v })
			for _, p := range samples() {
				throughAllOperations(t, client, p)
			}
			all, err := client.List(t.Context())
			if err != nil || len(all) != len(samples()) {
				t.Fatalf("%d policies: %v", len(all), err)
			}
			if err := client.Delete(t.Context(), all[0].ID, nil); err != nil {
				t.Error(err)
			}
			if _, err := client.VerifyToken(t.Context()); err != nil {
				t.Error(err)
			}
			want := map[string]map[int]int{
				"access-policies-list-access-reusable-policies":    {200: 2},
				"access-policies-create-an-access-reusable-policy": {201: 27},
				"access-policies-get-an-access-reusable-policy":    {200: 27},
				"access-policies-update-an-access-reusable-policy": {200: 27},
				"access-policies-delete-an-access-reusable-policy": {202: 1},
				"user-api-tokens-verify-token":                     {200: 1},
			}
			if diff := cmp.Diff(want, v.seen); diff != "" {
				t.Errorf("operations checked (-want +got):\n%s", diff)
			}
		})
	}
}

// throughAllOperations creates, gets and updates a policy. What comes back
// must be what was sent: nothing that the schema lets pass as unknown, say for
// a slip of the pen, may get lost.
func throughAllOperations(t *testing.T, client *cloudflare.Client, sent policy.Policy) {
	t.Helper()
	created, err := client.Create(t.Context(), sent, nil)
	if err != nil {
		t.Error(err)
		return
	}
	got, err := client.Get(t.Context(), created.ID)
	if err != nil {
		t.Error(err)
	}
	updated, err := client.Update(t.Context(), created.ID, sent, nil)
	if err != nil {
		t.Error(err)
	}
	for _, live := range []policy.Live{created, got, updated} {
		if !policy.Fulfils(live.Policy, sent) {
			t.Errorf("%s: came back as %v", sent.Name, live.Policy)
		}
		if live.CreatedAt.IsZero() || live.UpdatedAt.IsZero() || live.Legacy {
			t.Errorf("%s: times or kind are missing: %+v", sent.Name, live)
		}
	}
}

func TestRefusalsKeepToCloudflaresSchema(t *testing.T) {
	t.Parallel()
	gone := "f174e90a-fafe-4643-bbbc-4a0ed4fc8415"
	tests := map[string]struct {
		options simulator.Options
		fault   *simulator.Fault
		change  func(*cloudflare.Options)
		do      func(context.Context, *cloudflare.Client) error
		status  int
	}{
		"get gone": {do: func(ctx context.Context, c *cloudflare.Client) error { _, err := c.Get(ctx, gone); return err }, status: 404},
		"update gone": {do: func(ctx context.Context, c *cloudflare.Client) error {
			_, err := c.Update(ctx, gone, plain("x"), nil)
			return err
		}, status: 404},
		"delete gone": {do: func(ctx context.Context, c *cloudflare.Client) error { return c.Delete(ctx, gone, nil) }, status: 404},
		"wrong token": {
			change: func(o *cloudflare.Options) { o.Credentials = token("wrong") },
			do:     func(ctx context.Context, c *cloudflare.Client) error { _, err := c.List(ctx); return err }, status: 403,
		},
		"wrong token verified": {
			change: func(o *cloudflare.Options) { o.Credentials = token("wrong") },
			do:     func(ctx context.Context, c *cloudflare.Client) error { _, err := c.VerifyToken(ctx); return err }, status: 401,
		},
		"read only": {
			options: simulator.Options{ReadOnly: true},
			do: func(ctx context.Context, c *cloudflare.Client) error {
				_, err := c.Create(ctx, plain("x"), nil)
				return err
			}, status: 403,
		},
		"other account": {
			options: simulator.Options{AccountID: "00000000000000000000000000000000"},
			do:      func(ctx context.Context, c *cloudflare.Client) error { _, err := c.List(ctx); return err }, status: 403,
		},
		"over the limit": {
			options: simulator.Options{Limit: -1},
			do:      func(ctx context.Context, c *cloudflare.Client) error { _, err := c.List(ctx); return err }, status: 429,
		},
		"too many requests": {
			fault: &simulator.Fault{Kind: simulator.TooManyRequests, Times: -1},
			do:    func(ctx context.Context, c *cloudflare.Client) error { _, err := c.List(ctx); return err }, status: 429,
		},
		"refusal": {
			fault: &simulator.Fault{Kind: simulator.Refusal},
			do: func(ctx context.Context, c *cloudflare.Client) error {
				_, err := c.Create(ctx, plain("x"), nil)
				return err
			}, status: 400,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				account := simulator.New(tt.options)
				if tt.fault != nil {
					account.Inject(*tt.fault)
				}
				client := connect(t, account, func(o *cloudflare.Options) {
					o.Transport = newValidator(t, account)
					if tt.change != nil {
						tt.change(o)
					}
				})
				if e := failure(t, tt.do(t.Context(), client)); e.Status != tt.status || len(e.Errors) == 0 {
					t.Errorf("want status %d: %+v", tt.status, e)
				}
			})
		})
	}
}

// TestListsForNamesKeepToCloudflaresSchema asks for what the simulator offers
// beyond the client.
func TestListsForNamesKeepToCloudflaresSchema(t *testing.T) {
	t.Parallel()
	account := simulator.New(simulator.Options{AccountToken: true})
	account.Add(policy.ToGroup, "Contractors")
	for _, p := range samples() {
		if err := account.Attach(seed(t, account, p), "Wiki"); err != nil {
			t.Fatal(err)
		}
	}
	v := newValidator(t, account)
	for _, path := range []string{"/access/groups", "/access/apps", "/access/apps?page=2&per_page=1", "/tokens/verify"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, cloudflare.DefaultBaseURL+"/accounts/"+simulator.DefaultAccountID+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+simulator.DefaultToken)
		response, err := v.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil || response.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %v", path, response.StatusCode, err)
		}
	}
}

// TestTablesOfPolicyAreCloudflares because client and simulator would misspell
// a field or rule kind alike, and the schema lets unknown ones pass.
func TestTablesOfPolicyAreCloudflares(t *testing.T) {
	t.Parallel()
	doc := schema(t)
	compareFields(t, "policy", policy.Fields(), doc.Components.Schemas["access_policy_req"].Value)
	var kinds []string
	for _, ref := range doc.Components.Schemas["access_rule"].Value.OneOf {
		for name, body := range ref.Value.Properties {
			kinds = append(kinds, name)
			kind, known := policy.KindNamed(name)
			if !known || kind.Title != ref.Value.Title {
				t.Errorf("kind %s %q: the table has %q", name, ref.Value.Title, kind.Title)
			}
			compareFields(t, name, kind.Fields, body.Value)
		}
	}
	if len(kinds) != 26 || len(policy.Kinds()) != 26 {
		t.Errorf("%d kinds in the schema, %d in the table", len(kinds), len(policy.Kinds()))
	}
}

func compareFields(t *testing.T, where string, fields []policy.Field, s *openapi3.Schema) {
	t.Helper()
	properties := maps.Clone(s.Properties)
	required := slices.Clone(s.Required)
	for _, part := range s.AllOf {
		maps.Copy(properties, part.Value.Properties)
		required = append(required, part.Value.Required...)
	}
	var names, wanted []string
	for _, f := range fields {
		names = append(names, f.Name)
		if f.Required {
			wanted = append(wanted, f.Name)
		}
		property, ok := properties[f.Name]
		if !ok {
			continue
		}
		element := property.Value
		if f.Many {
			element = property.Value.Items.Value
		}
		var enum []string
		for _, value := range element.Enum {
			enum = append(enum, value.(string))
		}
		if !slices.Equal(enum, f.Enum) || property.Value.Nullable != f.Nullable {
			t.Errorf("%s.%s: values %v nullable %t; the table has %v %t", where, f.Name, enum, property.Value.Nullable, f.Enum, f.Nullable)
		}
		if f.Type == policy.Object {
			compareFields(t, where+"."+f.Name, f.Fields, element)
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(properties)), slices.Sorted(slices.Values(names))); diff != "" {
		t.Errorf("%s: fields (-schema +table):\n%s", where, diff)
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(required)), slices.Sorted(slices.Values(wanted))); diff != "" {
		t.Errorf("%s: required fields (-schema +table):\n%s", where, diff)
	}
}

func TestOlderCredentialsAreTheSchemasHeaders(t *testing.T) {
	t.Parallel()
	schemes := schema(t).Components.SecuritySchemes
	account := simulator.New(simulator.Options{Email: "me@example.com", Key: "key"})
	var header http.Header
	client := connect(t, account, func(o *cloudflare.Options) {
		next := o.Transport
		o.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			header = r.Header
			return next.RoundTrip(r)
		})
		o.Credentials = func() (cloudflare.Credentials, error) {
			return cloudflare.Credentials{Email: "me@example.com", Key: secret.New("key")}, nil
		}
	})
	if _, err := client.List(t.Context()); err != nil {
		t.Fatal(err)
	}
	if header.Get(schemes["api_email"].Value.Name) != "me@example.com" || header.Get(schemes["api_key"].Value.Name) != "key" {
		t.Errorf("header %v", header)
	}
	if header.Get("Authorization") != "" {
		t.Error("both schemes were used")
	}
}
