package source_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/policysync/policysync/internal/source"
)

// beside is a repository in which so many bytes of something else lie beside
// the policies, on a server that can leave out files.
func beside(t testing.TB, bytes int) *repository {
	t.Helper()
	r := newRepository(t, nil)
	r.git("config", "core.compression", "0") // the noise takes long to compress, and doesn't get smaller
	r.git("config", "uploadpack.allowFilter", "true")
	r.git("config", "uploadpack.allowAnySHA1InWant", "true")
	r.commit("main", "first", files{
		"policies/a.yaml": "1", "policies/prod/b.yaml": "2", "policies/prod/same.yaml": "1", "policies/link@": "a.yaml",
		"policies/module#": strings.Repeat("1", 40), "staging/c.yaml": "3", "video.mp4": scramble(bytes),
	})
	return r
}

var policies = files{"a.yaml": "1", "prod/b.yaml": "2", "prod/same.yaml": "1"}

func TestWhatIsBesideThePathIsNotDownloaded(t *testing.T) {
	t.Parallel()
	r := beside(t, 50<<20)
	web := newServer(t, r)
	for _, o := range append(bySSH(t, r, nil), source.Options{URL: web.repo()}, source.Options{URL: gitDaemon(t, r)}) {
		o.Branch, o.Path, o.CacheDir = "main", "policies", t.TempDir()
		g := newGit(t, o)
		wantFiles(t, fetch(t, g), policies)
		if size := cacheSize(t, o.CacheDir); size > 1<<16 {
			t.Errorf("%s: %d bytes in the cache", o.URL, size)
		}
		wantFiles(t, fetch(t, newGit(t, o)), policies)
	}
	web.wantRequests(listing, listing, pack, pack, listing)
}

func TestEachPathHasItsOwnPartOfACommit(t *testing.T) {
	t.Parallel()
	r := beside(t, 1<<20)
	web := newServer(t, r)
	o := r.options()
	o.URL = web.repo()
	paths := map[string]files{"policies": policies, "policies/prod": {"b.yaml": "2", "same.yaml": "1"}, "staging": {"c.yaml": "3"}}
	for path, want := range paths {
		o.Path = path
		wantFiles(t, fetch(t, newGit(t, o)), want)
		web.wantRequests(listing, listing, pack, pack)
	}
	o.Path = "nowhere"
	g := newGit(t, o)
	wantError(t, fetchError(t, g), "path nowhere is not in the commit: there is no nowhere: check source.path", true)
	web.wantRequests(listing, listing, pack)
	wantError(t, fetchError(t, g), "path nowhere is not in the commit: there is no nowhere: check source.path", true)
	web.wantRequests(listing)
	for path, want := range paths {
		o.Path = path
		wantFiles(t, fetch(t, newGit(t, o)), want)
		web.wantRequests(listing)
	}
	packs, err := filepath.Glob(filepath.Join(o.CacheDir, "*", anyRepo+".*", "objects", "pack", "*.pack"))
	if err != nil || len(packs) < len(paths) {
		t.Fatalf("%d packs, %v", len(packs), err)
	}
	for _, damaged := range packs {
		edit(t, damaged, empty)
	}
	for path, want := range paths {
		o.Path = path
		wantFiles(t, fetch(t, newGit(t, o)), want)
		web.wantRequests(listing, listing, pack, pack)
	}
}

func TestTenThousandFilesAreAskedForAlone(t *testing.T) {
	t.Parallel()
	many := manyFiles()
	many["other"] = "x"
	r := newRepository(t, many)
	r.git("config", "uploadpack.allowFilter", "true")
	r.git("config", "uploadpack.allowAnySHA1InWant", "true")
	for _, o := range append(bySSH(t, r, nil), source.Options{URL: newServer(t, r).repo()}, source.Options{URL: gitDaemon(t, r)}) {
		o.Branch, o.Path, o.CacheDir = "main", "policies", t.TempDir()
		if n := len(contents(t, fetch(t, newGit(t, o)).FS)); n != len(many)-1 {
			t.Errorf("%s: %d files", o.URL, n)
		}
	}
}

// A server may say that it gives out any object, and then not do it.
func TestServerThatGivesOutNoFilesAloneIsAskedForEverything(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{"policies/a.yaml": "1", "other": "x"})
	r.git("config", "uploadpack.allowFilter", "true")
	r.git("config", "uploadpack.allowAnySHA1InWant", "true")
	web := newServer(t, r)
	posts := 0
	web.setFault(func(w http.ResponseWriter, q *http.Request, git http.Handler) {
		if q.Method == http.MethodPost {
			if posts++; posts == 2 {
				_, _ = w.Write([]byte("0045ERR upload-pack: not our ref " + strings.Repeat("1", 36)))
				return
			}
		}
		git.ServeHTTP(w, q)
	})
	o := r.options()
	o.URL, o.Path = web.repo(), "policies"
	wantFiles(t, fetch(t, newGit(t, o)), files{"a.yaml": "1"})
	web.wantRequests(listing, listing, pack, pack, pack)
}

// What it costs to fetch a commit beside whose policies 50 MB of something else
// lie, where the server can leave them out and where it can't.
func BenchmarkFetchBeside50MB(b *testing.B) {
	r := beside(b, 50<<20)
	for name, can := range map[string]string{"left out": "true", "downloaded": "false"} {
		b.Run(name, func(b *testing.B) {
			r.git("config", "uploadpack.allowFilter", can)
			o := source.Options{URL: newServer(b, r).repo(), Branch: "main", Path: "policies"}
			for b.Loop() {
				o.CacheDir = b.TempDir()
				fetch(b, newGit(b, o))
			}
			b.ReportMetric(float64(cacheSize(b, o.CacheDir))/(1<<20), "MiB-cache")
		})
	}
}
