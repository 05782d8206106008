package page

import (
	"cmp"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// What a stream of events keeps to.
const (
	maxStreams = 200              // at once
	streamLife = 15 * time.Minute // then the reader asks again, and whether they still may is looked at
	streamBeat = 15 * time.Second // after which a stream is told that it lives
	streamRest = time.Second      // between two looks at what has changed
)

// everything stands for all targets in a stream.
const everything = "*"

// streams tells pages what changes.
type streams struct {
	feed    *feed
	assets  string        // the version of the pages' files
	running chan struct{} // has as many as there are
}

// ServeHTTP answers with server-sent events: "hello" once, "change" with the name of
// a target or "*", and "beat". A change's id is the version to ask on from, as
// Last-Event-ID or ?since=.
func (s *streams) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case s.running <- struct{}{}:
		defer func() { <-s.running }()
	default:
		w.Header().Set("Retry-After", "30")
		http.Error(w, "Too many pages follow live. This one looks again by itself.", http.StatusServiceUnavailable)
		return
	}
	since, err := strconv.ParseInt(cmp.Or(r.Header.Get("Last-Event-ID"), r.URL.Query().Get("since")), 10, 64)
	if err != nil {
		since = -1 // nothing
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx holds answers back otherwise
	to := teller{w, http.NewResponseController(w)}
	_ = s.tell(to, r, since) // the one who asked is gone: nobody is left to tell
}

// tell tells what changes until the reader goes, their time is over, or the
// server ends, with which the request's context does.
func (s *streams) tell(to teller, r *http.Request, since int64) error {
	reader := s.feed.join(since)
	defer s.feed.leave(reader)
	life := time.NewTimer(streamLife)
	defer life.Stop()
	beat := time.NewTicker(streamBeat)
	defer beat.Stop()
	err := to.write("retry: 2000\nevent: hello\ndata: %s\n\n", s.assets)
	wake := reader.wake
	var rested <-chan time.Time
	for err == nil {
		select {
		case <-wake:
			err = to.changes(s.feed.take(reader))
			wake, rested = nil, time.After(streamRest)
		case <-rested:
			wake, rested = reader.wake, nil
		case <-beat.C:
			err = to.write("event: beat\ndata: -\n\n")
		case <-life.C:
			return nil
		case <-r.Context().Done():
			return nil
		}
	}
	return err
}

// teller writes events.
type teller struct {
	http.ResponseWriter
	*http.ResponseController
}

func (t teller) changes(targets []string, version int64) error {
	var text strings.Builder
	for _, target := range targets {
		fmt.Fprintf(&text, "id: %d\nevent: change\ndata: %s\n\n", version, cmp.Or(target, everything))
	}
	return t.write("%s", text.String())
}

// write has a text leave now. Who takes too long is given up by the server.
func (t teller) write(format string, args ...any) error {
	if _, err := fmt.Fprintf(t.ResponseWriter, format, args...); err != nil {
		return err
	}
	return t.ResponseController.Flush()
}
