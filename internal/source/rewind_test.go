package source_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/source"
)

// rewinds returns options that add what they are told of to the list.
func rewinds(o source.Options) (source.Options, *[]source.Rewind) {
	var told []source.Rewind
	o.Rewound = func(r source.Rewind) { told = append(told, r) }
	return o, &told
}

// push puts so many commits on top of a branch and returns the last.
func (r *repository) push(branch string, n int) (tip string) {
	r.t.Helper()
	for range n {
		tip = r.commit(branch, "more", files{"a.yaml": tip})
	}
	return tip
}

// move has the branch main name another commit.
func (r *repository) move(to string) string {
	r.t.Helper()
	r.git("update-ref", "refs/heads/main", to)
	return r.git("rev-parse", "main")
}

// merge makes a commit of main that follows it and others.
func (r *repository) merge(others ...string) string {
	r.t.Helper()
	args := []string{"commit-tree", "-m", "merge", "-p", "main", "main^{tree}"}
	for _, other := range others {
		args = append(args, "-p", other)
	}
	return r.move(r.git(args...))
}

func TestMovesThatAreNoFastForwardAreToldOf(t *testing.T) {
	t.Parallel()
	for name, filter := range map[string]string{"whole commits": "false", "without what is in them": "true"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRepository(t, files{"a.yaml": "1"})
			r.git("config", "uploadpack.allowFilter", filter)
			told, from := map[*source.Git]*[]source.Rewind{}, r.git("rev-parse", "main")
			ways := []source.Options{{URL: newServer(t, r).repo()}, {URL: gitDaemon(t, r)}, r.options()}
			if filter == "true" {
				ways = append(ways, bySSH(t, r, nil)...)
			}
			for _, o := range ways {
				o.Branch, o.CacheDir = "main", t.TempDir()
				o, rewinds := rewinds(o)
				g := newGit(t, o)
				fetch(t, g)
				told[g] = rewinds
			}
			for _, step := range r.moves() {
				to := step.move()
				var want []source.Rewind
				if step.rewind {
					want = []source.Rewind{{From: from, To: to}}
				}
				for g, got := range told {
					if s := fetch(t, g); s.Commit != to {
						t.Fatalf("%s: commit %s, want %s", step.name, s.Commit, to)
					}
					if d := cmp.Diff(want, *got); d != "" {
						t.Errorf("%s: told (-want +got):\n%s", step.name, d)
					}
					*got = nil
				}
				from = to
			}
		})
	}
}

// moves returns ways to move main, one after the other.
func (r *repository) moves() []branchMove {
	return []branchMove{
		{"next commit", func() string { return r.push("main", 1) }, false},
		{"several commits", func() string { return r.push("main", 5) }, false},
		{"another branch is merged", func() string {
			r.git("branch", "-f", "other", "main~3")
			return r.merge(r.push("other", 3))
		}, false},
		{"it is merged itself, as the second parent", func() string {
			was := r.git("rev-parse", "main")
			r.move("main~2")
			r.push("main", 2)
			r.merge(was)
			return r.push("main", 2)
		}, false},
		{"back", func() string { return r.move("main~1") }, true},
		{"far back", func() string { return r.move("main~3") }, true},
		{"aside", func() string {
			r.move("main~1")
			return r.commit("main", "aside", files{"a.yaml": "aside"})
		}, true},
		{"another history", func() string { return r.rewrite("main", "all new", files{"a.yaml": "new"}) }, true},
		{"another history, and the former is gone", func() string {
			defer r.git("gc", "--quiet", "--prune=now")
			return r.rewrite("main", "new again", files{"a.yaml": "newer"})
		}, true},
	}
}

// branchMove is a way to move a branch; move returns where it then is.
type branchMove struct {
	name   string
	move   func() string
	rewind bool
}

