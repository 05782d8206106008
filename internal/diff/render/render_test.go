package render_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/diff/render"
	"github.com/policysync/policysync/internal/policy"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func rule(kind, field, value string) policy.Rule {
	return policy.Rule{Kind: kind, Body: map[string]any{field: value}}
}

// plan returns a plan that has every action and every state in it.
func plan() diff.Plan {
	p := func(name string, rules ...policy.Rule) policy.Policy {
		return policy.Policy{Name: name, Decision: policy.Allow, Include: rules}
	}
	a, b := rule("email_domain", "domain", "example.com"), rule("ip", "ip", "192.0.2.0/24")
	kept := p("Kept", a)
	kept.Settings = map[string]any{"session_duration": "24h", "isolation_required": true}
	shorter := p("Kept", a, b)
	shorter.Settings = map[string]any{"session_duration": "12h"}
	okta := policy.Rule{Kind: "okta", Body: map[string]any{"name": "devs", "identity_provider_id": "idp-1"}}
	record := func(id string, body policy.Policy) policy.Recorded {
		return policy.Recorded{Key: body.Name, ID: id, Sent: body, ReadBack: body, AbsentSince: time.Unix(1, 0)}
	}
	alive := func(id string, body policy.Policy) policy.Live { return policy.Live{ID: id, Policy: body} }
	return diff.Compute(diff.Input{
		Mode: diff.Sync, Adopt: diff.AdoptIdentical, Drift: diff.DriftReport,
		Desired: []policy.Desired{
			{Policy: p("New", okta, policy.Rule{Kind: "everyone", Body: map[string]any{}}), Key: "New", File: "new.yaml", Line: 3},
			{Policy: shorter, Key: "Kept", File: "kept.yaml", Line: 1},
			{Policy: p("Found", a), Key: "Found", File: "found.yaml", Line: 1},
			{Policy: p("After", a), Key: "After", Previously: []string{"Before"}, File: "after.yaml", Line: 1},
			{Policy: p("Same", a), Key: "Same", File: "same.yaml", Line: 1},
			{Policy: p("Drifted", a), Key: "Drifted", File: "drifted.yaml", Line: 1},
			{Policy: p("Taken", a), Key: "Taken", File: "taken.yaml", Line: 1},
			{Policy: p("evil \u202e\u0007 | <b>`x`</b> @all", a), Key: "evil", File: "evil.yaml", Line: 1},
		},
		Recorded: []policy.Recorded{
			record("id-kept", kept), record("id-before", p("Before", a)), record("id-same", p("Same", a)),
			record("id-drifted", p("Drifted", a)), record("id-old", p("Old", a)), record("id-gone", p("Gone", a)),
			record("id-used", p("Used", a)),
		},
		Live: []policy.Live{
			alive("id-kept", kept), alive("id-before", p("Before", a)), alive("id-same", p("Same", a)),
			alive("id-drifted", p("Drifted", b)), alive("id-old", p("Old", a)), alive("id-found", p("Found", a)),
			alive("id-taken", p("Taken", b)), alive("id-other", p("Other", a)),
			{ID: "id-used", Policy: p("Used", a), AppCount: 2},
		},
	})
}

func TestFormats(t *testing.T) {
	t.Parallel()
	document := render.Document{Target: "production", Commit: strings.Repeat("c0ffee12", 5), Plan: plan()}
	for _, tc := range []struct {
		golden string
		format render.Format
		colour bool
	}{
		{"plan.txt", render.TextFormat, false},
		{"plan.colour.txt", render.TextFormat, true},
		{"plan.json", render.JSONFormat, false},
		{"plan.md", render.MarkdownFormat, false},
	} {
		t.Run(tc.golden, func(t *testing.T) {
			t.Parallel()
			var got bytes.Buffer
			if err := render.Write(&got, tc.format, document, tc.colour); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", tc.golden)
			if *update {
				if err := os.WriteFile(path, got.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got.String()); d != "" {
				t.Errorf("%s differs (-want +got):\n%s", path, d)
			}
			if tc.format != render.JSONFormat && strings.ContainsAny(got.String(), "\u202e\u0007") {
				t.Error("a name's control characters reach the reader")
			}
		})
	}
}

func TestJSONHasEveryFieldOfTheContract(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := render.JSON(&b, render.Document{Target: "t", Plan: plan()}); err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(b.Bytes(), []byte("\n")); n != 1 {
		t.Errorf("document has %d lines, want 1", n)
	}
	var got map[string]any
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"format_version", "target", "commit", "plan_hash", "changes", "reported", "summary"} {
		if _, ok := got[name]; !ok {
			t.Errorf("no %s", name)
		}
	}
	summary, ok := got["summary"].(map[string]any)
	if !ok {
		t.Fatalf("summary is %T", got["summary"])
	}
	want := map[string]any{
		"create": 2.0, "adopt": 1.0, "update": 1.0, "rename": 1.0, "delete": 1.0, "forget": 1.0,
		"in_sync": 1.0, "drifted": 1.0, "orphaned": 2.0, "conflict": 1.0, "unmanaged": 1.0,
	}
	if d := cmp.Diff(want, summary); d != "" {
		t.Errorf("summary differs (-want +got):\n%s", d)
	}
}

func TestCounts(t *testing.T) {
	t.Parallel()
	if got, want := render.Counts(diff.Plan{}), "No changes."; got != want {
		t.Errorf("of an empty plan: %q, want %q", got, want)
	}
	got := render.Counts(diff.Plan{States: map[diff.State]int{diff.InSync: 500, diff.Unmanaged: 2}})
	if want := "No changes. 500 in sync, 2 unmanaged."; got != want {
		t.Errorf("of a plan without change: %q, want %q", got, want)
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestAFailedWriteIsAnError(t *testing.T) {
	t.Parallel()
	for _, f := range []render.Format{render.TextFormat, render.JSONFormat, render.MarkdownFormat} {
		if err := render.Write(brokenPipe{}, f, render.Document{Plan: plan()}, false); err == nil {
			t.Errorf("%s: no error", f)
		}
	}
}
