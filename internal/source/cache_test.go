package source_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"github.com/policysync/policysync/internal/source"
)

// inCache returns the one file in the cache that matches the pattern.
func inCache(t *testing.T, o source.Options, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(o.CacheDir, "*", pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s in the cache: %v %v", pattern, found, err)
	}
	return found[0]
}

const (
	anyPack  = "????????????????????????????????????????/objects/pack/*.pack"
	anyIndex = "????????????????????????????????????????/objects/pack/*.idx"
	anyRepo  = "????????????????????????????????????????"
)

// edit replaces a file of the cache, which is read-only.
func edit(t *testing.T, name string, change func([]byte) []byte) {
	t.Helper()
	old, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	remove(t, name)
	if err := os.WriteFile(name, change(old), 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, name string) {
	t.Helper()
	if err := os.RemoveAll(name); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, []byte(content), 0o600)); err != nil {
		t.Fatal(err)
	}
}

func flip(at func(size int) int) func([]byte) []byte {
	return func(b []byte) []byte {
		b[at(len(b))] ^= 0x55
		return b
	}
}

func cut(b []byte) []byte   { return b[:len(b)/2] }
func empty([]byte) []byte   { return nil }
func garbage([]byte) []byte { return []byte("garbage\n") }

func TestDamagedCacheIsThrownAwayAndFilledAgain(t *testing.T) {
	t.Parallel()
	want := files{"a.yaml": "name: A\n", "policies/b.yaml": scramble(1000)}
	for name, damage := range map[string]func(*testing.T, source.Options){
		"pack cut off":    func(t *testing.T, o source.Options) { edit(t, inCache(t, o, anyPack), cut) },
		"pack empty":      func(t *testing.T, o source.Options) { edit(t, inCache(t, o, anyPack), empty) },
		"pack garbage":    func(t *testing.T, o source.Options) { edit(t, inCache(t, o, anyPack), garbage) },
		"pack gone":       func(t *testing.T, o source.Options) { remove(t, inCache(t, o, anyPack)) },
		"index cut off":   func(t *testing.T, o source.Options) { edit(t, inCache(t, o, anyIndex), cut) },
		"index empty":     func(t *testing.T, o source.Options) { edit(t, inCache(t, o, anyIndex), empty) },
		"index garbage":   func(t *testing.T, o source.Options) { edit(t, inCache(t, o, anyIndex), garbage) },
		"index gone":      func(t *testing.T, o source.Options) { remove(t, inCache(t, o, anyIndex)) },
		"everything gone": func(t *testing.T, o source.Options) { remove(t, filepath.Join(inCache(t, o, anyRepo), "objects")) },
		"a file in place of the commit": func(t *testing.T, o source.Options) {
			repo := inCache(t, o, anyRepo)
			remove(t, repo)
			write(t, repo, "garbage")
		},
		"another pack in its place": func(t *testing.T, o source.Options) {
			other := newRepository(t, files{"x": "y"}).options()
			fetch(t, newGit(t, other))
			foreign, err := os.ReadFile(inCache(t, other, anyPack))
			if err != nil {
				t.Fatal(err)
			}
			edit(t, inCache(t, o, anyPack), func([]byte) []byte { return foreign })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRepository(t, want)
			web := newServer(t, r)
			o := r.options()
			o.URL = web.repo()
			fetch(t, newGit(t, o))
			web.wantRequests(listing, listing, pack)

			damage(t, o)
			wantFiles(t, fetch(t, newGit(t, o)), want)
			web.wantRequests(listing, listing, pack)

			wantFiles(t, fetch(t, newGit(t, o)), want)
			web.wantRequests(listing)
		})
	}
}

