package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// before is what the reader of docs/break-glass.md has: a daemon, and a policy
// that it has made.
var before = []struct{ script, shows string }{
	{"cd", ""},
	{"policysync demo --account-only >account.env", "A simulated Cloudflare account answers…"},
	{`. ./account.env
echo operator >api-token
mkdir policies state
printf 'name: Engineering\ndecision: allow\ninclude: [{email_domain: {domain: example.com}}]\n' >policies/engineering.yaml
git init --quiet --initial-branch=main && git add policies && git commit --quiet -m policies
cat >policysync.yaml <<END
targets:
  - {name: production, account_id: $CLOUDFLARE_ACCOUNT_ID, source: {url: .}, mode: upsert, schedule: "@every 1h"}
state: {url: "sqlite://$HOME/state/state.db"}
server: {listen: 127.0.0.1:8080, api_token_file: $HOME/api-token}
END
policysync apply --yes`, "…Applied: 1 created."},
	{". ./account.env\npolicysync run", `…"msg":"listening"…`},
}

// edit is what somebody does in the dashboard.
const edit = `ID=$(policysync status --format json | grep -o '"name":"Engineering","id":"[^"]*"' | cut -d '"' -f 8)
curl -s -X PUT -H "Authorization: Bearer $CLOUDFLARE_API_TOKEN" "$CLOUDFLARE_BASE_URL/accounts/$CLOUDFLARE_ACCOUNT_ID/access/policies/$ID" \
  -d '{"name": "Engineering", "decision": "deny", "include": [{"everyone": {}}]}'`

// TestBreakGlass does what docs/break-glass.md says, block by block.
func TestBreakGlass(t *testing.T) {
	t.Parallel()
	s := newStudent(t)
	for _, step := range before {
		script := s.ports.Replace(step.script)
		if last := script[strings.LastIndexByte(script, '\n')+1:]; strings.HasPrefix(last, "policysync demo") || last == "policysync run" {
			s.leave(script, step.shows)
		} else {
			s.do(script, step.shows)
		}
	}
	s.follow(filepath.Join(root, "docs", "break-glass.md"), 5, func(block string) bool {
		if block == "policysync plan --target production" {
			s.do(edit, `{…"success":true}`)
		}
		return true
	})
	s.do("policysync status", "Target production\nState: look at it: 1 drifted…")
	s.do(`git commit --quiet -am "Keep engineers out" && policysync sync production`, "Target production: noop…\n  in_sync    1")
}
