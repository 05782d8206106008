package diff_test

import (
	"fmt"
	"testing"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/policy"
)

// BenchmarkComputeInSync plans 10,000 policies that need nothing.
func BenchmarkComputeInSync(b *testing.B) {
	in := input(diff.Sync)
	for i := range 10_000 {
		name := fmt.Sprintf("policy %d", i)
		decoded := func() policy.Policy { return body(name, "example.com") } // each from its own source
		sent := decoded()
		in.Desired = append(in.Desired, policy.Desired{Policy: decoded(), Key: name, File: "a.yaml", Line: i})
		in.Recorded = append(in.Recorded, policy.Recorded{Key: name, ID: name, Sent: sent, ReadBack: sent, File: "a.yaml", Line: i})
		in.Live = append(in.Live, policy.Live{Policy: decoded(), ID: name})
	}
	b.ReportAllocs()
	for b.Loop() {
		if plan := diff.Compute(in); !plan.Empty() {
			b.Fatalf("%d changes", len(plan.Changes))
		}
	}
}

// BenchmarkComputeManyRules plans a change of one policy with 1,000 e-mails.
func BenchmarkComputeManyRules(b *testing.B) {
	rules := func(offset int) []policy.Rule {
		all := make([]policy.Rule, 1000)
		for i := range all {
			all[i] = policy.Rule{Kind: "email", Body: map[string]any{"email": fmt.Sprintf("user%d@example.com", i+offset)}}
		}
		return all
	}
	old := policy.Policy{Name: "Eng", Decision: policy.Allow, Include: rules(0)}
	changed := policy.Policy{Name: "Eng", Decision: policy.Allow, Include: rules(500)}
	in := input(diff.Sync)
	in.Desired = []policy.Desired{{Policy: changed, Key: "Eng"}}
	in.Recorded = []policy.Recorded{{Key: "Eng", ID: "1", Sent: old, ReadBack: old}}
	in.Live = []policy.Live{{Policy: old, ID: "1"}}
	for b.Loop() {
		if plan := diff.Compute(in); len(plan.Changes) != 1 || len(plan.Changes[0].Fields) != 1000 {
			b.Fatalf("plan = %+v", plan)
		}
	}
}
