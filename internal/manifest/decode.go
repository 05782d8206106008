package manifest

import (
	"io/fs"
	"slices"

	"github.com/policysync/policysync/internal/diagnostic"
	"github.com/policysync/policysync/internal/policy"
)

// Set is what a folder declares.
type Set struct {
	Policies []policy.Desired // in the order of their paths, then as in the file
	Warnings diagnostic.List  // what was passed over, such as a submodule
	Files    int              // manifest files read
}

// Decode reads every manifest in fsys: files named *.yaml or *.yml, at any
// depth; those whose name, or whose folder's, begins with "." are passed over.
//
// The error is a diagnostic.List of all errors of all files, in path order;
// the Set then has no Policies. Unreadable files and symbolic links count as
// errors: a policy that can't be seen must not be taken for removed.
func Decode(fsys fs.FS) (Set, error) {
	files, errs, warnings := find(fsys)
	known := newCatalog()
	set := Set{Warnings: warnings}
	var all []declared
	for _, path := range files {
		content, err := read(fsys, path)
		if err != nil {
			errs = append(errs, diagnostic.Diagnostic{Path: path, Message: err.Error()})
			continue
		}
		set.Files++
		policies, findings := decodeFile(known, path, content)
		all, errs = append(all, policies...), append(errs, findings...)
	}
	errs = append(errs, clashes(all)...)
	if err := errs.Err(); err != nil {
		return set, err
	}
	set.Policies = make([]policy.Desired, len(all))
	for i, d := range all {
		set.Policies[i] = d.Desired
	}
	return set, nil
}

// catalog is what manifests are checked against, in the form that is fast to
// look things up in.
type catalog struct {
	fields    []policy.Field // of a document: a policy's own and policysync
	kinds     map[string]policy.Kind
	kindNames []string
}

func newCatalog() *catalog {
	c := &catalog{
		fields: append(slices.Clone(policy.Fields()), settings),
		kinds:  map[string]policy.Kind{},
	}
	for _, k := range policy.Kinds() {
		c.kinds[k.Name] = k
		c.kindNames = append(c.kindNames, k.Name)
	}
	return c
}