func TestAnyFlippedByteInTheCacheIsNoticed(t *testing.T) {
	t.Parallel()
	want := files{"a.yaml": "name: A\n", "policies/b.yaml": strings.Repeat("name: B\n", 10)}
	r := newRepository(t, want)
	o := r.options()
	fetch(t, newGit(t, o))
	random := rand.New(rand.NewPCG(1, 2))
	for range 10 {
		for _, pattern := range []string{anyPack, anyIndex} {
			name := inCache(t, o, pattern)
			before, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			at := random.IntN(len(before))
			edit(t, name, flip(func(int) int { return at }))
			wantFiles(t, fetch(t, newGit(t, o)), want)
			after, err := os.ReadFile(inCache(t, o, pattern))
			if err != nil || !bytes.Equal(after, before) {
				t.Fatalf("%s with byte %d of %d flipped was believed (%v)", filepath.Base(name), at, len(before), err)
			}
		}
	}
}

func TestForeignFilesInTheCacheDoNoHarm(t *testing.T) {
	t.Parallel()
	want := files{"a.yaml": "1"}
	r := newRepository(t, want)
	web := newServer(t, r)
	o := r.options()
	o.URL = web.repo()
	fetch(t, newGit(t, o))
	repo := inCache(t, o, anyRepo)
	for _, name := range []string{"HEAD", "config", "packed-refs", "shallow", "refs/heads/main", "objects/info/alternates", "objects/pack/tmp_pack_1"} {
		write(t, filepath.Join(repo, name), "[garb\x00age\nref: ref: /\n")
	}
	write(t, filepath.Join(filepath.Dir(repo), "unfinished", "objects", "pack", "tmp_pack_2"), "left by a kill -9")
	web.wantRequests(listing, listing, pack)
	wantFiles(t, fetch(t, newGit(t, o)), want)
	web.wantRequests(listing)

	r.commit("main", "second", files{"a.yaml": "2"})
	wantFiles(t, fetch(t, newGit(t, o)), files{"a.yaml": "2"})
}

func TestDamageWhileRunningIsAnErrorAndThenHealed(t *testing.T) {
	t.Parallel()
	want := files{"a.yaml": "name: A\n", "b.yaml": "name: B\n"}
	for name, damage := range map[string]func(*testing.T, source.Options){
		"pack gone":  func(t *testing.T, o source.Options) { remove(t, inCache(t, o, anyPack)) },
		"pack empty": func(t *testing.T, o source.Options) { edit(t, inCache(t, o, anyPack), empty) },
		"cache gone": func(t *testing.T, o source.Options) { remove(t, o.CacheDir) },
		"pack of other content": func(t *testing.T, o source.Options) {
			edit(t, inCache(t, o, anyPack), flip(func(int) int { return 14 }))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRepository(t, want)
			o := r.options()
			g := newGit(t, o)
			s := fetch(t, g)
			damage(t, o)
			damaged := false
			for name, content := range want {
				got, err := fs.ReadFile(s.FS, name)
				if err == nil && string(got) != content {
					t.Errorf("%s: read %q without an error", name, got)
				}
				damaged = damaged || err != nil
			}
			if name != "pack of other content" && !damaged {
				t.Error("nothing failed to be read")
			}
			healed := fetch(t, g)
			if damaged && healed == s {
				t.Error("Fetch gave the damaged snapshot again")
			}
			wantFiles(t, fetch(t, newGit(t, o)), want)
		})
	}
}

func TestCacheKeepsTwoCommitsAndNoMore(t *testing.T) {
	t.Parallel()
	noise := scramble(1 << 17)
	r := newRepository(t, files{"noise": noise})
	o := r.options()
	g := newGit(t, o)
	last := fetch(t, g)
	one := cacheSize(t, o.CacheDir)
	for i := range 10 {
		content := fmt.Sprint(i)
		r.commit("main", "more", files{"noise": noise, "a.yaml": content})
		next := fetch(t, g)
		wantFiles(t, next, files{"noise": noise, "a.yaml": content})
		if _, err := fs.ReadFile(last.FS, "noise"); err != nil {
			t.Errorf("after one newer commit the snapshot cannot be read: %v", err)
		}
		last = next
	}
	if size := cacheSize(t, o.CacheDir); size > 5*one/2 {
		t.Errorf("a cache of %d bytes grew to %d in 10 commits", one, size)
	}
}

