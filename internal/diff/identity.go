package diff

import (
	"github.com/policysync/policysync/internal/policy"
)

// recordOf returns the record of a manifest: that of its key, or else one of
// an earlier key or of its name, there or in the account, that no other
// manifest has a right to.
func (c *computation) recordOf(d *policy.Desired) *policy.Recorded {
	if r := c.byKey[d.Key]; r != nil {
		return r
	}
	if p := c.Pending[d.Key]; p.young(c.Now) || len(c.madeBy(p)) > 0 { // it has one of its own, or may get it
		return nil
	}
	for _, earlier := range d.Previously {
		for _, r := range []*policy.Recorded{c.byKey[earlier], c.byName[earlier]} {
			if r != nil && c.free(r) {
				return r
			}
		}
	}
	if r := c.byName[d.Name]; r != nil && c.free(r) {
		return r
	}
	for _, l := range c.named[d.Name] {
		if r := c.byKey[c.owner[l.ID]]; r != nil && c.free(r) { // renamed after the record was made
			return r
		}
	}
	return nil
}

func (c *computation) free(r *policy.Recorded) bool { return !c.wanted[r.Key] && !c.matched[r.Key] }
