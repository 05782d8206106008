package manifest_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/diagnostic"
	"github.com/policysync/policysync/internal/manifest"
)

const small = "name: A\ndecision: allow\ninclude: [everyone: {}]\n"

// write puts files below a new folder; a name that ends in "/" is a folder.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func wantErrors(t *testing.T, fsys fs.FS, want ...string) {
	t.Helper()
	set, err := manifest.Decode(fsys)
	if err == nil {
		t.Fatalf("no error, %d policies", len(set.Policies))
	}
	if diff := cmp.Diff(want, strings.Split(strings.TrimSuffix(lines(t, err), "\n"), "\n")); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}

func TestSymbolicLinksAreRefused(t *testing.T) {
	t.Parallel()
	root := write(t, map[string]string{"a.yaml": small, "other/b.yaml": small, ".hidden/c.yaml": small})
	for link, target := range map[string]string{
		"link.yaml": "a.yaml", "folder": "/etc", "loop": ".", "gone.yaml": "nowhere", ".ignored.yaml": "a.yaml",
	} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	const refused = ": is a symbolic link, and these are not followed: put the file or folder itself here"
	wantErrors(t, os.DirFS(root), "folder"+refused, "gone.yaml"+refused, "link.yaml"+refused, "loop"+refused,
		`other/b.yaml:1:7: the name "A" is already used at a.yaml:1`)
}

func TestNamesThatCanNotBePrintedAreRefused(t *testing.T) {
	t.Parallel()
	root := write(t, map[string]string{
		"ok.yaml": small, "b\xffd.yaml": small, "notes\xff.txt": "", "fold\xff/x.yaml": small, ".h\xff.yaml": small, "two\nlines.yml": small,
	})
	const refused = ": the name is not printable UTF-8: rename it"
	wantErrors(t, os.DirFS(root), `"b\xffd.yaml"`+refused, `"fold\xff"`+refused, `"two\nlines.yml"`+refused)
}

