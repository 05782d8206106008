package manifest

import (
	"io/fs"
	"maps"
	"slices"

	"github.com/policysync/policysync/internal/diagnostic"
	"github.com/policysync/policysync/internal/policy"
)

// Set is what a folder declares.
type Set struct {
	Policies []policy.Desired // in the order of their paths, then as in the file
	Origins  []*Origin        // where the parts of each of Policies stand
	Ignores  []Ignore         // comments that silence lints, in the order of their places
	Warnings diagnostic.List  // what was passed over, such as a submodule
	Files    int              // manifest files read
	Named    []int            // indices in Policies of those that refer to something by name: see Resolve
	Shared   []string         // files that hold rule sets, sorted
	Unset    []string         // variables that OpenVars lets pass, sorted
	Unseen   []string         // rule sets that a Partial folder uses and doesn't have, sorted; their rules are left out
}

// Decode reads every manifest in fsys: files named *.yaml or *.yml, at any
// depth; those whose name, or whose folder's, begins with "." are passed over.
//
// The error is a diagnostic.List of all errors of all files, in path order;
// the Set then has no Policies. Unreadable files and symbolic links count as
// errors: a policy that can't be seen must not be taken for removed.
func Decode(fsys fs.FS) (Set, error) { return new(Decoder).Decode(fsys) }

// Decoder decodes a folder as it changes: the result is that of Decode, but
// files that are as they were the last time are neither read nor parsed again.
// A file is when its fs.FileInfo has a method ContentHash() string that says
// so; others are read each time. The zero Decoder is ready for use, by one
// goroutine at a time; its fields must not change between calls. What is in a
// Set is in the next one too, and must not be altered.
type Decoder struct {
	Vars     map[string]any // the target's variables: texts, booleans and json.Numbers
	OpenVars bool           // values that hold variables other than Vars are taken as they stand, unchecked

	Partial bool // not all of the folder is to be seen: rule sets that aren't there may be elsewhere

	files map[string]file // of the last time, by path
}

// file is what a manifest file declares.
type file struct {
	hash     string // of its content; empty when it isn't known
	policies []declared
	ruleSets []*ruleSet
	ignores  []Ignore
	findings diagnostic.List // those that can be seen without the other files
	unread   bool            // a document of it isn't understood at all
	unset    []string        // variables without a value
}

// Decode decodes the folder as it is now.
func (d *Decoder) Decode(fsys fs.FS) (Set, error) {
	paths, errs, warnings := find(fsys)
	errs = append(errs, d.refresh(fsys, paths)...)
	all := d.gather(paths)
	rules := newLibrary(all.ruleSets, d.Partial || all.unread || len(errs) > 0)
	rules.check(all.policies)
	late := slices.Concat(clashes(all.policies), rules.found)
	Excerpts(fsys, late)
	errs = slices.Concat(errs, all.findings, late)
	set := Set{
		Warnings: warnings, Files: len(d.files), Ignores: all.ignores, Shared: all.shared,
		Unset: sortedOnce(all.unset), Unseen: sortedOnce(rules.unseen),
	}
	if err := errs.Err(); err != nil {
		return set, err
	}
	set.Policies, set.Origins = make([]policy.Desired, len(all.policies)), make([]*Origin, len(all.policies))
	for i, p := range all.policies {
		if rules.put(p, &set, i) {
			set.Named = append(set.Named, i)
		}
	}
	return set, nil
}

func sortedOnce(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

// folder is what the files of a folder declare, in the order of their paths.
type folder struct {
	policies []*declared
	ruleSets []*ruleSet
	shared   []string // files that hold them
	ignores  []Ignore
	findings diagnostic.List
	unread   bool
	unset    []string
}

func (d *Decoder) gather(paths []found) folder {
	var all folder
	for _, p := range paths {
		f := d.files[p.path]
		for i := range f.policies {
			all.policies = append(all.policies, &f.policies[i])
		}
		if len(f.ruleSets) > 0 {
			all.ruleSets = append(all.ruleSets, f.ruleSets...)
			all.shared = append(all.shared, p.path)
		}
		all.ignores = append(all.ignores, f.ignores...)
		all.findings = append(all.findings, f.findings...)
		all.unread = all.unread || f.unread
		all.unset = append(all.unset, f.unset...)
	}
	return all
}

// refresh decodes the files that have changed, forgets those that are gone,
// and returns an error for each that can't be read.
func (d *Decoder) refresh(fsys fs.FS, paths []found) (errs diagnostic.List) {
	last, known := d.files, d.catalog()
	d.files = make(map[string]file, len(paths))
	for _, p := range paths {
		if f := last[p.path]; f.hash == p.hash && p.hash != "" {
			d.files[p.path] = f
			continue
		}
		content, err := read(fsys, p.path)
		if err != nil {
			errs = append(errs, diagnostic.Diagnostic{Path: p.path, Message: err.Error()})
			continue
		}
		d.files[p.path] = decodeFile(known, p, content)
	}
	return errs
}

// catalog is what manifests are checked against, in the form that is fast to
// look things up in.
type catalog struct {
	fields    []policy.Field // of a document: a policy's own and policysync
	kinds     map[string]policy.Kind
	kindNames []string
	ruleKeys  []string // kindNames, and what else a rule may begin with
	vars      map[string]any
	varNames  []string // sorted
	openVars  bool
	pool      policy.Pool
}

func (d *Decoder) catalog() *catalog {
	c := &catalog{
		fields: Fields(),
		kinds:  map[string]policy.Kind{},
		vars:   d.Vars, varNames: slices.Sorted(maps.Keys(d.Vars)), openVars: d.OpenVars,
	}
	for _, k := range policy.Kinds() {
		c.kinds[k.Name] = k
		c.kindNames = append(c.kindNames, k.Name)
	}
	c.ruleKeys = append(slices.Clone(c.kindNames), UseKey)
	return c
}
