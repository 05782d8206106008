package source_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/policysync/policysync/internal/source"
)

func newFolder(t *testing.T, content files) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "policies")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range content {
		write(t, filepath.Join(dir, name), text)
	}
	return dir
}

func fetchDir(t *testing.T, dir string) *source.Snapshot {
	t.Helper()
	s, err := source.NewDir(dir).Fetch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestDirShowsALocalFolderAsItIs(t *testing.T) {
	t.Parallel()
	want := files{"a.yaml": "1", "sub/b.yaml": "2", "sub/deeper/caf\u00e9.yaml": ""}
	dir := newFolder(t, want)
	s := fetchDir(t, dir)
	wantFiles(t, s, want)
	if err := fstest.TestFS(s.FS, "a.yaml", "sub/b.yaml", "sub/deeper/caf\u00e9.yaml"); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(&source.Snapshot{Root: dir}, s, cmpopts.IgnoreFields(source.Snapshot{}, "FS")); diff != "" {
		t.Errorf("a local folder has no commit (-want +got):\n%s", diff)
	}
	write(t, filepath.Join(dir, "a.yaml"), "changed")
	want["a.yaml"] = "changed"
	wantFiles(t, fetchDir(t, dir), want)
}

func TestDirFollowsNoLinkAndOpensNothingSpecial(t *testing.T) {
	t.Parallel()
	dir := newFolder(t, files{"a.yaml": "1", "sub/b.yaml": "2", "caf\xe9.yaml": "x"})
	pipe(t, filepath.Join(dir, "pipe"))
	for name, target := range map[string]string{"link.yaml": "a.yaml", "linked": "sub", "out": "../..", "broken": "nothing"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	s := fetchDir(t, dir)
	kinds := map[string]fs.FileMode{}
	for name, entry := range list(t, s.FS, ".") {
		kinds[name] = entry.Mode.Type()
	}
	want := map[string]fs.FileMode{
		"a.yaml": 0, "sub": fs.ModeDir, "caf\xe9.yaml": 0, "pipe": fs.ModeNamedPipe,
		"link.yaml": fs.ModeSymlink, "linked": fs.ModeSymlink, "out": fs.ModeSymlink, "broken": fs.ModeSymlink,
	}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	const link = "is a symbolic link, which is not followed"
	for name, c := range map[string]struct{ at, text string }{
		"link.yaml": {"link.yaml", link}, "linked": {"linked", link}, "linked/b.yaml": {"linked", link},
		"out": {"out", link}, "out/x": {"out", link}, "broken": {"broken", link},
		"pipe": {"pipe", "is a special file, which is not followed"}, "../x": {"../x", fs.ErrInvalid.Error()},
	} {
		_, openErr := s.FS.Open(name)
		_, readErr := fs.ReadFile(s.FS, name)
		_, listErr := fs.ReadDir(s.FS, name)
		for _, err := range []error{openErr, readErr, listErr} {
			if name == "linked/b.yaml" || name == "out/x" {
				if err == nil {
					t.Errorf("%s: a link was followed", name)
				}
				continue
			}
			wantPathError(t, err, c.at, c.text)
		}
	}
	if info, err := fs.Stat(s.FS, "link.yaml"); err != nil || info.Mode().Type() != fs.ModeSymlink {
		t.Errorf("Stat of a link: %v, %v", info, err)
	}
	if info, err := fs.Stat(s.FS, "linked/b.yaml"); err == nil {
		t.Errorf("Stat through a link: %v", info)
	}
}

func TestDirMayBeNamedByALink(t *testing.T) {
	t.Parallel()
	want := files{"a.yaml": "1"}
	link := filepath.Join(t.TempDir(), "current")
	if err := os.Symlink(newFolder(t, want), link); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, fetchDir(t, link), want)
}

func TestDirThatIsNoFolderIsAnError(t *testing.T) {
	t.Parallel()
	dir := newFolder(t, files{"file": "x"})
	for name, want := range map[string]string{
		"nothing": "folder " + dir + "/nothing does not exist",
		"file":    dir + "/file is a file and not a folder",
	} {
		_, err := source.NewDir(filepath.Join(dir, name)).Fetch(t.Context())
		if err == nil || err.Error() != want || !errors.Is(err, source.ErrNotFound) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	if _, err := source.NewDir(filepath.Join(dir, "file", "x")).Fetch(t.Context()); err == nil {
		t.Error("a folder in a file was found")
	}
}

func TestDirThatVanishesIsAnErrorAndNotAnEmptySet(t *testing.T) {
	t.Parallel()
	dir := newFolder(t, files{"a.yaml": "1"})
	s := fetchDir(t, dir)
	remove(t, dir)
	if entries, err := fs.ReadDir(s.FS, "."); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("entries %v, error %v", entries, err)
	}
	if _, err := fs.ReadFile(s.FS, "a.yaml"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

func TestDirHeedsTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := source.NewDir(t.TempDir()).Fetch(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// pipe makes a named pipe: whoever opened it would wait for a writer.
func pipe(t *testing.T, name string) {
	t.Helper()
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
}
