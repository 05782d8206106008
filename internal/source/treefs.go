package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
)

var errIsFolder = errors.New("is a folder")

// treeFS is the fs.FS of a Snapshot that came out of Git.
type treeFS struct {
	root  *node
	store *store
}

var _ interface {
	fs.ReadDirFS
	fs.ReadFileFS
	fs.StatFS
} = (*treeFS)(nil)

// find returns what name stands for; no link is followed.
func (t *treeFS) find(op, name string) (*node, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	n := t.root
	if name == "." {
		return n, nil
	}
	for part := range strings.SplitSeq(name, "/") {
		if n = n.child(part); n == nil {
			return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
		}
	}
	return n, nil
}

// openable refuses what is neither a file nor a folder.
func openable(op, name string, mode fs.FileMode) error {
	if mode.IsRegular() || mode.IsDir() {
		return nil
	}
	return &fs.PathError{Op: op, Path: name, Err: fmt.Errorf("is %s, which is not followed", describe(mode))}
}

// Open opens a file or folder; links and submodules are refused.
func (t *treeFS) Open(name string) (fs.File, error) {
	n, err := t.find("open", name)
	if err != nil {
		return nil, err
	}
	if err := openable("open", name, n.mode); err != nil {
		return nil, err
	}
	if n.IsDir() {
		return &openFolder{node: n, path: name}, nil
	}
	return &openFile{node: n, path: name, store: t.store}, nil
}

// Stat describes what name is, a link as a link.
func (t *treeFS) Stat(name string) (fs.FileInfo, error) {
	n, err := t.find("stat", name)
	if err != nil {
		return nil, err
	}
	return n, nil
}

// ReadDir lists a folder by name.
func (t *treeFS) ReadDir(name string) ([]fs.DirEntry, error) {
	n, err := t.find("readdir", name)
	if err != nil {
		return nil, err
	}
	if !n.IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("is not a folder")}
	}
	return n.entries(), nil
}

// ReadFile returns the content that the commit has.
func (t *treeFS) ReadFile(name string) ([]byte, error) {
	n, err := t.find("read", name)
	if err != nil {
		return nil, err
	}
	if err := openable("read", name, n.mode); err != nil {
		return nil, err
	}
	if n.IsDir() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errIsFolder}
	}
	return readBlob(t.store, n, name)
}

func readBlob(s *store, n *node, name string) ([]byte, error) {
	content, err := s.blob(n.hash)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return content, nil
}

func (n *node) entries() []fs.DirEntry {
	entries := make([]fs.DirEntry, len(n.children))
	for i, child := range n.children {
		entries[i] = child
	}
	return entries
}

// openFile reads its content at the first Read: who opens a file only to learn
// its size does not pay for it.
type openFile struct {
	*node
	path    string
	store   *store
	content *bytes.Reader
}

// Stat describes the file.
func (f *openFile) Stat() (fs.FileInfo, error) { return f.node, nil }

// Close does nothing: nothing is held open.
func (f *openFile) Close() error { return nil }

// Read reads on from the content.
func (f *openFile) Read(p []byte) (int, error) {
	if f.content == nil {
		content, err := readBlob(f.store, f.node, f.path)
		if err != nil {
			return 0, err
		}
		f.content = bytes.NewReader(content)
	}
	return f.content.Read(p) //nolint:wrapcheck // io.EOF must stay bare
}

type openFolder struct {
	*node
	path string
	next int
}

// Stat describes the folder.
func (f *openFolder) Stat() (fs.FileInfo, error) { return f.node, nil }

// Close does nothing: nothing is held open.
func (f *openFolder) Close() error { return nil }

// Read refuses: a folder has no content.
func (f *openFolder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: f.path, Err: errIsFolder}
}

// ReadDir lists on, at most n entries when n is above 0 (fs.ReadDirFile).
func (f *openFolder) ReadDir(n int) ([]fs.DirEntry, error) {
	left := f.entries()[f.next:]
	if n > 0 {
		if len(left) == 0 {
			return nil, io.EOF
		}
		left = left[:min(n, len(left))]
	}
	f.next += len(left)
	return slices.Clip(left), nil
}
