package manifest

import (
	"strings"

	"github.com/policysync/policysync/internal/policy"
)

// Names are what things go by in manifests: by their kind, the name of each
// that has one to itself, by its id in lower case.
type Names map[policy.Reference]map[string]string

// NewNames returns the names of things, which are all that the account has of
// each kind among them.
func NewNames(things map[policy.Reference][]policy.Thing) Names {
	n := Names{}
	for kind, all := range things {
		bearers := map[string]int{}
		for _, t := range all {
			bearers[t.Name]++
		}
		n[kind] = make(map[string]string, len(all))
		for _, t := range all {
			if id := strings.ToLower(t.ID); bearers[t.Name] == 1 && checkTitle(policy.Field{}, t.Name) == "" {
				n[kind][id] = t.Name
			}
		}
	}
	return n
}

// of returns the name that stands for an id: one that nothing else of its kind
// bears and that a manifest may hold.
func (n Names) of(kind policy.Reference, id string) (string, bool) {
	name, ok := n[kind][strings.ToLower(id)]
	return name, ok
}
