package export

import (
	"bytes"
	"io/fs"
	"slices"
	"time"
)

// overlay is a folder in which some files are, or are to be, others. Without a
// folder below, they are all there is; what isn't below stands at its top.
type overlay struct {
	below fs.FS
	files map[string][]byte
}

// Open opens a file as it is to be.
func (o overlay) Open(name string) (fs.File, error) {
	if content, there := o.files[name]; there {
		return file{bytes.NewReader(content), info{name, int64(len(content))}}, nil
	}
	if o.below == nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return o.below.Open(name)
}

// ReadDir lists a folder with the files that are to come.
func (o overlay) ReadDir(dir string) (entries []fs.DirEntry, err error) {
	if o.below != nil {
		entries, err = fs.ReadDir(o.below, dir)
	}
	if dir != "." {
		return entries, err
	}
	for name, content := range o.files {
		there := func(e fs.DirEntry) bool { return e.Name() == name }
		if fs.ValidPath(name) && !bytes.ContainsRune([]byte(name), '/') && !slices.ContainsFunc(entries, there) {
			entries = append(entries, fs.FileInfoToDirEntry(info{name, int64(len(content))}))
		}
	}
	return entries, err
}

// file is one that is open.
type file struct {
	*bytes.Reader

	about info
}

// Stat describes the file.
func (f file) Stat() (fs.FileInfo, error) { return f.about, nil }

// Close does nothing.
func (f file) Close() error { return nil }

// info describes a file.
type info struct {
	name string
	size int64
}

// Name is the file's name.
func (i info) Name() string { return i.name }

// Size is how long it is.
func (i info) Size() int64 { return i.size }

// Mode says that it is a regular file.
func (i info) Mode() fs.FileMode { return 0 }

// ModTime isn't known.
func (i info) ModTime() time.Time { return time.Time{} }

// IsDir says that it is no folder.
func (i info) IsDir() bool { return false }

// Sys is nothing.
func (i info) Sys() any { return nil }
