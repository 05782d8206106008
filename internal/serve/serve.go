// Package serve answers HTTP at several addresses for as long as some work goes on.
package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/netutil"

	"github.com/policysync/policysync/internal/event"
)

// Server is an address and what is answered there.
type Server struct {
	Listener net.Listener
	Handler  http.Handler
	TLS      *tls.Config // nil: plain HTTP; servers may share one
}

// What strangers may take of each address: a few of them must not keep others
// out, nor take the files and the memory that the work needs.
const (
	headerTimeout  = 10 * time.Second // for a request's headers, and for a TLS handshake
	idleTimeout    = 2 * time.Minute  // of a connection, between two requests
	maxHeaderBytes = 64 << 10
	maxConnections = 1000
)

// While answers requests for as long as work, which ends soon after ctx does,
// goes on. When a server fails, work is told to end. Whatever a server has to
// say that is no answer is told to tell.
//
// The context of each request ends half a second after work has, so that what
// lasts, such as a stream, is over in good time; whoever isn't answered two
// seconds after work never is.
func While(ctx context.Context, servers []Server, tell event.Sink, work func(context.Context)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lasting := context.WithoutCancel(ctx)
	requests, endRequests := context.WithCancel(lasting)
	defer endRequests()
	all, failed := make([]*http.Server, len(servers)), make(chan error, len(servers))
	for i, s := range servers {
		all[i] = s.http(requests, tell)
		go func() {
			failed <- s.serve(all[i])
			cancel()
		}()
	}
	work(ctx)
	shutdown(lasting, all, endRequests)
	var err error
	for range servers {
		if e := <-failed; !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(err, e)
		}
	}
	return err
}

func (s Server) http(requests context.Context, tell event.Sink) *http.Server {
	return &http.Server{
		Handler: careful(s.Handler, tell), TLSConfig: s.TLS.Clone(),
		ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		BaseContext: func(net.Listener) context.Context { return requests },
		ErrorLog:    log.New(complaints{tell}, "", 0),
	}
}

func (s Server) serve(h *http.Server) error {
	l := netutil.LimitListener(s.Listener, maxConnections)
	if s.TLS != nil {
		return h.ServeTLS(l, "", "")
	}
	return h.Serve(l)
}

// How long the servers wait for requests under way.
const (
	grace           = 500 * time.Millisecond // until their contexts end
	shutdownTimeout = 2 * time.Second        // until their connections do
)

func shutdown(ctx context.Context, all []*http.Server, endRequests func()) {
	ctx, done := context.WithTimeout(ctx, shutdownTimeout)
	defer done()
	defer time.AfterFunc(grace, endRequests).Stop()
	var ending sync.WaitGroup
	for _, h := range all {
		ending.Go(func() {
			if h.Shutdown(ctx) != nil {
				_ = h.Close() // who is still there has had their time, and nothing is lost with them
			}
		})
	}
	ending.Wait()
}

// complaints takes the lines that package net/http writes.
type complaints struct{ tell event.Sink }

// Write tells of a line.
func (c complaints) Write(line []byte) (int, error) {
	text := strings.TrimSpace(string(line))
	fromOutside := strings.Contains(text, "TLS handshake error") || strings.HasPrefix(text, "http2: ")
	c.tell.Emit(event.Complained{Message: text, FromOutside: fromOutside})
	return len(line), nil
}
