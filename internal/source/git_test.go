package source_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/policysync/policysync/internal/secret"
	"github.com/policysync/policysync/internal/source"
)

func TestFetchGivesTheFilesOfTheCommitOverEveryTransport(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]func(*testing.T, *repository) string{
		"http":       func(t *testing.T, r *repository) string { return newServer(t, r).repo() },
		"https":      func(t *testing.T, r *repository) string { return newTLSServer(t, r).repo() },
		"file":       func(_ *testing.T, r *repository) string { return "file://" + r.dir },
		"plain path": func(_ *testing.T, r *repository) string { return r.dir },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := files{"README.md": "hello\n", "policies/a.yaml": "name: A\n", "policies/deep/er/b.yaml": "name: B\n"}
			r := newRepository(t, files{"old.yaml": "name: old\n"})
			hash := r.commit("main", "Add policies\n\nBecause.\n", want)
			o := r.options()
			o.URL = url(t, r)
			got := fetch(t, newGit(t, o))
			wantFiles(t, got, want)
			meta := &source.Snapshot{
				Commit: hash, Author: "Ada <ada@example.com>", Subject: "Add policies", Time: time.Unix(1793613600, 0),
			}
			if diff := cmp.Diff(meta, got, cmpopts.IgnoreFields(source.Snapshot{}, "FS")); diff != "" {
				t.Errorf("snapshot (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFetchTakesOneCommitOfOneBranch(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]func(*repository) string{
		"http": func(r *repository) string { return newServer(t, r).repo() },
		"file": func(r *repository) string { return "file://" + r.dir },
	} {
		r := newRepository(t, files{"a.yaml": "1"})
		earlier := r.git("rev-parse", "main")
		other := r.commit("other", "elsewhere", files{"b.yaml": "1"})
		tip := r.commit("main", "second", files{"a.yaml": "2"})
		o := r.options()
		o.URL = url(r)
		fetch(t, newGit(t, o))
		packs, err := filepath.Glob(filepath.Join(o.CacheDir, "*", tip, "objects", "pack", "*.idx"))
		if err != nil || len(packs) != 1 {
			t.Fatalf("%s: the packs are %q, %v", name, packs, err)
		}
		got := r.git("verify-pack", "-v", packs[0])
		if !strings.Contains(got, tip) || strings.Contains(got, earlier) || strings.Contains(got, other) {
			t.Errorf("%s: the cache holds\n%s\nwant nothing of %s and %s", name, got, earlier, other)
		}
	}
}

func TestFetchIsRootedAtThePath(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{"top.yaml": "1", "policies/a.yaml": "2", "policies/prod/b.yaml": "3"})
	for path, want := range map[string]files{
		"":                {"top.yaml": "1", "policies/a.yaml": "2", "policies/prod/b.yaml": "3"},
		".":               {"top.yaml": "1", "policies/a.yaml": "2", "policies/prod/b.yaml": "3"},
		"policies":        {"a.yaml": "2", "prod/b.yaml": "3"},
		"policies/":       {"a.yaml": "2", "prod/b.yaml": "3"},
		"./policies/prod": {"b.yaml": "3"},
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			o := r.options()
			o.CacheDir, o.Path = t.TempDir(), path
			wantFiles(t, fetch(t, newGit(t, o)), want)
		})
	}
}

func TestUnchangedCommitCostsOneListingAndGivesTheSamePointer(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{"a.yaml": "1"})
	web := newServer(t, r)
	o := r.options()
	o.URL = web.repo()
	g := newGit(t, o)
	first := fetch(t, g)
	web.wantRequests(listing, listing, pack)
	for range 3 {
		if fetch(t, g) != first {
			t.Fatal("the commit is the same and the snapshot is another")
		}
		web.wantRequests(listing)
	}

	r.commit("main", "second", files{"a.yaml": "2"})
	second := fetch(t, g)
	web.wantRequests(listing, listing, pack)
	wantFiles(t, second, files{"a.yaml": "2"})
	wantFiles(t, first, files{"a.yaml": "1"})
}

func TestRestartFetchesNothingThatTheCacheHas(t *testing.T) {
	t.Parallel()
	want := files{"a.yaml": "1"}
	r := newRepository(t, want)
	web := newServer(t, r)
	o := r.options()
	o.URL = web.repo()
	before := fetch(t, newGit(t, o))
	web.wantRequests(listing, listing, pack)

	after := fetch(t, newGit(t, o))
	web.wantRequests(listing)
	wantFiles(t, after, want)
	if diff := cmp.Diff(before, after, cmpopts.IgnoreFields(source.Snapshot{}, "FS")); diff != "" {
		t.Errorf("snapshot after the restart (-before +after):\n%s", diff)
	}
}

