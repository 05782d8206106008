package serve

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/policysync/policysync/internal/event"
)

// How long one who asks may take. Neither bounds an answer as a whole: a stream
// lasts as long as somebody listens.
const (
	bodyTimeout  = 30 * time.Second // to send a request's body
	pieceTimeout = 30 * time.Second // to take each piece of an answer
)

// careful gives up on those who are too slow, and answers where next panics.
func careful(next http.Handler, tell event.Sink) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := &answer{ResponseWriter: w, deadlines: http.NewResponseController(w)}
		defer func() {
			if problem := recover(); problem != nil {
				a.abandon(r, problem, tell)
			}
		}()
		if r.Body != http.NoBody {
			_ = a.deadlines.SetReadDeadline(time.Now().Add(bodyTimeout)) // every real connection has deadlines
			r.Body = body{r.Body, a.deadlines}
		}
		next.ServeHTTP(a, r)
	})
}

// body is a request's, with a deadline that is lifted once all of it is there:
// from then on a reader waits for the request to be given up.
type body struct {
	io.ReadCloser

	deadlines *http.ResponseController
}

// Read reads on.
func (b body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		_ = b.deadlines.SetReadDeadline(time.Time{})
	}
	return n, err
}

// answer is a ResponseWriter with a deadline for each piece.
type answer struct {
	http.ResponseWriter

	deadlines *http.ResponseController
	deadline  time.Time
	begun     bool
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader begins the answer.
func (a *answer) WriteHeader(status int) {
	a.begun = true
	a.ResponseWriter.WriteHeader(status)
}

// Write writes a piece.
func (a *answer) Write(p []byte) (int, error) {
	a.begun = true
	a.extend()
	return a.ResponseWriter.Write(p)
}

// FlushError is for http.ResponseController.
func (a *answer) FlushError() error {
	a.begun = true
	a.extend()
	return a.deadlines.Flush()
}

// extend moves the deadline, but not for each of many small pieces.
func (a *answer) extend() {
	if now := time.Now(); a.deadline.Sub(now) < pieceTimeout-time.Second {
		a.deadline = now.Add(pieceTimeout)
		_ = a.deadlines.SetWriteDeadline(a.deadline)
	}
}

// abandon ends the answer of a handler that has panicked.
func (a *answer) abandon(r *http.Request, problem any, tell event.Sink) {
	if problem != http.ErrAbortHandler { //nolint:errorlint // it is compared like this by net/http, too
		route := cmp.Or(r.Pattern, r.Method+" "+r.URL.Path)
		tell.Emit(event.Panicked{Route: route, Problem: fmt.Sprint(problem), Stack: string(debug.Stack())})
	}
	if a.begun || problem == http.ErrAbortHandler { //nolint:errorlint // as above
		panic(http.ErrAbortHandler) // half an answer must not look like a whole one
	}
	http.Error(a, "policysync has made a mistake and its log says which: please report it", http.StatusInternalServerError)
}
