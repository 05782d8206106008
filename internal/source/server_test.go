package source_test

import (
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// server is real git over smart HTTP, with basic auth when a password is set.
type server struct {
	*httptest.Server
	t testing.TB

	mu       sync.Mutex
	password string
	fault    func(w http.ResponseWriter, q *http.Request, git http.Handler) // answers instead of git
	requests []string
}

func newServer(t testing.TB, r *repository) *server {
	t.Helper()
	return start(t, r, httptest.NewServer)
}

func newTLSServer(t testing.TB, r *repository) *server {
	t.Helper()
	return start(t, r, httptest.NewTLSServer)
}

func start(t testing.TB, r *repository, listen func(http.Handler) *httptest.Server) *server {
	t.Helper()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t}
	backend := &cgi.Handler{Path: git, Args: []string{"http-backend"}, Env: []string{
		"GIT_PROJECT_ROOT=" + filepath.Dir(r.dir), "GIT_HTTP_EXPORT_ALL=1",
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
	}, Stderr: io.Discard}
	s.Server = listen(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		s.mu.Lock()
		s.requests = append(s.requests, q.Method+" "+strings.TrimPrefix(q.URL.Path, "/access.git"))
		password, fault := s.password, s.fault
		s.mu.Unlock()
		if user, got, _ := q.BasicAuth(); password != "" && (user != "robot" || got != password) {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(w, loginPage+got, http.StatusUnauthorized)
			return
		}
		if fault != nil {
			fault(w, q, backend)
			return
		}
		backend.ServeHTTP(w, q)
	}))
	t.Cleanup(s.Close)
	return s
}

// loginPage is what hosts send with a 401: a page of any length.
var loginPage = "<!DOCTYPE html>\n<html><title>Sign in</title>" + strings.Repeat("<p>Sign in to continue</p>\n", 500)

// repo is the URL of the repository.
func (s *server) repo() string { return s.URL + "/access.git" }

func (s *server) setPassword(password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.password = password
}

// setFault makes the server answer in another way than git; nil makes it sound.
func (s *server) setFault(fault func(w http.ResponseWriter, q *http.Request, git http.Handler)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = fault
}

// halfOf answers with the first half of git's answer to a pack request.
func halfOf(w http.ResponseWriter, q *http.Request, git http.Handler) {
	if q.Method == http.MethodGet {
		git.ServeHTTP(w, q)
		return
	}
	whole := httptest.NewRecorder()
	git.ServeHTTP(whole, q)
	w.Header().Set("Content-Type", whole.Header().Get("Content-Type"))
	_, _ = w.Write(whole.Body.Bytes()[:whole.Body.Len()/2])
	_ = http.NewResponseController(w).Flush()
}

// wantRequests compares what was asked since the last time.
func (s *server) wantRequests(want ...string) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if diff := cmp.Diff(want, s.requests); diff != "" {
		s.t.Errorf("requests (-want +got):\n%s", diff)
	}
	s.requests = nil
}

const (
	listing = "GET /info/refs"
	pack    = "POST /git-upload-pack"
)
