package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/policy"
)

// terraform stands in for the program: it prints the state, and lets go of
// what it is told to.
const terraform = `#!/bin/sh
case "$*" in
"state pull") cat terraform.tfstate ;;
"state rm cloudflare_zero_trust_access_policy.office") echo gone >terraform.tfstate ;;
*) exit 1 ;;
esac
`

// TestMovingFromTerraform does what docs/moving-from-terraform.md says, block
// by block.
func TestMovingFromTerraform(t *testing.T) {
	t.Parallel()
	r := newReader(t)
	id, err := r.account.Seed(policy.Policy{Name: "Office", Decision: policy.Deny, Include: []policy.Rule{{Kind: "everyone", Body: map[string]any{}}}})
	if err != nil {
		t.Fatal(err)
	}
	r.write("cloudflare-token", simulator.DefaultToken)
	r.write("policysync.yaml", fmt.Sprintf(`targets:
  - {name: production, account_id: %s, source: {url: %q}, cloudflare: {api_token_file: %q}, mode: sync}
state: {url: %q}
server: {listen: 127.0.0.1:0}`, simulator.DefaultAccountID, r.dir, filepath.Join(r.dir, "cloudflare-token"), "sqlite://"+filepath.Join(r.dir, "state", "state.db")))
	r.write("terraform.tfstate", fmt.Sprintf(`{"version": 4, "resources": [{"mode": "managed", "type": "cloudflare_zero_trust_access_policy", "name": "office",
  "instances": [{"attributes": {"id": %q, "account_id": %q, "name": "Office"}}]}]}`, id, simulator.DefaultAccountID))
	r.write(filepath.Join("bin", "terraform"), terraform)
	if err := os.Chmod(filepath.Join(r.dir, "bin", "terraform"), 0o700); err != nil { // a program
		t.Fatal(err)
	}
	r.env = append(r.env, "PATH="+filepath.Join(r.dir, "bin")+":"+os.Getenv("PATH"))
	done := 0
	for _, block := range blocks(t, filepath.Join(root, "docs", "moving-from-terraform.md")) {
		switch command, _, _ := strings.Cut(block[1], " "); {
		case block[0] == "hcl":
			if !strings.Contains(block[1], "destroy = false") && !strings.HasPrefix(block[1], "import {") {
				t.Errorf("this destroys:\n%s", block[1])
			}
			continue
		case block[1] == "policysync run":
			r.sh(r.dir, "git init --quiet --initial-branch=main && git add policies && git commit --quiet -m policies")
			r.start()
		default:
			out := r.sh(r.dir, block[1])
			if want := map[string]string{"policysync": "No changes. 1 in sync.\n", "terraform": ""}[command]; !strings.HasSuffix(out, want) {
				t.Errorf("%s prints\n%s\nwant %q at its end", block[1], out, want)
			}
		}
		done++
	}
	if done != 4 {
		t.Errorf("%d blocks were done, want 4", done)
	}
	if got := r.sh(r.dir, "policysync plan --detailed-exitcode && cat terraform.tfstate"); got != "No changes. 1 in sync.\ngone\n" {
		t.Errorf("in the end: %s", got)
	}
	if n := r.account.Count("create") + r.account.Count("update") + r.account.Count("delete"); n != 0 {
		t.Errorf("the account was written to %d times", n)
	}
}
