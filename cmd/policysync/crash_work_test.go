package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/policy"
)

// work is what policysync does while it is killed. Policies are names, each
// with the domain that it lets in.
type work struct {
	name        string
	earlier     map[string]string // what Git declared when policysync ran last
	hands       map[string]string // what people did at the dashboard since; "" deleted it
	now         map[string]string // what Git declares
	previously  map[string]string // earlier names of what Git declares
	adopt       diff.Adoption     // "" means never, so that what a lost create made must be known by its intent
	faults      []simulator.Fault // of the account
	writes      []string          // what it takes, each once
	audited     bool              // there is an audit file
	concurrency int               // how many requests may be under way
	least       int               // how many steps there are at least
}

// everything has every kind of change in it, one after the other.
func everything() work {
	return work{
		name: "every kind of change",
		earlier: map[string]string{
			"kept": "a.example", "edited": "a.example", "former": "a.example", "drifted": "a.example",
			"lost": "a.example", "gone": "a.example", "vanished": "a.example",
		},
		hands: map[string]string{
			"drifted": "b.example", "lost": "", "vanished": "",
			"found": "a.example", "taken": "b.example", "theirs": "a.example",
		},
		now: map[string]string{
			"kept": "a.example", "edited": "c.example", "renamed": "a.example", "drifted": "a.example",
			"lost": "a.example", "made": "a.example", "found": "a.example", "taken": "a.example",
		},
		previously: map[string]string{"renamed": "former"},
		adopt:      diff.AdoptAlways,
		writes: []string{
			"create lost", "create made", "delete gone",
			"update drifted", "update edited", "update renamed", "update taken",
		},
		concurrency: 1, least: 59,
	}
}

// failing has requests in it that fail, so that the process writes down a doubt
// and a refusal, and then looks what became of them.
func failing() work {
	return work{
		name: "answers lost and refused",
		now:  map[string]string{"lost before": "a.example", "lost after": "a.example", "refused": "a.example"},
		faults: []simulator.Fault{
			{Operation: "create", Match: onPolicy("lost before"), Kind: simulator.LostReply},
			{Operation: "create", Match: onPolicy("lost after"), Kind: simulator.LostReply, After: true},
			{Operation: "create", Match: onPolicy("refused"), Kind: simulator.Refusal},
		},
		writes:      []string{"create lost after", "create lost before", "create refused"},
		audited:     true,
		concurrency: 1, least: 53,
	}
}

// onPolicy matches requests that write the policy of that name.
func onPolicy(name string) func(simulator.Request) bool {
	return func(r simulator.Request) bool { return strings.Contains(string(r.Body), fmt.Sprintf("%q", name)) }
}

// several has several requests under way when the process is killed.
func several() work {
	return work{
		name:        "several requests at a time",
		now:         map[string]string{"made": "a.example", "made too": "a.example", "made also": "a.example"},
		writes:      []string{"create made", "create made also", "create made too"},
		concurrency: requestsAtOnce, least: 25,
	}
}

// single returns works of one request each.
func single() []work {
	return []work{
		{
			name: "create", now: map[string]string{"made": "a.example"},
			writes: []string{"create made"}, concurrency: 1, least: 15,
		},
		{
			name: "update", earlier: map[string]string{"edited": "a.example"}, now: map[string]string{"edited": "b.example"},
			writes: []string{"update edited"}, concurrency: 1, least: 15,
		},
		{
			name: "delete", earlier: map[string]string{"kept": "a.example", "gone": "a.example"}, now: map[string]string{"kept": "a.example"},
			writes: []string{"delete gone"}, concurrency: 1, least: 26,
		},
	}
}

// lettingIn returns a policy that lets a domain in.
func lettingIn(name, domain string) policy.Policy {
	return policy.Policy{
		Name: name, Decision: policy.Allow,
		Include: []policy.Rule{{Kind: "email_domain", Body: map[string]any{"domain": domain}}},
	}
}

// configure writes the config that every process has.
func (e eve) configure(t *testing.T) {
	t.Helper()
	token := filepath.Join(e.dir, "token")
	config := fmt.Sprintf(`targets:
  - name: production
    account_id: %s
    source: {url: %s}
    cloudflare: {api_token_file: %s}
    mode: sync
    adopt: %s
    drift: heal
`, simulator.DefaultAccountID, e.dir, token, cmp.Or(e.adopt, diff.AdoptNever))
	if e.audited {
		config += "audit: {file: '${STATE_DIRECTORY}/audit.jsonl'}\n" // which is another folder in each life
	}
	for file, text := range map[string]string{token: simulator.DefaultToken, filepath.Join(e.dir, "policysync.yaml"): config} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// declare has Git declare these policies and no other.
func (e eve) declare(t *testing.T, policies map[string]string) {
	t.Helper()
	dir := filepath.Join(e.dir, "policies")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	for name, domain := range policies {
		text := fmt.Sprintf("name: %s\ndecision: allow\ninclude:\n  - email_domain: {domain: %s}\n", name, domain)
		if former := e.previously[name]; former != "" {
			text += fmt.Sprintf("policysync: {previously: [%s]}\n", former)
		}
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// unmanaged returns those policies that Git never declared.
func (w work) unmanaged(all []policy.Live) []policy.Live {
	return slices.DeleteFunc(slices.Clone(all), func(p policy.Live) bool {
		return w.earlier[p.Name] != "" || w.now[p.Name] != ""
	})
}

// held returns the account's policies.
func (e eve) held(t *testing.T) []policy.Live {
	t.Helper()
	all, err := e.account.Policies()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// effects returns the writes that took effect, in alphabetical order.
func (e eve) effects(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, r := range e.account.Requests() {
		if r.Status/100 != 2 {
			continue
		}
		var written policy.Policy
		switch r.Operation {
		case "create", "update":
			if err := json.Unmarshal(r.Body, &written); err != nil {
				t.Fatal(err)
			}
		case "delete":
			at := slices.IndexFunc(e.before, func(p policy.Live) bool { return strings.HasSuffix(r.Path, p.ID) })
			written = e.before[at].Policy
		default:
			continue
		}
		all = append(all, r.Operation+" "+written.Name)
	}
	slices.Sort(all)
	return all
}
