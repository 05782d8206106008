package diff

import (
	"cmp"
	"slices"
	"time"

	"github.com/policysync/policysync/internal/policy"
)

// Input is everything a plan depends on.
type Input struct {
	Desired  []policy.Desired   // complete; keys and names are unique
	Recorded []policy.Recorded  // complete for the target; keys are unique
	Pending  map[string]Pending // requests whose outcome isn't known, by key
	Live     []policy.Live      // complete; ids are unique
	Mode     Mode
	Adopt    Adoption
	Drift    Drift
	Now      time.Time // decides what has expired
	Manual   bool      // an operator asks: what was given up is tried again
}

// Compute returns the plan that takes live to desired:
//
//	D        R    L                    create-only  upsert       sync
//	yes      -    no such name         create       create       create
//	yes      -    same name and body   adopt        adopt        adopt
//	yes      -    same name, other     conflict, or with adopt: always
//	                                   adopt and then as below
//	yes      -    several of the name  conflict     conflict     conflict
//	yes      yes  same as D            in sync      in sync      in sync
//	changed  yes  as R                 reported     update       update
//	as R     yes  differs (drift)      reported     heal: update, else reported
//	changed  yes  differs too          reported     update       update
//	yes      yes  gone                 create       create       create
//	-        yes  there                reported     reported     delete, unless in use or protected,
//	                                                             at the second look
//	-        yes  gone                 forget       forget       forget
//	-        -    there                unmanaged    unmanaged    unmanaged
//
// D, R and L are what Git says, what is recorded and what is live. D changed
// when it differs from the body last sent; L differs when it isn't the body
// read back after that: a default that the account adds is in the latter and
// so never counts as a difference. A policy recorded under an earlier key or
// name of a manifest is that manifest's, and so is one of ours that Git has
// dropped and that bears the manifest's name in the account by now.
func Compute(in Input) Plan {
	c := newComputation(in)
	c.plan.Declared = len(c.desired)
	for _, d := range c.desired {
		c.withDesired(d)
	}
	for _, r := range c.recorded {
		if !c.matched[r.Key] {
			c.withoutDesired(*r)
		}
	}
	c.pendingWithoutDesired()
	c.count(Unmanaged, len(c.live)-len(c.claimed))
	c.sort()
	return c.plan
}

// computation is a Compute under way.
type computation struct {
	Input
	plan     Plan
	desired  []*policy.Desired // in.Desired less what has expired
	recorded []*policy.Recorded
	byKey    map[string]*policy.Recorded
	byName   map[string]*policy.Recorded // by the name last sent, or else read back
	wanted   map[string]bool             // keys of desired
	expired  map[string]policy.Desired   // what was left out of desired, by key
	live     map[string]*policy.Live
	named    map[string][]*policy.Live
	owner    map[string]string // live id to the key it is recorded under
	matched  map[string]bool   // keys of records that a manifest took
	passedOn map[string]bool   // keys whose pending create a manifest of another key took over
	claimed  map[string]bool   // ids that are counted with some manifest or record
}

func newComputation(in Input) *computation {
	c := &computation{
		Input: in, plan: Plan{States: map[State]int{}},
		byKey: make(map[string]*policy.Recorded, len(in.Recorded)), byName: make(map[string]*policy.Recorded, len(in.Recorded)),
		wanted: make(map[string]bool, len(in.Desired)), expired: map[string]policy.Desired{},
		live: make(map[string]*policy.Live, len(in.Live)), named: make(map[string][]*policy.Live, len(in.Live)),
		owner: make(map[string]string, len(in.Recorded)), matched: make(map[string]bool, len(in.Recorded)), passedOn: map[string]bool{}, claimed: make(map[string]bool, len(in.Live)),
	}
	for i := range in.Desired {
		d := &in.Desired[i]
		if d.ExpiredAt(in.Now) {
			c.expired[d.Key] = *d
			continue
		}
		c.desired = append(c.desired, d)
		c.wanted[d.Key] = true
		if end := d.End(); c.plan.NextExpiry.IsZero() || !end.IsZero() && end.Before(c.plan.NextExpiry) {
			c.plan.NextExpiry = end
		}
	}
	for i := range in.Recorded {
		c.recorded = append(c.recorded, &in.Recorded[i])
	}
	slices.SortFunc(c.recorded, func(a, b *policy.Recorded) int { return cmp.Compare(a.Key, b.Key) })
	for _, r := range c.recorded {
		c.byKey[r.Key] = r
		c.byName[cmp.Or(r.Sent.Name, r.ReadBack.Name)] = r
		c.owner[r.ID] = r.Key
	}
	for i := range in.Live {
		l := &in.Live[i]
		c.live[l.ID] = l
		c.named[l.Name] = append(c.named[l.Name], l)
	}
	return c
}

// sort orders changes by their stage, within it by the manifest's place, then
// by key.
func (c *computation) sort() {
	order := func(a, b Change) int {
		return cmp.Or(cmp.Compare(a.Stage(), b.Stage()), cmp.Compare(a.File, b.File),
			cmp.Compare(a.Line, b.Line), cmp.Compare(a.Key, b.Key))
	}
	slices.SortStableFunc(c.plan.Changes, order)
	slices.SortStableFunc(c.plan.Reported, order)
	slices.SortFunc(c.plan.Marked, func(a, b policy.Recorded) int { return cmp.Compare(a.Key, b.Key) })
	slices.SortFunc(c.plan.Lapsed, func(a, b Lapse) int { return cmp.Compare(a.Key, b.Key) })
	slices.SortFunc(c.plan.Settled, func(a, b Settled) int { return cmp.Compare(a.Desired.Key, b.Desired.Key) })
}
