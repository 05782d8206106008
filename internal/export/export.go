package export

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/policysync/policysync/internal/manifest"
	"github.com/policysync/policysync/internal/policy"
)

// Folder is a folder of manifests that policies are exported to.
type Folder struct {
	fsys fs.FS
	vars map[string]any
	set  manifest.Set
}

// Open decodes a folder with these variables; nil is one that isn't there yet.
// The error is a diagnostic.List where there are mistakes in it.
func Open(fsys fs.FS, vars map[string]any) (*Folder, error) {
	if fsys == nil {
		fsys = overlay{}
	}
	f := &Folder{fsys: fsys, vars: vars}
	set, err := f.decode(fsys, false)
	f.set = set
	return f, err
}

// decode decodes files, or with partial some of them.
func (f *Folder) decode(files fs.FS, partial bool) (manifest.Set, error) {
	decoder := manifest.Decoder{Vars: f.vars, Partial: partial}
	return decoder.Decode(files)
}

// References returns what kinds of things the folder names, and policies refer
// to, sorted: what Export needs the lists of.
func (f *Folder) References(live []policy.Live) (named, other []policy.Reference) {
	named = f.set.References()
	kinds := map[policy.Reference]bool{}
	for _, l := range live {
		for kind := range policy.Identifiers(l.Policy) {
			kinds[kind] = !slices.Contains(named, kind)
		}
	}
	maps.DeleteFunc(kinds, func(_ policy.Reference, other bool) bool { return !other })
	return named, slices.Sorted(maps.Keys(kinds))
}

// Account is what there is to export.
type Account struct {
	Live     []policy.Live
	Recorded []policy.Recorded                   // which of them are ours
	Things   map[policy.Reference][]policy.Thing // all of each kind that the folder names, and of others as far as may be known
}

// Result is what becomes of a folder.
type Result struct {
	Files    map[string][]byte // to be written, by path
	New      []string          // those of Files that aren't there yet, in the order of the policies' names
	Same     int               // how many policies the folder declares as they are
	Declared []Declared        // every policy that has a manifest now
	Skipped  []Skipped         // those that have none
	Legacy   []policy.Live     // those of single applications
	Notes    []string          // what else a person should know
	Gone     []policy.Desired  // manifests of what the account doesn't have
}

// Declared is a policy and the key of its manifest.
type Declared struct{ ID, Key string }

// Skipped is a policy that has no manifest, and why.
type Skipped struct{ ID, Name, Why string }

// Export returns what is to become of the folder such that it declares the
// account's policies. The same account and folder give the same result. The
// error is why nothing may be written at all.
func (f *Folder) Export(account Account) (Result, error) {
	set, err := f.set.Resolve(account.Things)
	if err != nil {
		return Result{}, fmt.Errorf("correct these first: %w", err)
	}
	e := newExporter(f, set, account)
	for _, l := range e.order() {
		e.decide(l)
	}
	if err := errors.Join(e.edit(), e.create()); err != nil {
		return Result{}, err
	}
	for i, d := range set.Policies {
		if !e.used[i] {
			e.result.Gone = append(e.result.Gone, d)
		}
	}
	e.result.Files = e.folder.files
	if _, err := f.decode(e.folder, false); err != nil {
		return Result{}, fmt.Errorf("nothing is written, because the folder would have mistakes: %w", err)
	}
	return e.result, nil
}
