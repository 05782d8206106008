package impact_test

import (
	"testing"

	"github.com/policysync/policysync/internal/impact"
	"github.com/policysync/policysync/internal/policy"
)

func TestDirections(t *testing.T) {
	t.Parallel()
	p := func(d policy.Decision, kind string) *policy.Policy {
		return &policy.Policy{Name: "n", Decision: d, Include: []policy.Rule{{Kind: kind, Body: map[string]any{}}}}
	}
	for _, tc := range []struct {
		name          string
		before, after *policy.Policy
		want          impact.Direction
	}{
		{"nothing", nil, nil, impact.Neutral},
		{"a new allow", nil, p(policy.Allow, "everyone"), impact.Widens},
		{"a new bypass", nil, p(policy.Bypass, "everyone"), impact.Widens},
		{"a new deny", nil, p(policy.Deny, "everyone"), impact.Narrows},
		{"a decision not known", nil, p("ask", "everyone"), impact.Widens},
		{"an allow that goes", p(policy.Allow, "everyone"), nil, impact.Narrows},
		{"a deny that goes", p(policy.Deny, "everyone"), nil, impact.Widens},
		{"the same", p(policy.Allow, "everyone"), p(policy.Allow, "everyone"), impact.Neutral},
		{"what can't be told", p(policy.Allow, "everyone"), p(policy.Allow, "certificate"), impact.Widens},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := impact.Of(tc.before, tc.after); got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
}
