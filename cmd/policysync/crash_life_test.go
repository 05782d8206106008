package main

import (
	"bytes"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// stepPath is where a process asks before each call of its store.
const stepPath = "/step/"

// What a request's steps are called, after its method.
const (
	arrived      = "arrived"
	carriedOut   = "carried out"
	halfAnswered = "half answered"
)

// never is the step at which a life ends that isn't to be cut short.
const never = -1

// life is one process of policysync from its start to its end, and the server
// that stands between it and the account. A step is a call of its store, a
// request that arrives, one that was carried out, or half an answer; between
// two steps the process alters nothing outside of itself. At one of them it is
// killed before it can go on.
type life struct {
	account http.Handler
	last    int // number of the step at which it is killed

	mu      sync.Mutex
	steps   []string
	process *os.Process
	over    chan struct{} // closed once the process is no more
}

// live starts a process, which ends at its last step or when there is nothing
// left to do. It returns the steps, and whether the process was killed.
func (e eve) live(t *testing.T, last int) (steps []string, killed bool) {
	t.Helper()
	l := &life{account: e.account, last: last, over: make(chan struct{})}
	server := httptest.NewServer(l)
	defer server.Close()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	process := exec.CommandContext(t.Context(), executable, e.dir, strconv.Itoa(e.concurrency))
	process.Stderr = &said
	for name, value := range e.environment("http://cloudflare.test") { // one address in every life, by way of the proxy
		process.Env = append(process.Env, name+"="+value)
	}
	process.Env = append(process.Env, watcherAt+"="+server.URL, "HTTP_PROXY="+server.URL,
		"GORACE=atexit_sleep_ms=0", "GOMAXPROCS=1") // to be quick: there are hundreds of lives
	if err := l.start(process); err != nil {
		t.Fatal(err)
	}
	err = process.Wait()
	close(l.over)
	server.Close() // waits until what left the process has arrived
	exit, failed := errors.AsType[*exec.ExitError](err)
	if err != nil && (!failed || exit.Exited()) {
		t.Fatalf("the process failed: %v\n%s", err, said.String())
	}
	return l.steps, err != nil
}

// environment is what a process finds there.
func (e eve) environment(baseURL string) map[string]string {
	return map[string]string{"STATE_DIRECTORY": e.dir, "CLOUDFLARE_BASE_URL": baseURL}
}

// start starts the process, and lets it ask nothing before it is known.
func (l *life) start(process *exec.Cmd) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := process.Start()
	l.process = process.Process
	return err
}

// step returns if the process lives on.
func (l *life) step(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.steps = append(l.steps, name)
	if l.last == never || len(l.steps) <= l.last {
		return
	}
	_ = l.process.Kill() // of several at once, one is the first
	<-l.over
	panic(http.ErrAbortHandler)
}

// ServeHTTP answers a question about a step, or has the account answer a
// request, step by step.
func (l *life) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if call, ok := strings.CutPrefix(r.URL.Path, stepPath); ok {
		l.step(call)
		return
	}
	l.step(r.Method + " " + arrived)
	answer := httptest.NewRecorder()
	l.account.ServeHTTP(answer, r)
	l.step(r.Method + " " + carriedOut)
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	body := answer.Body.Bytes()
	_, begun := w.Write(body[:len(body)/2])
	flushed := http.NewResponseController(w).Flush()
	l.step(r.Method + " " + halfAnswered)
	_, ended := w.Write(body[len(body)/2:])
	if errors.Join(begun, flushed, ended) != nil {
		panic(http.ErrAbortHandler)
	}
}
