package source_test

import (
	"testing"

	"github.com/policysync/policysync/internal/source"
)

func TestLastIsWhatWasFetchedLastAlsoByAnEarlierProcess(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{"policies/a.yaml": "1"})
	web := newServer(t, r)
	o := r.options()
	o.URL, o.Path = web.repo(), "policies"
	g := newGit(t, o)
	if s := g.Last(t.Context()); s != nil {
		t.Errorf("commit %s before the first fetch", s.Commit)
	}
	fetch(t, g)
	good := r.commit("main", "second", files{"policies/a.yaml": "2"})
	s := fetch(t, g)
	for _, folder := range []string{"elsewhere", "nowhere"} { // more than the cache would keep of old commits
		r.commit("main", "no policies", files{folder + "/a.yaml": "3"})
		fetchError(t, g)
	}
	web.Close()
	fetchError(t, g)
	if g.Last(t.Context()) != s {
		t.Error("the last snapshot is another one")
	}
	later := newGit(t, o)
	fetchError(t, later)
	last := later.Last(t.Context())
	if last == nil || last.Commit != good {
		t.Fatalf("after a restart: %+v, want commit %s", last, good)
	}
	wantFiles(t, last, files{"a.yaml": "2"})

	o.Branch = "other"
	if s := newGit(t, o).Last(t.Context()); s != nil {
		t.Errorf("commit %s, which is of another branch", s.Commit)
	}
}

func TestLastIsNothingWhereTheCacheIsDamaged(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{"a.yaml": "1"})
	o := r.options()
	for _, damage := range []func(){
		func() { edit(t, inCache(t, o, "last"), func([]byte) []byte { return []byte("4b825dc6") }) },
		func() { edit(t, inCache(t, o, anyPack), empty) },
		func() { remove(t, inCache(t, o, anyPack)) },
		func() { remove(t, o.CacheDir) },
	} {
		want := fetch(t, newGit(t, o))
		if s := newGit(t, o).Last(t.Context()); s == nil || s.Commit != want.Commit {
			t.Fatalf("%+v, want commit %s", s, want.Commit)
		}
		damage()
		if s := newGit(t, o).Last(t.Context()); s != nil {
			t.Errorf("commit %s out of a damaged cache", s.Commit)
		}
	}
	if s := source.NewDir(t.TempDir()).Last(t.Context()); s != nil {
		t.Error("a local folder remembers")
	}
}
