//go:build system

package sqlite_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/policysync/policysync/internal/state"
	"github.com/policysync/policysync/internal/state/sqlite"
)

// inside names, in the environment of a test's own process, that test.
const inside = "POLICYSYNC_TEST_INSIDE"

// inNamespace runs the calling test again in a process of its own, in which
// this user is user id in a new user and mount namespace: as 0 it may mount,
// as another it is bound by permissions even where it is root here. It reports
// whether this is that process; if not, there is nothing left to do.
func inNamespace(t *testing.T, id int) bool {
	t.Helper()
	if os.Getenv(inside) == t.Name() {
		return true
	}
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	child.Env = append(os.Environ(), inside+"="+t.Name(), "GORACE=atexit_sleep_ms=0")
	child.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: id, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: id, HostID: os.Getegid(), Size: 1}},
	}
	output, err := child.CombinedOutput()
	if err != nil || !strings.Contains(string(output), "--- PASS: "+t.Name()) {
		t.Errorf("%v\n%s", err, output)
	}
	return false
}

// mountSmall mounts a file system of that size and returns its folder.
func mountSmall(t *testing.T, size string) string {
	t.Helper()
	folder := t.TempDir()
	check(t, syscall.Mount("small", folder, "tmpfs", 0, "size="+size))
	t.Cleanup(func() { check(t, syscall.Unmount(folder, 0)) })
	return folder
}

func TestTinyDiskCannotHoldAState(t *testing.T) {
	t.Parallel()
	if !inNamespace(t, 0) {
		return
	}
	for _, size := range []string{"4k", "8k", "16k", "32k", "64k"} {
		path := filepath.Join(mountSmall(t, size), "state.db")
		for range 2 {
			_, err := sqlite.Open(t.Context(), path)
			wantError(t, err, state.ErrFull, path, "free some space")
		}
		_, err := sqlite.OpenReader(t.Context(), path)
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, state.ErrFull) {
			t.Errorf("%s: reading it gives %v", size, err)
		}
	}
}

func TestFullDiskRefusesWritesAndKeepsWhatItHas(t *testing.T) {
	t.Parallel()
	if !inNamespace(t, 0) {
		return
	}
	folder := mountSmall(t, "1m")
	path, ballast := filepath.Join(folder, "state.db"), filepath.Join(folder, "ballast")
	check(t, os.WriteFile(ballast, make([]byte, 256<<10), 0o600))
	store := open(t, path)
	check(t, store.StartRun(t.Context(), state.Run{ID: "run", Target: target}))
	stored, err := fill(t.Context(), store)
	wantError(t, err, state.ErrFull, path, "free some space")
	holdsKeys(t, store, stored)
	reader, err := sqlite.OpenReader(t.Context(), path)
	check(t, err)
	holdsKeys(t, reader, stored)
	check(t, reader.Close())
	check(t, os.Remove(ballast))
	check(t, settle(t.Context(), store, "once more"))
	check(t, store.Close())
	holdsKeys(t, open(t, path), append(stored, "once more"))
	isSound(t, path)
}

func TestReadOnlyFolderCanBeReadAndNotWritten(t *testing.T) {
	t.Parallel()
	if !inNamespace(t, 1000) {
		return
	}
	tests := map[string]func(t *testing.T, path string){
		"closed by its writer": func(*testing.T, string) {},
		"copied alone": func(t *testing.T, path string) {
			check(t, errors.Join(os.Remove(path+"-wal"), os.Remove(path+"-shm"), os.Remove(path+".lock")))
		},
		"left by a killed writer": func(t *testing.T, path string) {
			w := startWriter(t, path)
			for what := ""; what != "settled"; {
				what, _ = w.said(t)
			}
			w.kill(t)
		},
	}
	for name, prepare := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := written(t)
			prepare(t, path)
			readOnly(t, filepath.Dir(path))
			before := listing(t, filepath.Dir(path))
			reader, err := sqlite.OpenReader(t.Context(), path)
			check(t, err)
			records, err := reader.Records(t.Context(), target)
			check(t, err)
			if !contains(records, sample()[0].Key) {
				t.Errorf("the sample isn't among %v", records)
			}
			check(t, reader.Close())
			_, err = sqlite.Open(t.Context(), path)
			wantError(t, err, state.ErrReadOnly, path, "make the file and its folder writable")
			if after := listing(t, filepath.Dir(path)); after != before {
				t.Errorf("the folder held %s, now %s", before, after)
			}
		})
	}
}

// TestLogThatCannotBeReadIsNotPassedOver: the log holds what the file doesn't
// yet, so that the file alone would be an old state.
func TestLogThatCannotBeReadIsNotPassedOver(t *testing.T) {
	t.Parallel()
	if !inNamespace(t, 1000) {
		return
	}
	path := statePath(t)
	w := startWriter(t, path)
	for range 10 {
		w.said(t)
	}
	w.kill(t)
	check(t, os.Remove(path+"-shm"))
	readOnly(t, filepath.Dir(path))
	_, err := sqlite.OpenReader(t.Context(), path)
	wantError(t, err, nil, path, "folder")
}

// readOnly takes the right to write from a folder and all in it, until the
// test ends.
func readOnly(t *testing.T, folder string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	check(t, err)
	for _, e := range entries {
		check(t, os.Chmod(filepath.Join(folder, e.Name()), 0o400))
	}
	check(t, os.Chmod(folder, 0o500))
	t.Cleanup(func() { check(t, os.Chmod(folder, 0o700)) })
}

func TestForbiddenPlacesAreNamed(t *testing.T) {
	t.Parallel()
	if !inNamespace(t, 1000) {
		return
	}
	t.Run("read-only file", func(t *testing.T) {
		t.Parallel()
		path := written(t)
		check(t, os.Chmod(path, 0o400))
		_, err := sqlite.Open(t.Context(), path)
		wantError(t, err, state.ErrReadOnly, path, "writable")
	})
	t.Run("unreadable file", func(t *testing.T) {
		t.Parallel()
		path := written(t)
		check(t, os.Chmod(path, 0))
		_, err := sqlite.OpenReader(t.Context(), path)
		wantError(t, err, nil, path, "may read the file")
		if errors.Is(err, fs.ErrNotExist) {
			t.Error("a state that can't be read counts as none")
		}
	})
	t.Run("unreadable folder", func(t *testing.T) {
		t.Parallel()
		path := written(t)
		check(t, os.Chmod(filepath.Dir(path), 0))
		t.Cleanup(func() { check(t, os.Chmod(filepath.Dir(path), 0o700)) })
		_, err := sqlite.OpenReader(t.Context(), path)
		wantError(t, err, fs.ErrPermission, path)
		if errors.Is(err, fs.ErrNotExist) {
			t.Error("a state that can't be seen counts as none")
		}
	})
	t.Run("folder that can't be made", func(t *testing.T) {
		t.Parallel()
		parent := t.TempDir()
		readOnly(t, parent)
		_, err := sqlite.Open(t.Context(), filepath.Join(parent, "new", "state.db"))
		wantError(t, err, state.ErrReadOnly, parent)
	})
}
