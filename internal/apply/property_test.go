package apply_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/policy/policytest"
)

// TestWhatWasAppliedNeedsNoChange creates a policy of any form in an account of
// any habits, and makes others of it: each time the account holds what it makes
// of that form in one go, and the next plan is empty.
func TestWhatWasAppliedNeedsNoChange(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	flag, target := rapid.Bool(), 0
	rapid.Check(t, func(rt *rapid.T) {
		options := simulator.Options{Quirks: simulator.Quirks{
			DefaultDuration: flag.Draw(rt, "default duration"), NullDuration: flag.Draw(rt, "null duration"),
			EmptyRules: flag.Draw(rt, "empty rules"), KeepOmitted: flag.Draw(rt, "keep omitted"), FoldCase: flag.Draw(rt, "fold case"),
		}}
		b.connect(options)
		target++
		for _, body := range rapid.SliceOfN(policytest.Policies(), 1, 3).Draw(rt, "bodies") {
			fresh := simulator.New(options)
			if _, err := fresh.Seed(body); err != nil {
				rt.Fatal(err)
			}
			b.settle(rt, fmt.Sprint(target), policy.Desired{Key: "key", File: "a.yaml", Line: 1, Policy: body})
			if want, got := only(rt, fresh), only(rt, b.account); !policy.Equal(want, got) {
				rt.Fatalf("live differs (-want +got):\n%s", cmp.Diff(policy.Canonical(want), policy.Canonical(got)))
			}
		}
	})
}

// settle carries out the plan for a manifest, and fails unless nothing is left
// to do then.
func (b *bench) settle(rt *rapid.T, target string, desired policy.Desired) {
	scope := scope
	scope.Target = target
	if got := b.Execute(b.t.Context(), scope, b.plan(target, desired), time.Now()); got.Err != nil {
		rt.Fatal(got.Err)
	}
	want := diff.Plan{Owned: 1, Declared: 1, States: map[diff.State]int{diff.InSync: 1}}
	if d := cmp.Diff(want, b.plan(target, desired)); d != "" {
		rt.Fatalf("the next plan differs (-want +got):\n%s", d)
	}
}

// plan compares a manifest with what is recorded and what is live.
func (b *bench) plan(target string, desired policy.Desired) diff.Plan {
	recorded, err := b.store.Records(b.t.Context(), target)
	if err != nil {
		b.t.Fatal(err)
	}
	live, err := b.client.List(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return diff.Compute(diff.Input{
		Desired: []policy.Desired{desired}, Recorded: recorded, Live: live, Mode: diff.Sync, Adopt: diff.AdoptNever, Drift: diff.DriftHeal,
	})
}

// only returns the body of the account's one policy.
func only(rt *rapid.T, account *simulator.Account) policy.Policy {
	all, err := account.Policies()
	if err != nil || len(all) != 1 {
		rt.Fatalf("the account has %d policies, %v; want 1", len(all), err)
	}
	return all[0].Policy
}