func TestFetchFollowsTheBranchWhereverItGoes(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{"a.yaml": "1", "same.yaml": "same"})
	web := newServer(t, r)
	o := r.options()
	o.URL = web.repo()
	g := newGit(t, o)
	first := fetch(t, g).Commit
	web.wantRequests(listing, listing, pack)

	steps := []struct {
		name     string
		move     func()
		want     files
		requests []string
	}{
		{"two commits at once", func() {
			r.commit("main", "second", files{"a.yaml": "2", "same.yaml": "same"})
			r.git("update-ref", "refs/keep", r.commit("main", "third", files{"b.yaml": "3", "same.yaml": "same"}))
		}, files{"b.yaml": "3", "same.yaml": "same"}, []string{listing, listing, pack, listing, pack}},
		{"force-push to the commit before, still in the cache", func() {
			r.git("update-ref", "refs/heads/main", first)
		}, files{"a.yaml": "1", "same.yaml": "same"}, []string{listing, listing, pack}},
		{"and forward again", func() {
			r.git("update-ref", "refs/heads/main", r.git("rev-parse", "refs/keep"))
		}, files{"b.yaml": "3", "same.yaml": "same"}, []string{listing, listing, pack}},
		{"force-push to a commit never seen", func() {
			r.git("update-ref", "refs/heads/main", "refs/heads/main~1")
		}, files{"a.yaml": "2", "same.yaml": "same"}, []string{listing, listing, pack, listing, pack}},
		{"rewritten history", func() {
			r.rewrite("main", "all new", files{"c.yaml": "4"})
		}, files{"c.yaml": "4"}, []string{listing, listing, pack, listing, pack}},
		{"a file comes back that only the lost history had", func() {
			r.commit("main", "back", files{"b.yaml": "3", "c.yaml": "4"})
		}, files{"b.yaml": "3", "c.yaml": "4"}, []string{listing, listing, pack}},
		{"an empty tree", func() {
			r.commit("main", "nothing left", files{})
		}, files{}, []string{listing, listing, pack}},
		{"a commit without a change", func() {
			r.commit("main", "still nothing", files{})
		}, files{}, []string{listing, listing, pack}},
	}
	for _, step := range steps {
		step.move()
		s := fetch(t, g)
		t.Log(step.name)
		wantFiles(t, s, step.want)
		if tip := r.git("rev-parse", "main"); s.Commit != tip {
			t.Errorf("%s: commit %s, want %s", step.name, s.Commit, tip)
		}
		web.wantRequests(step.requests...)
	}
}

func TestTagsArePeeledAndMayMove(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{"a.yaml": "1"})
	r.commit("main", "second", files{"a.yaml": "2"})
	tag := func(args ...string) func() { return func() { r.git(append([]string{"tag", "--force"}, args...)...) } }
	o := r.options()
	o.Branch, o.Tag = "", "v1"
	g := newGit(t, o)
	for _, step := range []struct {
		name string
		move func()
		want string
	}{
		{"lightweight", tag("v1", "main"), "2"},
		{"annotated", tag("v1", "main~1", "--annotate", "--message=x"), "1"},
		{"annotated anew, same commit", tag("v1", "main~1", "--annotate", "--message=y"), "1"},
		{"annotated tag of a tag", func() {
			tag("v0", "main", "--annotate", "--message=x")()
			tag("v1", "v0", "--annotate", "--message=x")()
		}, "2"},
	} {
		step.move()
		s := fetch(t, g)
		wantFiles(t, s, files{"a.yaml": step.want})
		if commit := r.git("rev-parse", "v1^{commit}"); s.Commit != commit {
			t.Errorf("%s: commit %s, want %s", step.name, s.Commit, commit)
		}
		restarted := fetch(t, newGit(t, o))
		wantFiles(t, restarted, files{"a.yaml": step.want})
	}
}

func TestPinnedCommitIsFoundAndThenNeedsNoServer(t *testing.T) {
	t.Parallel()
	for name, allow := range map[string]string{"server gives out any commit": "true", "server gives out tips only": "false"} {
		for _, which := range []string{"main", "main~1", "v1~0"} {
			t.Run(name+", "+which, func(t *testing.T) {
				t.Parallel()
				r := newRepository(t, files{"a.yaml": "1"})
				r.git("config", "uploadpack.allowReachableSHA1InWant", allow)
				r.commit("main", "second", files{"a.yaml": "2"})
				r.git("tag", "v1", "main~1")
				r.commit("main", "third", files{"a.yaml": "3"})
				web := newServer(t, r)
				o := r.options()
				o.URL, o.Branch, o.Commit = web.repo(), "", strings.ToUpper(r.git("rev-parse", which))
				g := newGit(t, o)
				s := fetch(t, g)
				web.wantRequests(listing, pack)
				want := files{"a.yaml": r.git("show", which+":a.yaml")}
				wantFiles(t, s, want)

				web.Close()
				if fetch(t, g) != s {
					t.Error("a pinned commit gave another snapshot")
				}
				wantFiles(t, fetch(t, newGit(t, o)), want)
			})
		}
	}
}