// Several targets, or plan beside the daemon, have the same cache.
func TestSharedCacheServesAllAtOnce(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{"one/a.yaml": "1", "two/a.yaml": "2"})
	base := r.options()
	var wait sync.WaitGroup
	for _, path := range []string{".", "one", "two", "one", "two", "."} {
		o := base
		o.Path = path
		g := newGit(t, o)
		wait.Go(func() {
			for range 3 {
				if _, err := g.Fetch(t.Context()); err != nil {
					t.Errorf("path %s: %v", path, err)
				}
			}
		})
	}
	wait.Wait()
	if repos, _ := filepath.Glob(filepath.Join(base.CacheDir, "*", anyRepo)); len(repos) != 1 {
		t.Errorf("commits in the cache: %v", repos)
	}
}

func TestFetchWaitsForTheLockOnlyAsLongAsItsContext(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{"a.yaml": "1"})
	o := r.options()
	fetch(t, newGit(t, o))
	lock := flock.New(inCache(t, o, "lock")) // as another process would
	if err := lock.Lock(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second/4)
	defer cancel()
	_, err := newGit(t, o).Fetch(ctx)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), ": wait for the cache, which another process is using: ") {
		t.Errorf("error %v", err)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, fetch(t, newGit(t, o)), files{"a.yaml": "1"})
}

func TestDifferentSourcesHaveDifferentCaches(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{"a.yaml": "1"})
	r.git("branch", "dev", "main")
	r.git("tag", "main", "dev")
	cacheRoot := t.TempDir()
	for i, change := range []func(*source.Options){
		func(*source.Options) {},
		func(o *source.Options) { o.Branch = "dev" },
		func(o *source.Options) { o.Branch, o.Tag = "", "main" },
		func(o *source.Options) { o.Branch, o.Commit = "", r.git("rev-parse", "dev") },
		func(o *source.Options) { o.URL = newServer(t, r).repo() },
	} {
		o := r.options()
		o.CacheDir = cacheRoot
		change(&o)
		fetch(t, newGit(t, o))
		if caches, _ := filepath.Glob(filepath.Join(cacheRoot, "*", anyRepo)); len(caches) != i+1 {
			t.Errorf("after %d sources there are %d caches", i+1, len(caches))
		}
	}
}

func TestCachePathThatCannotBeAFolderIsAnError(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{"a.yaml": "1"})
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "")
	o := r.options()
	o.CacheDir = filepath.Join(file, "git")
	if err := fetchError(t, newGit(t, o)); !strings.Contains(err.Error(), "the cache folder, which must be writable: mkdir "+file) {
		t.Errorf("error %v", err)
	}
}

// A long random life of one repository and one cache: whatever happened
// between two calls, what Fetch gives is what the branch holds.
func TestFetchAlwaysGivesWhatTheBranchHolds(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{"start.yaml": "0"})
	o := r.options()
	g := newGit(t, o)
	known := map[string]files{r.git("rev-parse", "main"): {"start.yaml": "0"}}
	hashes := []string{r.git("rev-parse", "main")}
	random := rand.New(rand.NewPCG(3, 4))
	for i := range 20 {
		tree := files{}
		for range random.IntN(5) {
			tree[fmt.Sprintf("d%d/f%d.yaml", random.IntN(2), random.IntN(4))] = fmt.Sprint(random.IntN(3))
		}
		var hash string
		switch random.IntN(4) {
		case 0:
			hash = hashes[random.IntN(len(hashes))]
			r.git("update-ref", "refs/heads/main", hash)
		case 1:
			hash = r.rewrite("main", fmt.Sprint(i), tree)
			known[hash] = tree
		default:
			hash = r.commit("main", fmt.Sprint(i), tree)
			known[hash] = tree
		}
		hashes = append(hashes, hash)
		if random.IntN(3) == 0 {
			g = newGit(t, o)
		}
		if packs, _ := filepath.Glob(filepath.Join(o.CacheDir, "*", anyPack)); len(packs) > 0 && random.IntN(4) == 0 {
			edit(t, packs[random.IntN(len(packs))], cut)
			g = newGit(t, o)
		}
		s := fetch(t, g)
		if s.Commit != hash {
			t.Fatalf("step %d: commit %s, want %s", i, s.Commit, hash)
		}
		wantFiles(t, s, known[hash])
	}
}
