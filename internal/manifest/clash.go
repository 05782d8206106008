package manifest

import (
	"fmt"

	"github.com/policysync/policysync/internal/diagnostic"
	"github.com/policysync/policysync/internal/yamltree"
)

// clashes returns an error for each name and key that is used twice, at the
// later one. A name that another manifest lists as an earlier one of its own
// would make two claims on one live policy.
func clashes(all []*declared) diagnostic.List {
	c := clashFinder{}
	c.names, c.keys, c.previous = make(map[string]*declared, len(all)), make(map[string]*declared, len(all)), map[string]*declared{}
	for _, d := range all {
		c.name(d)
	}
	for _, d := range all {
		c.previously(d)
	}
	return c.found
}

type clashFinder struct {
	lateFindings

	names, keys, previous map[string]*declared // by whom each was used first
}

func (c *clashFinder) name(d *declared) {
	switch first, taken := c.names[d.Name]; {
	case d.Name == "":
	case taken:
		c.report(d, d.nameAt, "the name %s is already used at %s", yamltree.Quote(d.Name), first.where(first.nameAt))
	default:
		c.names[d.Name] = d
	}
	hasOwnKey := d.keyAt != d.nameAt
	switch first, taken := c.keys[d.Key]; {
	case d.Key == "":
	case !taken:
		c.keys[d.Key] = d
	case hasOwnKey || first.keyAt != first.nameAt:
		c.report(d, d.keyAt, "the key %s is already used at %s", yamltree.Quote(d.Key), first.where(first.keyAt))
	}
}

func (c *clashFinder) previously(d *declared) {
	for i, name := range d.Previously {
		quoted, at := yamltree.Quote(name), d.previousAt[i]
		switch owner, taken := c.names[name]; {
		case taken && owner == d:
			c.report(d, at, "the earlier name %s is still the policy's name: remove it here", quoted)
		case taken:
			c.report(d, at, "the earlier name %s is now used at %s: remove it here, or rename that policy", quoted, owner.where(owner.nameAt))
		}
		switch first, taken := c.previous[name]; {
		case taken && first == d:
			c.report(d, at, "the earlier name %s is listed twice: remove one", quoted)
		case taken:
			c.report(d, at, "the earlier name %s is already listed by the policy %s at %s",
				quoted, yamltree.Quote(first.Name), first.where(yamltree.Position{Line: first.Line}))
		default:
			c.previous[name] = d
		}
	}
}

func (c *clashFinder) report(d *declared, at yamltree.Position, format string, args ...any) {
	c.lateFindings.report(Place{d.File, at.Line, at.Col}, format, args...)
}

// where names a place in the policy's file for a message about another.
func (d *declared) where(at yamltree.Position) string {
	return fmt.Sprintf("%s:%d", d.File, at.Line)
}
