package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
)

// Dir is a local folder that is used as it is, without Git. It is safe for
// concurrent use.
type Dir struct{ path string }

// NewDir returns the source for a folder; nothing is read yet. The folder
// itself may be named by a symbolic link.
func NewDir(path string) *Dir { return &Dir{path: path} }

// Fetch returns the folder. A missing one, a file in its place, or one that
// cannot be listed is an error; the first two match ErrNotFound.
func (d *Dir) Fetch(ctx context.Context) (*Snapshot, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("read folder %s: %w", d.path, err)
	}
	info, err := os.Stat(d.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, notFound(fmt.Sprintf("folder %s does not exist", d.path))
	case err != nil:
		return nil, fmt.Errorf("read folder: %w", err)
	case !info.IsDir():
		return nil, notFound(fmt.Sprintf("%s is %s and not a folder", d.path, describe(info.Mode())))
	}
	files := dirFS{root: d.path}
	if _, err := files.ReadDir("."); err != nil {
		return nil, fmt.Errorf("read folder %s: %w", d.path, err)
	}
	return &Snapshot{Root: d.path, FS: files}, nil
}

// Last returns nil: what the folder held is not kept.
func (d *Dir) Last(context.Context) *Snapshot { return nil }

// dirFS shows a folder and follows no link. It opens the root anew for each
// call, so that there is nothing to close and a replaced folder is seen.
type dirFS struct{ root string }

var _ interface {
	fs.ReadDirFS
	fs.ReadFileFS
	fs.StatFS
} = dirFS{}

// Open opens a file or folder; links and special files are refused.
func (d dirFS) Open(name string) (fs.File, error) {
	return inRoot(d, "open", name, func(r *os.Root) (fs.File, error) {
		if err := unlinked(r, "open", name); err != nil {
			return nil, err
		}
		f, err := r.Open(name)
		if err != nil {
			return nil, err //nolint:wrapcheck // as in unlinked
		}
		return f, nil
	})
}

// Stat describes what name is, a link as a link.
func (d dirFS) Stat(name string) (fs.FileInfo, error) {
	return inRoot(d, "stat", name, func(r *os.Root) (fs.FileInfo, error) {
		if err := unlinked(r, "stat", path.Dir(name)); err != nil {
			return nil, err
		}
		return r.Lstat(name)
	})
}

// ReadDir lists a folder by name.
func (d dirFS) ReadDir(name string) ([]fs.DirEntry, error) {
	return inRoot(d, "readdir", name, func(r *os.Root) ([]fs.DirEntry, error) {
		if err := unlinked(r, "readdir", name); err != nil {
			return nil, err
		}
		return fs.ReadDir(r.FS(), name)
	})
}

// ReadFile returns a file as it is at this moment.
func (d dirFS) ReadFile(name string) ([]byte, error) {
	return inRoot(d, "read", name, func(r *os.Root) ([]byte, error) {
		if err := unlinked(r, "read", name); err != nil {
			return nil, err
		}
		return r.ReadFile(name)
	})
}

// inRoot runs do in the folder; os.Root keeps it there even when somebody
// swaps a folder for a link in the meantime.
func inRoot[T any](d dirFS, op, name string, do func(*os.Root) (T, error)) (T, error) {
	var none T
	if !fs.ValidPath(name) {
		return none, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	root, err := os.OpenRoot(d.root)
	if err != nil {
		return none, fmt.Errorf("open the local folder: %w", err)
	}
	defer func() { _ = root.Close() }() // opened for reading: nothing can be lost
	return do(root)
}

// unlinked refuses name when it, or a folder on the way to it, is a link or
// some special file: opening a named pipe would wait for ever.
func unlinked(r *os.Root, op, name string) error {
	for at := name; at != "."; at = path.Dir(at) {
		info, err := r.Lstat(at)
		if err != nil {
			return err //nolint:wrapcheck // a *fs.PathError, as an fs.FS must return
		}
		if err := openable(op, at, info.Mode()); err != nil {
			return err
		}
	}
	return nil
}