func TestPinnedCommitThatIsNotThereIsNotFound(t *testing.T) {
	t.Parallel()
	for _, allow := range []string{"true", "false"} {
		r := newRepository(t, files{"a.yaml": "1"})
		r.git("config", "uploadpack.allowReachableSHA1InWant", allow)
		o := r.options()
		o.Branch, o.Commit = "", strings.Repeat("ab", 20)
		for _, url := range []string{r.dir, newServer(t, r).repo()} {
			o.URL = url
			err := fetchError(t, newGit(t, o))
			if !errors.Is(err, source.ErrNotFound) || !strings.HasSuffix(err.Error(), ": commit "+o.Commit+" is not in the repository's branches and tags") {
				t.Errorf("allow %s, %s: error %v", allow, url, err)
			}
		}
	}
}

func TestDefaultBranchDoesNotMatter(t *testing.T) {
	t.Parallel()
	want := files{"a.yaml": "1"}
	r := newRepository(t, nil)
	r.commit("policies", "first", want)
	for _, head := range []string{"refs/heads/policies", "refs/heads/gone"} {
		r.git("symbolic-ref", "HEAD", head)
		for _, url := range []string{r.dir, newServer(t, r).repo()} {
			o := r.options()
			o.URL, o.Branch = url, "policies"
			wantFiles(t, fetch(t, newGit(t, o)), want)
		}
	}
}

func TestBranchMayComeBackAfterItWasDeleted(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{"a.yaml": "1"})
	r.commit("other", "x", files{})
	g := newGit(t, r.options())
	first := fetch(t, g)
	commit := r.git("rev-parse", "main")
	r.git("update-ref", "-d", "refs/heads/main")
	if err := fetchError(t, g); !errors.Is(err, source.ErrNotFound) {
		t.Errorf("error %v does not match ErrNotFound", err)
	}
	wantFiles(t, first, files{"a.yaml": "1"})
	r.git("update-ref", "refs/heads/main", commit)
	if fetch(t, g) != first {
		t.Error("the branch is back at the same commit and the snapshot is another")
	}
}

func TestPasswordIsReadAtEachFetch(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{"a.yaml": "1"})
	web := newServer(t, r)
	o := r.options()
	o.URL, o.Username = web.repo(), "robot"
	o.Password = secret.Source{File: filepath.Join(t.TempDir(), "token")}
	g := newGit(t, o)
	if err := fetchError(t, g); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing password file: error %v", err)
	}
	for _, password := range []string{"one", "two: /?#@ ü"} {
		web.setPassword(password)
		if err := os.WriteFile(o.Password.File, []byte(password+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		fetch(t, g)
	}
}

func TestPasswordMayStandInTheURL(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{"a.yaml": "1"})
	web := newServer(t, r)
	web.setPassword("p@ss/word")
	o := r.options()
	o.URL = strings.Replace(web.repo(), "http://", "http://robot:p%40ss%2Fword@", 1)
	wantFiles(t, fetch(t, newGit(t, o)), files{"a.yaml": "1"})
}

// What a poll costs while nothing changes: one request, and no disk.
func BenchmarkFetchUnchanged(b *testing.B) {
	r := newRepository(b, files{"a.yaml": "1"})
	o := r.options()
	o.URL = newServer(b, r).repo()
	g := newGit(b, o)
	fetch(b, g)
	for b.Loop() {
		fetch(b, g)
	}
}

// manyFiles are 10,000 small policies.
func manyFiles() files {
	many := files{}
	for i := range 10_000 {
		many[fmt.Sprintf("policies/%d/%d.yaml", i%100, i)] = fmt.Sprintf("name: P%d\ndecision: allow\n", i)
	}
	return many
}

// What a start of the process costs with 10,000 files in the cache.
func BenchmarkFetchFromCache(b *testing.B) {
	o := newRepository(b, manyFiles()).options()
	fetch(b, newGit(b, o))
	for b.Loop() {
		fetch(b, newGit(b, o))
	}
}

// What reading all files of a snapshot of 10,000 costs.
func BenchmarkReadFiles(b *testing.B) {
	many := manyFiles()
	s := fetch(b, newGit(b, newRepository(b, many).options()))
	for b.Loop() {
		if got := len(contents(b, s.FS)); got != len(many) {
			b.Fatalf("%d files", got)
		}
	}
}
