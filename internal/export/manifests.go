package export

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"

	"github.com/policysync/policysync/internal/diagnostic"
	"github.com/policysync/policysync/internal/manifest"
	"github.com/policysync/policysync/internal/policy"
)

// edit alters the manifests that say otherwise than the account: of each file
// the last one first, so that the lines of those before it keep their numbers.
func (e *exporter) edit() error {
	slices.SortFunc(e.edits, func(a, b pair) int {
		one, other := e.set.Policies[a.manifest], e.set.Policies[b.manifest]
		return cmp.Or(cmp.Compare(one.File, other.File), cmp.Compare(other.Line, one.Line))
	})
	for _, x := range e.edits {
		if err := e.alter(x); err != nil {
			return err
		}
	}
	return nil
}

func (e *exporter) alter(x pair) error {
	d := e.set.Policies[x.manifest]
	content, err := fs.ReadFile(e.folder, d.File)
	if err != nil {
		return err
	}
	nth := 0 // of the file's policies
	for x.manifest > nth && e.set.Policies[x.manifest-nth-1].File == d.File {
		nth++
	}
	var key string
	edited, err := manifest.Edit(content, d, e.set.Origins[x.manifest], x.live.Known(), e.names, func(edited []byte) bool {
		all, err := e.declaredBy(d.File, edited)
		if err != nil || nth >= len(all) || !policy.Equal(all[nth].Policy, x.live.Known()) {
			return false
		}
		key = all[nth].Key
		return true
	})
	if err != nil {
		return err
	}
	if edited == nil {
		_, why, err := e.encode(x.live, d.Key)
		e.skip(x.live, cmp.Or(why, fmt.Sprintf("its manifest at %s:%d says otherwise, and export can't alter that: do so by hand", d.File, d.Line)))
		return err
	}
	e.folder.files[d.File] = edited
	e.declare(x.live, key)
	for _, gone := range goneVariables(content, edited) {
		e.result.Notes = append(e.result.Notes, fmt.Sprintf("in the manifest at %s:%d, a value stands in place of %s: for other targets too", d.File, d.Line, gone))
	}
	return nil
}

var variable = regexp.MustCompile(`\$\{vars\.\w+\}`)

// goneVariables returns the variables that stand in a file less often than
// before.
func goneVariables(before, after []byte) (gone []string) {
	for _, v := range variable.FindAll(before, -1) {
		if bytes.Count(after, v) < bytes.Count(before, v) && !slices.Contains(gone, string(v)) {
			gone = append(gone, string(v))
		}
	}
	return gone
}

// create writes the manifests that aren't there yet.
func (e *exporter) create() error {
	for _, l := range e.news {
		key := cmp.Or(e.owned[l.ID], l.Name)
		if why := e.clash(l, key); why != "" {
			e.skip(l, why)
			continue
		}
		content, why, err := e.encode(l, key)
		if err != nil {
			return err
		}
		if why != "" {
			e.skip(l, why)
			continue
		}
		file := e.paths.choose(l)
		e.folder.files[file] = content
		e.result.New = append(e.result.New, file)
		e.declare(l, key)
	}
	return nil
}

// clash returns why a policy can't have a manifest beside those that there are,
// or "".
func (e *exporter) clash(l policy.Live, key string) string {
	i, taken := e.byName[l.Name]
	if !taken {
		i, taken = e.before[l.Name]
	}
	switch {
	case taken:
		return fmt.Sprintf("the manifest of another policy, %s:%d, lays claim to its name: rename one of the two", e.set.Policies[i].File, e.set.Policies[i].Line)
	case e.keys[key]:
		return fmt.Sprintf("the manifest of another policy has its key, %q: rename one of the two", key)
	}
	return ""
}

// encode returns a policy's manifest, or why none can declare it.
func (e *exporter) encode(l policy.Live, key string) (content []byte, why string, err error) {
	content, err = manifest.Encode(policy.Desired{Policy: l.Policy, Key: key}, e.names)
	if err != nil {
		return nil, "", err
	}
	return content, e.misread(content, l), nil
}

// misread returns why a manifest doesn't declare a policy, or "".
func (e *exporter) misread(content []byte, l policy.Live) string {
	all, err := e.declaredBy("manifest.yaml", content)
	if found, ok := errors.AsType[diagnostic.List](err); ok {
		return fmt.Sprintf("a manifest can't hold it (%s): alter the policy at the dashboard, then export again", found[0].Message)
	}
	if err != nil {
		return err.Error()
	}
	if len(all) != 1 || !policy.Equal(all[0].Policy, l.Known()) {
		return "it has something in it that this version doesn't know and a manifest can't hold: update policysync, or go on managing it at the dashboard"
	}
	return ""
}

// declaredBy returns what a file of the folder declares when it has that
// content. Of the others, those that hold rule sets are looked at where it uses
// one.
func (e *exporter) declaredBy(file string, content []byte) (all []policy.Desired, err error) {
	const name = "manifest.yaml"
	alone := overlay{nil, map[string][]byte{name: content}}
	set, err := e.decode(alone, true)
	if err == nil && len(set.Unseen) > 0 {
		for i, other := range e.set.Shared {
			if other == file {
				continue
			}
			if alone.files[fmt.Sprintf("shared-%d.yaml", i)], err = fs.ReadFile(e.folder, other); err != nil {
				return nil, err
			}
		}
		set, err = e.decode(alone, false)
	}
	if err == nil {
		set, err = set.Resolve(e.Things)
	}
	for _, d := range set.Policies {
		if d.File == name {
			all = append(all, d)
		}
	}
	return all, err
}
