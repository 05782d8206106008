package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/policy"
)

// varied returns the manifest of policy number i, in JSON, which is YAML too:
// together they have every rule kind and every field in them.
func varied(t *testing.T, i int) []byte {
	t.Helper()
	kinds := policy.Kinds()
	rules := func(offset, n int) []policy.Rule {
		var some []policy.Rule
		for r := range n {
			kind := kinds[(i+offset+r*7)%len(kinds)]
			body := map[string]any{}
			for _, f := range kind.Fields {
				body[f.Name] = valueOf(f, i*31+r)
			}
			some = append(some, policy.Rule{Kind: kind.Name, Body: body})
		}
		return some
	}
	p := policy.Policy{
		Name: fmt.Sprintf("Policy %03d", i), Decision: []policy.Decision{policy.Allow, policy.Deny, policy.NonIdentity}[i%3],
		Include: rules(0, 1+i%9), Exclude: rules(3, i%3), Require: rules(5, i%4), Settings: map[string]any{},
	}
	for n, f := range policy.Fields() {
		if f.Type != policy.Rules && f.Name != "name" && f.Name != "decision" && (i+n)%3 == 0 {
			p.Settings[f.Name] = valueOf(f, i)
		}
	}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// valueOf returns a value of the field's type that n chooses.
func valueOf(f policy.Field, n int) any {
	if f.Many {
		f.Many = false
		return []any{valueOf(f, n)}
	}
	switch f.Type {
	case policy.Bool:
		return n%2 == 0
	case policy.Number:
		return 1 + n%3
	case policy.Duration:
		return fmt.Sprintf("%dm", 5+n%600)
	case policy.Email:
		return fmt.Sprintf("User%d@Example.com", n)
	case policy.Domain:
		return fmt.Sprintf("d%d.example.com", n)
	case policy.CIDR:
		return fmt.Sprintf("10.%d.%d.%d", n/256%256, n%256, n%7)
	case policy.Country:
		return []string{"US", "DE", "NO", "FR"}[n%4]
	case policy.URL:
		return fmt.Sprintf("https://eval.example.com/%d", n)
	case policy.ID:
		return fmt.Sprintf("f174e90a-fafe-4643-bbbc-%012d", n)
	case policy.Object:
		object := map[string]any{}
		for _, inner := range f.Fields {
			object[inner.Name] = valueOf(inner, n)
		}
		return object
	case policy.Text, policy.Rules:
	}
	if len(f.Enum) > 0 {
		return f.Enum[n%len(f.Enum)]
	}
	return fmt.Sprintf("text %d", n)
}

// TestFiveHundredPolicies is the promise to those who come from tools that
// read every policy one by one. It takes seconds, because each of 500 creates
// takes 50 ms, ten at a time.
func TestFiveHundredPolicies(t *testing.T) {
	t.Parallel()
	const policies, latency = 500, 50 * time.Millisecond
	for name, quirks := range map[string]simulator.Quirks{
		"a plain account": {},
		"an account that adds and alters what it may": {
			DefaultDuration: true, NullDuration: true, EmptyRules: true, FoldCase: true, NewestFirst: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			account := simulator.New(simulator.Options{Latency: latency, Quirks: quirks})
			server := httptest.NewServer(account)
			t.Cleanup(server.Close)
			dir := t.TempDir()
			for i := range policies {
				file := filepath.Join(dir, "policies", fmt.Sprintf("team-%d", i%20), fmt.Sprintf("%03d.yaml", i))
				if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, varied(t, i), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			env := map[string]string{
				"CLOUDFLARE_BASE_URL": server.URL, "CLOUDFLARE_ACCOUNT_ID": simulator.DefaultAccountID,
				"STATE_DIRECTORY": filepath.Join(dir, "state"),
			}
			token := filepath.Join(dir, "token")
			if err := os.WriteFile(token, []byte(simulator.DefaultToken), 0o600); err != nil {
				t.Fatal(err)
			}
			config := filepath.Join(dir, "policysync.yaml")
			text := fmt.Sprintf("targets:\n  - name: big\n    account_id: %s\n    source: {url: %s}\n    cloudflare: {api_token_file: %s, requests_per_5m: 1200}\n",
				simulator.DefaultAccountID, dir, token)
			if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			command := func(args ...string) string {
				t.Helper()
				return output(t, env, append(args, "--config", config, "--dir", filepath.Join(dir, "policies"))...)
			}

			start := time.Now()
			if got, want := command("apply", "--yes"), "Applied: 500 created.\n"; !strings.HasSuffix(got, want) {
				t.Fatalf("first apply ends with %q, want %q", got[max(0, len(got)-200):], want)
			}
			t.Logf("500 creates of %s, %d at a time, took %.2f times the time that the requests alone take",
				latency, requestsAtOnce, time.Since(start).Seconds()/(policies*latency.Seconds()/requestsAtOnce))
			if n := account.Count("create"); n != policies {
				t.Errorf("%d creates, want %d", n, policies)
			}

			for _, args := range [][]string{{"apply", "--yes"}, {"plan"}} {
				before := len(account.Requests())
				if got, want := command(args...), "No changes. 500 in sync.\n"; got != want {
					t.Errorf("then %s says %q, want %q", args[0], got[:min(len(got), 2000)], want)
				}
				operations := map[string]int{}
				for _, r := range account.Requests()[before:] {
					operations[r.Operation]++
				}
				if args[0] == "plan" { // it looks whether ids are borne, too: by one list for each kind
					maps.DeleteFunc(operations, func(op string, n int) bool { return strings.HasPrefix(op, "list_") && n <= 2 })
				}
				if d := cmp.Diff(map[string]int{"list": 1}, operations); d != "" {
					t.Errorf("%s made other requests than one list (-want +got):\n%s", args[0], d)
				}
			}
		})
	}
}

// output runs a command that is to succeed and returns what it printed.
func output(t *testing.T, env map[string]string, args ...string) string {
	t.Helper()
	code, stdout, stderr := try(t, env, args...)
	if code != 0 {
		t.Fatalf("policysync %s: exit code %d\n%s", strings.Join(args, " "), code, stderr)
	}
	return stdout
}
