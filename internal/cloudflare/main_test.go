package cloudflare_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/policysync/policysync/internal/cloudflare"
	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// connect returns a client of a simulated account; change alters its options.
func connect(t testing.TB, account *simulator.Account, change func(*cloudflare.Options)) *cloudflare.Client {
	t.Helper()
	o := cloudflare.Options{
		AccountID:   simulator.DefaultAccountID,
		Credentials: token(simulator.DefaultToken),
		Transport:   account.Transport(),
	}
	if change != nil {
		change(&o)
	}
	client, err := cloudflare.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func token(text string) func() (cloudflare.Credentials, error) {
	return func() (cloudflare.Credentials, error) {
		return cloudflare.Credentials{Token: secret.New(text)}, nil
	}
}

// plain returns a small policy.
func plain(name string) policy.Policy {
	return policy.Policy{
		Name: name, Decision: policy.Allow,
		Include: []policy.Rule{{Kind: "email_domain", Body: map[string]any{"domain": "example.com"}}},
	}
}

func seed(t testing.TB, account *simulator.Account, p policy.Policy) string {
	t.Helper()
	id, err := account.Seed(p)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func seedMany(t testing.TB, account *simulator.Account, count int) {
	t.Helper()
	for i := range count {
		seed(t, account, plain(fmt.Sprintf("policy %d", i)))
	}
}

func held(t testing.TB, account *simulator.Account) []policy.Live {
	t.Helper()
	all, err := account.Policies()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func failure(t testing.TB, err error) *cloudflare.Error {
	t.Helper()
	e, ok := errors.AsType[*cloudflare.Error](err)
	if !ok {
		t.Fatalf("want a *cloudflare.Error, got %T: %v", err, err)
	}
	return e
}

// samples returns a policy for each rule kind, and one with every setting.
func samples() []policy.Policy {
	var all []policy.Policy
	for _, k := range policy.Kinds() {
		p := plain("with " + k.Name)
		p.Include = []policy.Rule{{Kind: k.Name, Body: sampleObject(k.Fields)}}
		p.Exclude, p.Require = p.Include, p.Include
		all = append(all, p)
	}
	full := plain("with every setting")
	full.Settings = sampleObject(slices.DeleteFunc(slices.Clone(policy.Fields()), func(f policy.Field) bool {
		return f.Type == policy.Rules || f.Name == "name" || f.Name == "decision"
	}))
	return append(all, full)
}

func sampleObject(fields []policy.Field) map[string]any {
	o := map[string]any{}
	for _, f := range fields {
		o[f.Name] = sampleValue(f)
		if f.Many {
			o[f.Name] = []any{sampleValue(f)}
		}
	}
	return o
}

func sampleValue(f policy.Field) any {
	if len(f.Enum) > 0 {
		return f.Enum[0]
	}
	switch f.Type {
	case policy.Bool:
		return true
	case policy.Number:
		return json.Number("1")
	case policy.Duration:
		return "12h"
	case policy.Email:
		return "someone@example.com"
	case policy.CIDR:
		return "192.0.2.0/24"
	case policy.Country:
		return "US"
	case policy.URL:
		return "https://example.com/keys"
	case policy.ID:
		return "023e105f4ecef8ad9ca31a8372d0c353"
	case policy.Object:
		return sampleObject(f.Fields)
	default:
		return "sample"
	}
}
