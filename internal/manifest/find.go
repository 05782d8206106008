package manifest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/policysync/policysync/internal/diagnostic"
)

// MaxFileSize is how large a manifest file may be, in bytes. It has room for
// some thousand policies and keeps the memory that a hostile file can take,
// about two hundred times its size, within what a small container has.
const MaxFileSize = 1 << 20

// found is a manifest file.
type found struct {
	path string
	hash string // of its content; empty when it isn't known
}

// finder collects a folder's manifest files.
type finder struct {
	fsys     fs.FS
	files    []found
	errs     diagnostic.List
	warnings diagnostic.List
}

// find returns all manifest files, sorted by path.
func find(fsys fs.FS) (files []found, errs, warnings diagnostic.List) {
	f := &finder{fsys: fsys}
	f.folder(".")
	slices.SortFunc(f.files, func(a, b found) int { return strings.Compare(a.path, b.path) })
	f.warnings.Sort()
	return f.files, f.errs, f.warnings
}

func (f *finder) folder(folder string) {
	entries, err := fs.ReadDir(f.fsys, folder)
	if err != nil {
		f.fail(folder, "the folder can't be read: %v", reason(err))
	}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), ".") {
			f.entry(path.Join(folder, entry.Name()), entry)
		}
	}
}

func (f *finder) entry(name string, entry fs.DirEntry) {
	manifest := slices.Contains([]string{".yaml", ".yml"}, path.Ext(name))
	switch mode := entry.Type(); {
	case (manifest || mode.IsDir()) && !printable(entry.Name()):
		f.fail(strconv.Quote(name), "the name is not printable UTF-8: rename it")
	case mode.IsDir():
		f.folder(name)
	case mode&fs.ModeSymlink != 0:
		f.fail(name, "is a symbolic link, and these are not followed: put the file or folder itself here")
	case mode&fs.ModeIrregular != 0:
		f.warnings = append(f.warnings, diagnostic.Diagnostic{
			Path: name, Severity: diagnostic.Warning, Message: "is a Git submodule and is passed over: its manifests are not read",
		})
	case !manifest:
	case !mode.IsRegular():
		f.fail(name, "is not a regular file: remove it or name it otherwise")
	default:
		f.file(name, entry)
	}
}

// file takes a manifest file unless it is already known to be too large.
func (f *finder) file(name string, entry fs.DirEntry) {
	switch info, err := entry.Info(); {
	case err != nil:
		f.fail(name, "can't be read: %v", reason(err))
	case info.Size() > MaxFileSize:
		f.fail(name, "%v", tooLarge(info.Size()))
	default:
		at := found{path: name}
		if hashed, ok := info.(interface{ ContentHash() string }); ok {
			at.hash = hashed.ContentHash()
		}
		f.files = append(f.files, at)
	}
}

func (f *finder) fail(path, format string, args ...any) {
	f.errs = append(f.errs, diagnostic.Diagnostic{Path: path, Message: fmt.Sprintf(format, args...)})
}

// read returns a manifest file's content, which may have grown since its size
// was asked.
func read(fsys fs.FS, name string) (content []byte, err error) {
	file, err := fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("can't be read: %w", reason(err))
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	content, err = io.ReadAll(io.LimitReader(file, MaxFileSize+1))
	if err != nil {
		return nil, fmt.Errorf("can't be read: %w", reason(err))
	}
	if len(content) > MaxFileSize {
		return nil, tooLarge(int64(len(content)))
	}
	return content, nil
}

func tooLarge(size int64) error {
	return fmt.Errorf("is too large: %d bytes, and the limit is %d: split it into several files", size, MaxFileSize)
}

// reason returns an error without the path that a diagnostic names already.
func reason(err error) error {
	if inner, ok := errors.AsType[*fs.PathError](err); ok {
		return inner.Err
	}
	return err
}

func printable(name string) bool {
	return utf8.ValidString(name) && !strings.ContainsFunc(name, unicode.IsControl)
}
