package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/demo"
	example "github.com/policysync/policysync/policies.example"
)

// TestExamplePoliciesPlanCleanly plans and applies policies.example against
// the account of the demo, as strictly as can be: nothing but creates, no
// warning, and then nothing more to do.
func TestExamplePoliciesPlanCleanly(t *testing.T) {
	t.Parallel()
	d, err := demo.Start(t.Context(), example.Files)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}()
	var stdout, stderr bytes.Buffer
	a := &app{stdout: &stdout, stderr: &stderr, env: noEnv, flags: flags{format: jsonFormat, strict: true}}
	cfg, err := d.Config(a.env)
	if err != nil {
		t.Fatal(err)
	}
	plan := func() (summary map[string]int) {
		stdout.Reset()
		if _, err := a.plan(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		var printed struct{ Summary map[string]int }
		if err := json.Unmarshal(stdout.Bytes(), &printed); err != nil {
			t.Fatal(err)
		}
		for name, n := range printed.Summary {
			if n == 0 {
				delete(printed.Summary, name)
			}
		}
		return printed.Summary
	}
	planned := plan()
	if d := cmp.Diff(map[string]int{"create": planned["create"]}, planned); d != "" || planned["create"] < 10 {
		t.Errorf("the first plan has %v", planned)
	}
	if stderr.Len() > 0 {
		t.Errorf("plan says %s", &stderr)
	}
	if err := a.apply(t.Context(), cfg, true, ""); err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	if d := cmp.Diff(map[string]int{"in_sync": planned["create"]}, plan()); d != "" {
		t.Errorf("the plan after apply (-want +got):\n%s", d)
	}
}

func noEnv(string) (string, bool) { return "", false }

// TestExamplePoliciesAreValidForBothTargetsOfTheExampleConfig holds the folder
// and the config together: each variable is set, and each target differs from
// the other in what the config says alone.
func TestExamplePoliciesAreValidForBothTargetsOfTheExampleConfig(t *testing.T) {
	t.Parallel()
	env := func(name string) (string, bool) {
		value, set := map[string]string{"CREDENTIALS_DIRECTORY": "/run/credentials", "STATE_DIRECTORY": "/var/lib/policysync"}[name]
		return value, set
	}
	file := filepath.Join(root, "deploy", "staging-and-production.yaml")
	cfg, err := config.Load(file, env)
	if err != nil || len(cfg.Targets) != 2 {
		t.Fatalf("%v, %v", cfg, err)
	}
	ignored := cmpopts.IgnoreFields(config.Target{}, "Name", "AccountID", "Vars", "Cloudflare", "Schedule")
	if d := cmp.Diff(cfg.Targets[0], cfg.Targets[1], ignored); d != "" {
		t.Errorf("the targets differ in more than account and variables:\n%s", d)
	}
	for _, args := range [][]string{{"--config", file}, {}} {
		var stdout, stderr bytes.Buffer
		a := &app{stdout: &stdout, stderr: &stderr, env: env}
		if code := run(t.Context(), a, append([]string{"validate", filepath.Join(root, "policies.example")}, args...)); code != 0 {
			t.Errorf("validate %q: exit code %d\n%s%s", args, code, &stdout, &stderr)
		}
		if len(args) > 0 && stderr.Len() > 0 {
			t.Errorf("validate %q says %s", args, &stderr)
		}
	}
}
