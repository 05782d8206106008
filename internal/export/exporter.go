package export

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/policysync/policysync/internal/manifest"
	"github.com/policysync/policysync/internal/policy"
)

// exporter is an Export under way.
type exporter struct {
	Account

	decode func(files fs.FS, partial bool) (manifest.Set, error)
	names  manifest.Names
	set    manifest.Set             // of the folder, resolved
	folder overlay                  // as it is to become
	owned  map[string]string        // keys of policies that are ours, by id
	named  map[string][]policy.Live // that can be declared
	byKey  map[string]int           // which of set.Policies
	byName map[string]int           // likewise
	before map[string]int           // likewise, by earlier names
	used   map[int]bool             // those of set.Policies that a live policy goes with
	keys   map[string]bool          // of all manifests, also those to come
	edits  []pair
	news   []policy.Live
	paths  paths
	result Result
}

// pair is a manifest, one of set.Policies, and its live policy.
type pair struct {
	manifest int
	live     policy.Live
}

func newExporter(f *Folder, set manifest.Set, account Account) *exporter {
	e := &exporter{
		Account: account, decode: f.decode, names: manifest.NewNames(account.Things), set: set,
		folder: overlay{f.fsys, map[string][]byte{}}, owned: map[string]string{}, named: map[string][]policy.Live{},
		byKey: map[string]int{}, byName: map[string]int{}, before: map[string]int{}, used: map[int]bool{}, keys: map[string]bool{},
	}
	for _, r := range account.Recorded {
		e.owned[r.ID] = r.Key
	}
	for _, l := range account.Live {
		if !l.Legacy {
			e.named[l.Name] = append(e.named[l.Name], l)
		}
	}
	for i, d := range set.Policies {
		e.byKey[d.Key], e.byName[d.Name], e.keys[d.Key] = i, i, true
		for _, earlier := range d.Previously {
			e.before[earlier] = i
		}
	}
	e.paths = newPaths(f.fsys, e.named)
	return e
}

// order returns the policies in the order in which they choose their
// manifests: ours first, for they go by their keys; then by name.
func (e *exporter) order() []policy.Live {
	later := func(l policy.Live) int {
		if _, owned := e.owned[l.ID]; owned {
			return 0
		}
		return 1
	}
	return slices.SortedFunc(slices.Values(e.Live), func(a, b policy.Live) int {
		return cmp.Or(later(a)-later(b), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
}

// decide finds out what becomes of a policy.
func (e *exporter) decide(l policy.Live) {
	if l.Legacy {
		e.result.Legacy = append(e.result.Legacy, l)
		return
	}
	i, found := e.manifestOf(l)
	if found {
		e.used[i] = true
	}
	switch why := e.ambiguous(l); {
	case why != "":
		e.skip(l, why)
		return
	case !found:
		e.news = append(e.news, l)
	case policy.Equal(e.set.Policies[i].Policy, l.Known()):
		e.result.Same++
		e.declare(l, e.set.Policies[i].Key)
	default:
		e.edits = append(e.edits, pair{i, l})
	}
	if unknown := unknownSettings(l); len(unknown) > 0 {
		e.result.Notes = append(e.result.Notes, fmt.Sprintf(
			"%q (%s) has settings that this version doesn't know, and that its manifest leaves out: %s; they stay until policysync updates the policy",
			l.Name, l.ID, strings.Join(unknown, ", ")))
	}
}

// ambiguous returns why a policy can't be told from others of its name, or "".
func (e *exporter) ambiguous(l policy.Live) string {
	var ids []string
	ours := 0
	for _, other := range e.named[l.Name] {
		ids = append(ids, other.ID)
		if _, owned := e.owned[other.ID]; owned {
			ours++
		}
	}
	if _, owned := e.owned[l.ID]; len(ids) < 2 || owned && ours == 1 {
		return ""
	}
	slices.Sort(ids)
	return fmt.Sprintf("%d policies bear that name (%s), and a manifest can mean only one: rename or delete the others at the dashboard, then export again",
		len(ids), strings.Join(ids, ", "))
}

// manifestOf returns which manifest is a policy's.
func (e *exporter) manifestOf(l policy.Live) (int, bool) {
	key, owned := e.owned[l.ID]
	if i, found := e.byKey[key]; owned && found && !e.used[i] {
		return i, true
	}
	i, found := e.byName[l.Name]
	if !found {
		i, found = e.before[l.Name]
		found = found && e.named[e.set.Policies[i].Name] == nil
	}
	return i, found && !e.used[i]
}

func (e *exporter) skip(l policy.Live, why string) {
	e.result.Skipped = append(e.result.Skipped, Skipped{l.ID, l.Name, why})
}

func (e *exporter) declare(l policy.Live, key string) {
	e.keys[key] = true
	e.result.Declared = append(e.result.Declared, Declared{l.ID, key})
}

// unknownSettings returns the names of settings that a manifest can't hold.
func unknownSettings(l policy.Live) (names []string) {
	known := l.Known()
	for name := range policy.Canonical(l.Policy).Settings {
		if _, there := known.Settings[name]; !there {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