func TestSubmoduleIsPassedOverWithAWarning(t *testing.T) {
	t.Parallel()
	set, err := manifest.Decode(fstest.MapFS{
		"a.yaml": {Data: []byte(small)},
		"vendor": {Mode: fs.ModeIrregular},
		".theme": {Mode: fs.ModeIrregular},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := diagnostic.List{{Path: "vendor", Severity: diagnostic.Warning, Message: "is a Git submodule and is passed over: its manifests are not read"}}
	if diff := cmp.Diff(want, set.Warnings); diff != "" || len(set.Policies) != 1 || set.Files != 1 {
		t.Errorf("%d policies of %d files, warnings (-want +got):\n%s", len(set.Policies), set.Files, diff)
	}
}

func TestPipeNamedAsAManifestIsNotOpened(t *testing.T) {
	t.Parallel()
	root := write(t, map[string]string{"a.yaml": small})
	for _, name := range []string{"pipe.yaml", "pipe"} {
		if err := syscall.Mkfifo(filepath.Join(root, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	wantErrors(t, os.DirFS(root), "pipe.yaml: is not a regular file: remove it or name it otherwise")
}

func TestLargeFileIsRefusedUnread(t *testing.T) {
	t.Parallel()
	fits := small + strings.Repeat("#", manifest.MaxFileSize-len(small))
	for content, want := range map[string]string{
		fits:                        "",
		fits + "#":                  "a.yaml: is too large: 1048577 bytes, and the limit is 1048576: split it into several files",
		strings.Repeat(" ", 10<<20): "a.yaml: is too large: 10485760 bytes, and the limit is 1048576: split it into several files",
	} {
		files := &brokenFS{MapFS: fstest.MapFS{"a.yaml": {Data: []byte(content)}}, openFails: map[string]error{}}
		if want == "" {
			if _, err := manifest.Decode(files); err != nil {
				t.Error(err)
			}
			continue
		}
		files.openFails["a.yaml"] = errors.New("opened")
		wantErrors(t, files, want)
	}
}

func TestFileThatGrowsWhileItIsReadIsRefused(t *testing.T) {
	t.Parallel()
	files := &brokenFS{
		MapFS: fstest.MapFS{"a.yaml": {Data: []byte(small)}},
		grown: bytes.Repeat([]byte("#"), 10<<20),
	}
	wantErrors(t, files, "a.yaml: is too large: 1048577 bytes, and the limit is 1048576: split it into several files")
}

func TestWhatCanNotBeReadIsAnErrorNotAnAbsence(t *testing.T) {
	t.Parallel()
	files := &brokenFS{
		MapFS: fstest.MapFS{"a.yaml": {Data: []byte(small)}, "b.yaml": {Data: []byte("name: 1")}, "c/d.yaml": {Data: []byte(small)}},
		openFails: map[string]error{
			"a.yaml": &fs.PathError{Op: "open", Path: "/srv/policies/a.yaml", Err: fs.ErrPermission},
			"c":      &fs.PathError{Op: "open", Path: "/srv/policies/c", Err: errors.New("input/output error")},
		},
	}
	wantErrors(t, files,
		"a.yaml: can't be read: permission denied",
		`b.yaml:1:1: a policy needs the field "decision": one of allow, deny, non_identity, bypass`,
		`b.yaml:1:1: a policy needs the field "include"`,
		`b.yaml:1:7: name: want text, got the number 1: put it in quotes, "1"`,
		"c: the folder can't be read: input/output error")
}

func TestFolderThatIsNotThereIsAnError(t *testing.T) {
	t.Parallel()
	wantErrors(t, os.DirFS(filepath.Join(t.TempDir(), "policies")), ".: the folder can't be read: no such file or directory")
}

func TestFileThatFailsHalfwayIsAnError(t *testing.T) {
	t.Parallel()
	files := &brokenFS{MapFS: fstest.MapFS{"a.yaml": {Data: []byte(small)}}, readFails: errors.New("stale handle")}
	wantErrors(t, files, "a.yaml: can't be read: stale handle")
}

func TestFileThatIsGoneWhenItsSizeIsAskedIsAnError(t *testing.T) {
	t.Parallel()
	files := &brokenFS{MapFS: fstest.MapFS{"a.yaml": {Data: []byte(small)}}, infoFails: fs.ErrNotExist}
	wantErrors(t, files, "a.yaml: can't be read: file does not exist")
}

func TestFolderWithoutManifestsIsEmpty(t *testing.T) {
	t.Parallel()
	set, err := manifest.Decode(fstest.MapFS{"README.md": {Data: []byte("#")}})
	if err != nil || len(set.Policies) != 0 || set.Files != 0 || len(set.Warnings) != 0 {
		t.Errorf("got %+v, %v", set, err)
	}
}

// brokenFS is a file system with faults that a real one has rarely.
type brokenFS struct {
	fstest.MapFS
	openFails map[string]error
	readFails error
	infoFails error
	grown     []byte // what a file holds by the time it is opened
}

func (b *brokenFS) Open(name string) (fs.File, error) {
	if err := b.openFails[name]; err != nil {
		return nil, err
	}
	files := b.MapFS
	if b.grown != nil && name != "." {
		files = fstest.MapFS{name: {Data: b.grown}}
	}
	file, err := files.Open(name)
	if err == nil && b.readFails != nil && name != "." {
		file = brokenFile{file, b.readFails}
	}
	return file, err
}

func (b *brokenFS) ReadDir(name string) ([]fs.DirEntry, error) {
	if err := b.openFails[name]; err != nil {
		return nil, err
	}
	entries, err := b.MapFS.ReadDir(name)
	for i, e := range entries {
		if b.infoFails != nil {
			entries[i] = brokenEntry{e, b.infoFails}
		}
	}
	return entries, err
}

type brokenFile struct {
	fs.File
	err error
}

func (b brokenFile) Read([]byte) (int, error) { return 0, b.err }

type brokenEntry struct {
	fs.DirEntry
	err error
}

func (b brokenEntry) Info() (fs.FileInfo, error) { return nil, b.err }