func TestFastForwardOnlyRefusesOtherMovesUntilTheBranchFollowsAgain(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{"a.yaml": "1"})
	good := r.push("main", 2)
	web := newServer(t, r)
	o, told := rewinds(r.options())
	o.URL, o.FastForwardOnly = web.repo(), true
	g := newGit(t, o)
	fetch(t, g)
	bad := r.rewrite("main", "all new", files{"a.yaml": "evil"})
	web.wantRequests(listing, listing, pack)
	for i, requests := range [][]string{{listing, listing, pack, listing, pack}, {listing}} {
		err := fetchError(t, g)
		wantError(t, err, "commit "+bad+" is refused: branch main has moved to it by no fast-forward from "+good+", and source.fast_forward_only forbids that: "+
			"push a commit that follows both (git merge -s ours "+good+"), or set it to false for one run", false)
		if !errors.Is(err, source.ErrRefused) {
			t.Errorf("fetch %d: %v is no refusal", i, err)
		}
		web.wantRequests(requests...)
	}
	if d := cmp.Diff([]source.Rewind{{From: good, To: bad, Refused: true}}, *told); d != "" {
		t.Errorf("told (-want +got):\n%s", d)
	}
	later := newGit(t, o)
	fetchError(t, later)
	for _, g := range []*source.Git{g, later} {
		if s := g.Last(t.Context()); s == nil || s.Commit != good {
			t.Errorf("last %+v, want %s", s, good)
		}
	}
	both := r.merge(good)
	if s := fetch(t, later); s.Commit != both {
		t.Errorf("commit %s, want %s, which follows both", s.Commit, both)
	}
}

func TestWhereTheHistoryCannotBeHadAMoveCountsAsNoFastForward(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{"a.yaml": "1"})
	web := newServer(t, r)
	o, told := rewinds(r.options())
	o.URL = web.repo()
	only, toldOnly := rewinds(r.options())
	only.URL, only.FastForwardOnly = web.repo(), true
	g, forwardOnly := newGit(t, o), newGit(t, only)
	from := fetch(t, g).Commit
	fetch(t, forwardOnly)
	to := r.push("main", 2)
	web.setFault(func(w http.ResponseWriter, q *http.Request, git http.Handler) {
		asked, err := io.ReadAll(q.Body)
		if err != nil || strings.Contains(string(asked), "have ") {
			http.Error(w, "no history", http.StatusInternalServerError)
			return
		}
		q.Body = io.NopCloser(bytes.NewReader(asked))
		git.ServeHTTP(w, q)
	})
	if s := fetch(t, g); s.Commit != to || len(*told) != 1 || (*told)[0].From != from || (*told)[0].Unknown == nil {
		t.Errorf("commit %s, told %v", s.Commit, *told)
	}
	err := fetchError(t, forwardOnly)
	if want := "tell whether commit " + to + " follows " + from + ": "; errors.Is(err, source.ErrRefused) || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %s", err, want)
	}
	web.setFault(nil)
	if s := fetch(t, forwardOnly); s.Commit != to || *toldOnly != nil {
		t.Errorf("commit %s, told %v", s.Commit, *toldOnly)
	}
}

func TestHistoryIsAskedForWithoutWhatIsInIt(t *testing.T) {
	t.Parallel()
	r := beside(t, 1)
	web := newServer(t, r)
	o, told := rewinds(r.options())
	o.URL, o.Path = web.repo(), "policies"
	g := newGit(t, o)
	fetch(t, g)
	for i := range 4 {
		r.commit("main", "video", files{"policies/a.yaml": "2", "video.mp4": scramble(5<<20 + i)})
	}
	var sent atomic.Int64
	web.setFault(func(w http.ResponseWriter, q *http.Request, git http.Handler) { git.ServeHTTP(counted{w, &sent}, q) })
	fetch(t, g)
	if n := sent.Load(); n > 1<<14 || *told != nil {
		t.Errorf("%d bytes fetched, told %v", n, *told)
	}
}

// counted counts what is written.
type counted struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (c counted) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return c.ResponseWriter.Write(p)
}
