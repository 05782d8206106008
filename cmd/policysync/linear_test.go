package main

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/diff/render"
	"github.com/policysync/policysync/internal/manifest"
	"github.com/policysync/policysync/internal/policy"
)

// planOf makes and prints the plan for a manifest with n e-mail addresses, of
// which the account has other ones for half.
func planOf(t testing.TB, n int) {
	t.Helper()
	var text strings.Builder
	text.WriteString("name: Everybody\ndecision: allow\ninclude:\n")
	live := policy.Policy{Name: "Everybody", Decision: policy.Allow}
	for i := range n {
		fmt.Fprintf(&text, "  - email: {email: user%d@example.com}\n", i)
		address := fmt.Sprintf("user%d@example.com", i+n/2)
		live.Include = append(live.Include, policy.Rule{Kind: "email", Body: map[string]any{"email": address}})
	}
	set, err := manifest.Decode(fstest.MapFS{"everybody.yaml": {Data: []byte(text.String())}})
	if err != nil {
		t.Fatal(err)
	}
	plan := diff.Compute(diff.Input{
		Desired:  set.Policies,
		Recorded: []policy.Recorded{{Key: "Everybody", ID: "1", Sent: live, ReadBack: live}},
		Live:     []policy.Live{{ID: "1", Policy: live}},
		Mode:     diff.Sync, Now: time.Now(),
	})
	if len(plan.Changes) != 1 || len(plan.Changes[0].Fields) != n/2*2 {
		t.Fatalf("%d changes: %+v", len(plan.Changes), plan.States)
	}
	for _, format := range []render.Format{render.TextFormat, render.JSONFormat} {
		if err := render.Write(io.Discard, format, render.Document{Target: "t", Plan: plan}, false); err != nil {
			t.Fatal(err)
		}
	}
}

// BenchmarkPlanOfEmails is the plan of one policy, from YAML to text and JSON.
func BenchmarkPlanOfEmails(b *testing.B) {
	for _, n := range []int{1000, 4000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				planOf(b, n)
			}
		})
	}
}
