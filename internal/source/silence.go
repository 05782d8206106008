package source

import (
	"context"
	"fmt"
	"io"
	"time"
)

// silence cancels a conversation in which the server says nothing for too
// long. A limit on the whole of it would make a large repository on a slow
// line impossible to clone.
type silence struct {
	limit time.Duration
	timer *time.Timer
	end   context.CancelCauseFunc
}

// watchSilence returns a context that ends with ctx, at stop, or after limit
// without a sound.
func watchSilence(ctx context.Context, limit time.Duration) (context.Context, *silence) {
	ctx, end := context.WithCancelCause(ctx)
	timer := time.AfterFunc(limit, func() {
		end(fmt.Errorf("the server sent nothing for %s: %w", limit, context.DeadlineExceeded))
	})
	return ctx, &silence{limit: limit, timer: timer, end: end}
}

// stop ends the watch and the context.
func (s *silence) stop() {
	s.timer.Stop()
	s.end(nil)
}

// sound restarts the watch.
func (s *silence) sound() { s.timer.Reset(s.limit) }

// heard returns a reader of stream that restarts the watch at each byte.
func (s *silence) heard(stream io.Reader) io.Reader { return listener{stream, s} }

type listener struct {
	stream io.Reader
	*silence
}

// Read reads on; whatever comes is a sound.
func (l listener) Read(p []byte) (int, error) {
	n, err := l.stream.Read(p)
	if n > 0 {
		l.sound()
	}
	return n, err
}
