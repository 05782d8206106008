package source

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
)

// namesShown is how many of the existing names the error about a missing one lists.
const namesShown = 8

var fullHash = regexp.MustCompile(`^[0-9a-f]{40}$`)

// reference is the one branch, tag or commit that is followed.
type reference struct {
	kind refKind
	name string
}

type refKind string

const (
	branchRef refKind = "branch"
	tagRef    refKind = "tag"
	commitRef refKind = "commit"

	branchFolder = "refs/heads/"
	tagFolder    = "refs/tags/"
)

// tip is what a reference stands for at one moment.
type tip struct {
	want   plumbing.Hash // the object to ask the server for
	commit plumbing.Hash // the commit it is or, for an annotated tag, names
}

func newReference(o Options) (reference, error) {
	var given []reference
	for kind, name := range map[refKind]string{branchRef: o.Branch, tagRef: o.Tag, commitRef: o.Commit} {
		if name != "" {
			given = append(given, reference{kind, name})
		}
	}
	if len(given) != 1 {
		return reference{}, errors.New("set exactly one of branch, tag and commit")
	}
	r := given[0]
	if r.pinned() {
		r.name = strings.ToLower(r.name)
		if !fullHash.MatchString(r.name) {
			return reference{}, fmt.Errorf("commit %q is not a full hash of 40 hex digits", o.Commit)
		}
	}
	return r, nil
}

// String returns the kind and the name, such as "branch main".
func (r reference) String() string { return string(r.kind) + " " + r.name }

// pinned reports whether the reference can never name another commit.
func (r reference) pinned() bool { return r.kind == commitRef }

// tip finds the reference among those that a server advertised.
func (r reference) tip(adv *packp.AdvRefs) (tip, error) {
	if r.pinned() {
		hash := plumbing.NewHash(r.name)
		return tip{hash, hash}, nil
	}
	folder := branchFolder
	if r.kind == tagRef {
		folder = tagFolder
	}
	full := folder + r.name
	want, found := adv.References[full]
	if !found {
		return tip{}, r.missing(adv, folder)
	}
	if peeled, annotated := adv.Peeled[full]; annotated {
		return tip{want, peeled}, nil
	}
	return tip{want, want}, nil
}

// missing says that the reference does not exist, and which ones do.
func (r reference) missing(adv *packp.AdvRefs, folder string) error {
	var names []string
	for _, full := range slices.Sorted(maps.Keys(adv.References)) {
		if name, found := strings.CutPrefix(full, folder); found {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return notFound(fmt.Sprintf("%s does not exist: the repository has none", r))
	}
	more := ""
	if len(names) > namesShown {
		more = fmt.Sprintf(" and %d more", len(names)-namesShown)
		names = names[:namesShown]
	}
	return notFound(fmt.Sprintf("%s does not exist: the repository has %s%s", r, strings.Join(names, ", "), more))
}
