package diff

import (
	"fmt"

	"github.com/policysync/policysync/internal/impact"
	"github.com/policysync/policysync/internal/policy"
)

// Claim says of a live policy that it is ours.
type Claim struct {
	ID  string // the account's
	Key string // of the manifest that is to declare it
}

// Refusal is a claim that isn't granted.
type Refusal struct {
	Claim
	Why string
}

// TakeOver returns the plan that records the live policies that are claimed as
// ours, though no manifest declares them yet. Live and Recorded of the input
// are complete. What is recorded already stays as it is; a policy whose key is
// taken goes by its name. Two claims to one key are both refused, so that the
// order of claims doesn't matter.
func TakeOver(in Input, claims []Claim) (plan Plan, refused []Refusal) {
	c := newComputation(in)
	keys := c.keysOf(claims)
	wanted := map[string]int{}
	for _, key := range keys {
		wanted[key]++
	}
	for _, claim := range claims {
		l, key := c.live[claim.ID], keys[claim.ID]
		_, owned := c.owner[claim.ID]
		switch {
		case owned, c.claimed[claim.ID]:
		case l == nil:
			refused = append(refused, Refusal{claim, "the account has no policy of that id"})
		case l.Legacy:
			refused = append(refused, Refusal{claim, "it belongs to one application and isn't reusable"})
		case wanted[key] > 1:
			refused = append(refused, Refusal{claim, fmt.Sprintf("%d policies would be known as %q: rename all but one, or take over one of them", wanted[key], key)})
		case c.taken(key):
			refused = append(refused, Refusal{claim, fmt.Sprintf("%q is what another policy is known as in the recorded state, see `policysync status`: rename one of them", key)})
		default:
			plan.Changes = append(plan.Changes, takeOver(*l, key))
		}
		c.claimed[claim.ID] = true
	}
	return plan, refused
}

// keysOf returns what the policies that are to be recorded go by, by their ids.
func (c *computation) keysOf(claims []Claim) map[string]string {
	keys, wanted := map[string]string{}, map[string]int{}
	for _, claim := range claims {
		_, owned := c.owner[claim.ID]
		if _, again := keys[claim.ID]; owned || again || c.live[claim.ID] == nil {
			continue
		}
		keys[claim.ID] = claim.Key
		wanted[claim.Key]++
	}
	for id, key := range keys {
		if key == "" || wanted[key] > 1 || c.taken(key) {
			keys[id] = c.live[id].Name
		}
	}
	return keys
}

// taken reports whether a key has a record, or a request in doubt.
func (c *computation) taken(key string) bool {
	_, pending := c.Pending[key]
	return pending || c.byKey[key] != nil
}

func takeOver(l policy.Live, key string) Change {
	desired := &policy.Desired{Policy: l.Known(), Key: key, Protect: true}
	return Change{
		Action: ActionAdopt, Key: key, Name: l.Name, ID: l.ID, Reason: "taken over as it is",
		Direction: impact.Neutral, Desired: desired, Live: &l,
	}
}
