package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
)

// guide is docs/recovery.md.
var guide = filepath.Join("..", "..", "docs", "recovery.md")

// inGuide returns an error unless each error message of a program's output,
// and there is one, stands in the guide, where … stands for what varies.
func inGuide(output, state string) error {
	text, err := os.ReadFile(guide)
	if err != nil {
		return err
	}
	var known []string
	for line := range strings.SplitSeq(string(text), "\n") {
		if strings.HasPrefix(line, "Error: ") {
			known = append(known, strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*"))
		}
	}
	messages := regexp.MustCompile(`(?m)^Error: .*`).FindAllString(strings.ReplaceAll(output, state, "/var/lib/policysync/state.db"), -1)
	for _, message := range messages {
		if !regexp.MustCompile("^(" + strings.Join(known, "|") + ")$").MatchString(message) {
			return fmt.Errorf("%s doesn't tell of\n%s", guide, message)
		}
	}
	if len(messages) == 0 {
		return errors.New("there is no error message in\n" + output)
	}
	return nil
}

// guideCommand fails the script unless the errors in a file stand in the guide:
//
//	guide FILE STATE
func guideCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: guide FILE STATE")
	}
	ts.Check(inGuide(ts.ReadFile(args[0]), args[1]))
}

// TestRecoveryGuide does what docs/recovery.md says, block by block: it makes
// a backup, loses the state, and restores it and starts anew.
func TestRecoveryGuide(t *testing.T) {
	t.Parallel()
	r := newReader(t)
	r.write("policies/a.yaml", "name: A\ndecision: allow\ninclude:\n  - everyone: {}")
	r.write("cloudflare-token", simulator.DefaultToken)
	r.write("policysync.yaml", fmt.Sprintf(`targets:
  - {name: production, account_id: %s, source: {url: %q}, cloudflare: {api_token_file: %q}}
state: {url: %q}`, simulator.DefaultAccountID, r.dir, filepath.Join(r.dir, "cloudflare-token"), "sqlite://"+filepath.Join(r.dir, "state", "state.db")))
	r.sh(r.dir, "git init --quiet --initial-branch=main && git add policies && git commit --quiet -m policies && policysync apply --yes")
	here := strings.NewReplacer(
		"/var/lib/policysync", filepath.Join(r.dir, "state"), "/var/backups", r.dir,
		"policysync plan", "policysync plan --config "+filepath.Join(r.dir, "policysync.yaml"),
	)
	var plans []string
	for _, block := range blocks(t, guide) {
		if block[0] != "sh" {
			continue
		}
		if len(plans) > 0 {
			r.sh(r.dir, "printf garbage >state/state.db")
		}
		out := r.sh(r.dir, here.Replace(block[1]))
		plans = append(plans, out[strings.LastIndexByte("\n"+strings.TrimSuffix(out, "\n"), '\n'):])
	}
	if want := []string{"", "No changes. 1 in sync.\n", "Plan: 1 to adopt.\n"}; !slices.Equal(plans, want) {
		t.Errorf("the blocks end with %q, want %q", plans, want)
	}
	r.sh(r.dir, "policysync apply --yes")
	if n := r.account.Count("create"); n != 1 {
		t.Errorf("%d creates, want 1", n)
	}
}
