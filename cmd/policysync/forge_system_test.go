//go:build system

package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// forge stands in for what a pipeline asks of GitHub and of GitLab: the notes
// below one pull request, and releases of policysync.
type forge struct {
	url     string
	archive []byte // what every release is

	mu       sync.Mutex
	notes    []note
	findings []byte // the SARIF that was sent last
	closed   bool   // nobody may do anything
}

// note is a comment, in the form of both hosts.
type note struct {
	ID     int            `json:"id"`
	Body   string         `json:"body"`
	User   map[string]any `json:"user"`   // GitHub's
	Author map[string]any `json:"author"` // GitLab's
}

// Who writes: the pipeline, and somebody else.
const (
	pipelines = 7
	others    = 8
)

// forgeToken is what the forge lets in.
const forgeToken = "forge-secret-0123456789"

// newForge returns a forge with 100 notes, a full page, of somebody else, one of which
// looks like the pipeline's.
func newForge(t *testing.T, program string) *forge {
	t.Helper()
	f := &forge{archive: release(t, program)}
	for i := range 100 {
		f.add(fmt.Sprintf("<!-- policysync plan -->\nnote %d", i), others)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /releases/v0.1.0/policysync_0.1.0_linux_amd64.tar.gz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(f.archive)
	})
	const github, gitlab = "/repos/security/access", "/projects/3/merge_requests/5/notes"
	mux.HandleFunc("GET "+github+"/issues/5/comments", f.asked(f.list))
	mux.HandleFunc("POST "+github+"/issues/5/comments", f.asked(f.create))
	mux.HandleFunc("PATCH "+github+"/issues/comments/{id}", f.asked(f.change))
	mux.HandleFunc("POST "+github+"/code-scanning/sarifs", f.asked(f.scan))
	mux.HandleFunc("GET /user", f.asked(func(*http.Request) (any, int) { return map[string]any{"id": pipelines}, http.StatusOK }))
	mux.HandleFunc("GET "+gitlab, f.asked(f.list))
	mux.HandleFunc("POST "+gitlab, f.asked(f.create))
	mux.HandleFunc("PUT "+gitlab+"/{id}", f.asked(f.change))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

// release is an archive as releases have it, with a program in it that runs
// the one at a path.
func release(t *testing.T, program string) []byte {
	t.Helper()
	var packed bytes.Buffer
	zipped := gzip.NewWriter(&packed)
	archive := tar.NewWriter(zipped)
	script := "#!/bin/sh\nexec " + program + ` "$@"` + "\n"
	err := archive.WriteHeader(&tar.Header{Name: "policysync_0.1.0_linux_amd64/policysync", Mode: 0o755, Size: int64(len(script))})
	if err == nil {
		_, err = archive.Write([]byte(script))
	}
	for _, closer := range []io.Closer{archive, zipped} {
		if err == nil {
			err = closer.Close()
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

// asked answers those who bear the token, in JSON.
func (f *forge) asked(answer func(*http.Request) (any, int)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.closed || r.Header.Get("Authorization") != "Bearer "+forgeToken && r.Header.Get("Private-Token") != forgeToken {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		value, status := answer(r)
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(value) // to a recipient that may be gone
	}
}

func (f *forge) add(body string, by int) note {
	n := note{ID: len(f.notes) + 1, Body: body, User: map[string]any{"id": by, "type": "User"}, Author: map[string]any{"id": by}}
	if by == pipelines {
		n.User["type"] = "Bot"
	}
	f.notes = append(f.notes, n)
	return n
}

func (f *forge) list(r *http.Request) (any, int) {
	page, err := strconv.Atoi(r.FormValue("page"))
	if err != nil || r.FormValue("per_page") != "100" {
		return nil, http.StatusBadRequest
	}
	from, to := min((page-1)*100, len(f.notes)), min(page*100, len(f.notes))
	return f.notes[from:to], http.StatusOK
}

func (f *forge) create(r *http.Request) (any, int) {
	body, ok := noteIn(r)
	if !ok {
		return nil, http.StatusUnprocessableEntity
	}
	return f.add(body, pipelines), http.StatusCreated
}

func (f *forge) change(r *http.Request) (any, int) {
	id, err := strconv.Atoi(r.PathValue("id"))
	body, ok := noteIn(r)
	if err != nil || !ok || id > len(f.notes) {
		return nil, http.StatusUnprocessableEntity
	}
	f.notes[id-1].Body = body
	return f.notes[id-1], http.StatusOK
}

func (f *forge) scan(r *http.Request) (any, int) {
	var sent struct {
		Commit string `json:"commit_sha"`
		Ref    string `json:"ref"`
		SARIF  []byte `json:"sarif"`
	}
	if err := json.NewDecoder(r.Body).Decode(&sent); err != nil || sent.Commit == "" || sent.Ref != "refs/pull/5/merge" {
		return nil, http.StatusBadRequest
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(sent.SARIF))
	if err == nil {
		f.findings, err = io.ReadAll(unzipped)
	}
	if err != nil {
		return nil, http.StatusBadRequest
	}
	return map[string]any{}, http.StatusAccepted
}

// noteIn returns the text of a note, unless it is longer than GitHub has it.
func noteIn(r *http.Request) (string, bool) {
	var sent struct {
		Body string `json:"body"`
	}
	err := json.NewDecoder(r.Body).Decode(&sent)
	return sent.Body, err == nil && sent.Body != "" && len([]rune(sent.Body)) <= 65536
}

// close has the forge let nobody do anything any more.
func (f *forge) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
}

// scanned returns the SARIF that was sent last.
func (f *forge) scanned() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return string(f.findings)
}

// ours returns the one note of the pipeline and whether nobody else's was
// changed.
func (f *forge) ours(t *testing.T) string {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	var own []string
	for i, n := range f.notes {
		if n.Author["id"] == pipelines {
			own = append(own, n.Body)
		} else if !strings.HasSuffix(n.Body, fmt.Sprintf("\nnote %d", i)) {
			t.Errorf("a note of somebody else became %q", n.Body)
		}
	}
	if len(own) != 1 {
		t.Fatalf("the pipeline has %d notes, want 1", len(own))
	}
	return own[0]
}
