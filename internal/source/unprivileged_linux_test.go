package source_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/policysync/policysync/internal/source"
)

// asNobody runs do on a thread for which file permissions count, even when
// the tests run as root. The thread ends with it.
func asNobody(t *testing.T, do func()) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread must not serve others
		err := error(nil)
		if os.Geteuid() == 0 {
			err = syscall.Setfsuid(65534)
		}
		if err == nil {
			do()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// openToAll lets everybody walk through the folders that t.TempDir made.
func openToAll(t *testing.T, dir string) {
	t.Helper()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCacheFolderThatIsReadOnlyIsAnError(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{"a.yaml": "1"})
	o := r.options()
	o.CacheDir = t.TempDir()
	openToAll(t, o.CacheDir)
	if err := os.Chmod(o.CacheDir, 0o555); err != nil {
		t.Fatal(err)
	}
	g := newGit(t, o)
	asNobody(t, func() {
		_, err := g.Fetch(t.Context())
		if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "make the cache folder, which must be writable: mkdir "+o.CacheDir) {
			t.Errorf("error %v", err)
		}
	})
	if err := os.Chmod(o.CacheDir, 0o700); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, fetch(t, g), files{"a.yaml": "1"})
}

func TestUnreadableLocalFilesAndFoldersAreErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	openToAll(t, dir)
	write(t, filepath.Join(dir, "open.yaml"), "1")
	write(t, filepath.Join(dir, "closed.yaml"), "1")
	write(t, filepath.Join(dir, "closed", "a.yaml"), "1")
	for name, mode := range map[string]fs.FileMode{"open.yaml": 0o644, "closed.yaml": 0, "closed": 0} {
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { // so that it can be removed by who isn't root, too
		if err := os.Chmod(filepath.Join(dir, "closed"), 0o700); err != nil {
			t.Error(err)
		}
	})
	asNobody(t, func() {
		s, err := source.NewDir(dir).Fetch(t.Context())
		if err != nil {
			t.Error(err)
			return
		}
		if _, err := fs.ReadFile(s.FS, "open.yaml"); err != nil {
			t.Error(err)
		}
		if _, err := fs.ReadFile(s.FS, "closed.yaml"); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("closed file: %v", err)
		}
		if entries, err := fs.ReadDir(s.FS, "closed"); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("closed folder: %v, %v", entries, err)
		}
		if _, err := source.NewDir(filepath.Join(dir, "closed")).Fetch(t.Context()); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("closed root: %v", err)
		}
	})
}
