package source

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// maxEntries caps the files and folders under Options.Path: a commit of a few
// hundred bytes can spell out billions of them, one folder being used again
// and again.
const maxEntries = 200_000

// node is a file or folder of a commit. It is its own fs.FileInfo and
// fs.DirEntry, and never changes.
type node struct {
	name     string
	mode     fs.FileMode
	size     int64
	time     time.Time
	hash     plumbing.Hash
	children []*node // of a folder, by name
}

// Name returns the last part of its path, byte for byte as in the commit.
func (n *node) Name() string { return n.name }

// Mode returns the mode that a checkout would give it.
func (n *node) Mode() fs.FileMode { return n.mode }

// Type returns the type bits of Mode.
func (n *node) Type() fs.FileMode { return n.mode.Type() }

// Size returns the length of a file's content in bytes.
func (n *node) Size() int64 { return n.size }

// ModTime returns when the commit was committed.
func (n *node) ModTime() time.Time { return n.time }

// IsDir reports whether it is a folder.
func (n *node) IsDir() bool { return n.mode.IsDir() }

// Sys returns nil.
func (n *node) Sys() any { return nil }

// ContentHash returns the object's hash as bytes: equal ones have equal content.
func (n *node) ContentHash() string { return string(n.hash[:]) }

// Info returns the node itself.
func (n *node) Info() (fs.FileInfo, error) { return n, nil }

// child returns the entry of that name, or nil.
func (n *node) child(name string) *node {
	i, found := slices.BinarySearchFunc(n.children, name, func(c *node, name string) int {
		return cmp.Compare(c.name, name)
	})
	if !found {
		return nil
	}
	return n.children[i]
}

// treeReader turns Git's trees into nodes.
type treeReader struct {
	store   *store
	time    time.Time
	entries int
}

// open returns the folder at path in the commit, with all that is below it.
func (t *treeReader) open(commit *object.Commit, path string) (*node, error) {
	hash := commit.TreeHash
	if path != "." {
		for part := range strings.SplitSeq(path, "/") {
			tree, err := t.store.tree(hash)
			if err != nil {
				return nil, err
			}
			entry, err := folderIn(tree, part, path)
			if err != nil {
				return nil, err
			}
			hash = entry.Hash
		}
	}
	root := &node{name: ".", mode: fs.ModeDir | 0o555, hash: hash, time: t.time}
	return root, t.fill(root)
}

func folderIn(tree *object.Tree, name, path string) (object.TreeEntry, error) {
	for _, entry := range tree.Entries {
		if entry.Name != name {
			continue
		}
		if entry.Mode != filemode.Dir {
			return entry, notFound(fmt.Sprintf("path %s does not lead to a folder: %s is %s", path, name, describe(modeOf(entry.Mode))))
		}
		return entry, nil
	}
	return object.TreeEntry{}, notFound(fmt.Sprintf("path %s is not in the commit: there is no %s: check source.path", path, name))
}

// fill adds a folder's entries, and theirs.
func (t *treeReader) fill(folder *node) error {
	tree, err := t.store.tree(folder.hash)
	if err != nil {
		return err
	}
	if t.entries += len(tree.Entries); t.entries > maxEntries {
		return fmt.Errorf("there are more than %d files and folders: set path to the folder with the policies", maxEntries)
	}
	for _, entry := range tree.Entries {
		child, err := t.entry(entry)
		if err != nil {
			return err
		}
		folder.children = append(folder.children, child)
	}
	slices.SortFunc(folder.children, func(a, b *node) int { return cmp.Compare(a.name, b.name) })
	for i, child := range folder.children {
		if i > 0 && folder.children[i-1].name == child.name {
			return fmt.Errorf("folder %s of the commit has two entries named %q: run git fsck on the repository", folder.hash, child.name)
		}
	}
	return nil
}

func (t *treeReader) entry(entry object.TreeEntry) (*node, error) {
	if entry.Name == "." || entry.Name == ".." || strings.Contains(entry.Name, "/") {
		return nil, fmt.Errorf("the commit has an entry named %q, which Git forbids: run git fsck on the repository", entry.Name)
	}
	n := &node{name: entry.Name, mode: modeOf(entry.Mode), hash: entry.Hash, time: t.time}
	if n.IsDir() {
		return n, t.fill(n)
	}
	return n, nil
}

// folder returns the folder at path in a commit, with all that is below it and
// the size of each file, all of which must be there.
func (s *store) folder(commit *object.Commit, path string) (*node, error) {
	reader := treeReader{store: s, time: commit.Committer.When}
	root, err := reader.open(commit, path)
	if err != nil {
		return nil, err
	}
	return root, root.each(func(file *node) (err error) {
		file.size, err = s.size(file.hash)
		return err
	})
}

// each hands every file and link below a folder to do, until an error. A
// submodule's commit is in another repository and isn't among them.
func (n *node) each(do func(*node) error) error {
	for _, child := range n.children {
		next := do
		switch child.mode.Type() {
		case fs.ModeDir:
			next = func(folder *node) error { return folder.each(do) }
		case fs.ModeIrregular:
			continue
		}
		if err := next(child); err != nil {
			return err
		}
	}
	return nil
}

// filesBelow returns the objects of the files below a folder of a commit, each
// once; they need not be in the store.
func (s *store) filesBelow(hash plumbing.Hash, folder string) ([]plumbing.Hash, error) {
	commit, err := s.commit(hash)
	if err != nil {
		return nil, err
	}
	reader := treeReader{store: s}
	root, err := reader.open(commit, folder)
	if err != nil {
		return nil, err
	}
	var files []plumbing.Hash
	err = root.each(func(file *node) error {
		files = append(files, file.hash)
		return nil
	})
	plumbing.HashesSort(files)
	return slices.Compact(files), err
}

func modeOf(m filemode.FileMode) fs.FileMode {
	switch m {
	case filemode.Dir:
		return fs.ModeDir | 0o555
	case filemode.Symlink:
		return fs.ModeSymlink | 0o777
	case filemode.Executable:
		return 0o555
	case filemode.Regular, filemode.Deprecated:
		return 0o444
	}
	return fs.ModeIrregular
}

// describe names the kind of a file for a person.
func describe(mode fs.FileMode) string {
	switch mode.Type() {
	case 0:
		return "a file"
	case fs.ModeDir:
		return "a folder"
	case fs.ModeSymlink:
		return "a symbolic link"
	case fs.ModeIrregular:
		return "a submodule"
	}
	return "a special file"
}
