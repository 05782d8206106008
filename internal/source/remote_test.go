package source_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/policysync/policysync/internal/source"
)

// without makes a server hide what it can do, by spelling it in another way.
func without(abilities ...string) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, q *http.Request, git http.Handler) {
		if q.Method != http.MethodGet {
			git.ServeHTTP(w, q)
			return
		}
		whole := httptest.NewRecorder()
		git.ServeHTTP(whole, q)
		text := whole.Body.String()
		for _, ability := range abilities {
			text = strings.ReplaceAll(text, " "+ability, " X"+ability[1:])
		}
		w.Header().Set("Content-Type", whole.Header().Get("Content-Type"))
		_, _ = w.Write([]byte(text))
	}
}

func TestServerThatCanDoLittleIsEnough(t *testing.T) {
	t.Parallel()
	for name, abilities := range map[string][]string{
		"no shallow fetch":         {"shallow"},
		"only the narrow sideband": {"side-band-64k"},
		"no sideband":              {"side-band"}, // the wide one's name begins so, too
		"no deltas by offset":      {"ofs-delta"},
		"nothing":                  {"shallow", "side-band", "ofs-delta", "no-progress", "multi_ack", "thin-pack", "include-tag"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			noise := scramble(1 << 15)
			r := newRepository(t, files{"a.yaml": noise})
			r.commit("main", "second", files{"a.yaml": noise, "b.yaml": noise + "x"})
			web := newServer(t, r)
			web.setFault(without(abilities...))
			o := r.options()
			o.URL = web.repo()
			g := newGit(t, o)
			wantFiles(t, fetch(t, g), files{"a.yaml": noise, "b.yaml": noise + "x"})
			r.commit("main", "third", files{"c.yaml": "3"})
			wantFiles(t, fetch(t, g), files{"c.yaml": "3"})
		})
	}
}

func TestRedirectIsFollowedAndTheLoginStaysHome(t *testing.T) {
	t.Parallel()
	want := files{"a.yaml": "1"}
	r := newRepository(t, want)
	home := newServer(t, r)
	var mu sync.Mutex
	var seen []string
	away := newServer(t, r)
	away.setFault(func(w http.ResponseWriter, q *http.Request, git http.Handler) {
		mu.Lock()
		seen = append(seen, q.Header.Get("Authorization"))
		mu.Unlock()
		git.ServeHTTP(w, q)
	})
	home.setPassword("secret")
	home.setFault(func(w http.ResponseWriter, q *http.Request, _ http.Handler) {
		http.Redirect(w, q, away.URL+q.URL.RequestURI(), http.StatusMovedPermanently)
	})
	o := r.options()
	o.URL = strings.Replace(home.repo(), "://", "://robot:secret@", 1)
	wantFiles(t, fetch(t, newGit(t, o)), want)
	home.wantRequests(listing, listing)
	away.wantRequests(listing, listing, pack)
	if all := strings.Join(seen, ""); all != "" {
		t.Errorf("the other host was told %q", all)
	}
}

func TestServerWithAnUnknownCertificateIsNotTrusted(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{})
	web := newTLSServer(t, r)
	o := r.options()
	o.URL = strings.Replace(web.repo(), "127.0.0.1", "localhost", 1) // not in the certificate
	if err := fetchError(t, newGit(t, o)); !strings.Contains(err.Error(), "tls: failed to verify certificate") {
		t.Errorf("error %v", err)
	}
	web.wantRequests()
}

func TestBranchThatMovesBetweenListingAndDownloadIsTakenAsItIsThen(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{"a.yaml": "1"})
	web := newServer(t, r)
	var once sync.Once
	moved := ""
	web.setFault(func(w http.ResponseWriter, q *http.Request, git http.Handler) {
		git.ServeHTTP(w, q)
		once.Do(func() { moved = r.rewrite("main", "meanwhile", files{"a.yaml": "2"}) })
	})
	o := r.options()
	o.URL = web.repo()
	s := fetch(t, newGit(t, o))
	wantFiles(t, s, files{"a.yaml": "2"})
	if s.Commit != moved {
		t.Errorf("commit %s, want %s", s.Commit, moved)
	}
}

func TestOneGitMayBeUsedByManyAtOnce(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{"a.yaml": "1"})
	g := newGit(t, r.options())
	got := make([]*source.Snapshot, 4)
	var wait sync.WaitGroup
	for i := range got {
		wait.Go(func() {
			s, err := g.Fetch(t.Context())
			if err != nil {
				t.Error(err)
			}
			got[i] = s
		})
	}
	wait.Wait()
	for _, s := range got[1:] {
		if s != got[0] {
			t.Error("the same commit gave two snapshots")
		}
	}
}

// A git-upload-pack that hangs is killed, and nobody is left waiting for it;
// that no goroutine is left either, TestMain sees to.
func TestHangingLocalGitIsGivenUp(t *testing.T) {
	r := newRepository(t, files{})
	bin := t.TempDir()
	const script = "#!/bin/sh\nexec /bin/cat\n"
	if err := os.WriteFile(filepath.Join(bin, "git-upload-pack"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	o := r.options()
	o.Timeout = time.Second / 10
	err := fetchError(t, newGit(t, o))
	wantError(t, err, "the server sent nothing for 100ms: context deadline exceeded", false)

	ctx, cancel := context.WithTimeout(t.Context(), time.Second/10)
	defer cancel()
	o.Timeout = time.Minute
	if _, err := newGit(t, o).Fetch(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}
