package simulator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// errBroken is what a client sees of a connection that breaks before the
// answer, as package net/http words it.
var errBroken = fmt.Errorf("simulated connection: %w", io.EOF)

// Transport returns a transport whose requests, to whatever host, the account
// answers: without a network, so that it works in a bubble of
// testing/synctest, but else as over one. Answers stream, connections break
// within a body, and the context ends a request at any point.
func (a *Account) Transport() http.RoundTripper { return transport{a} }

type transport struct{ handler http.Handler }

// RoundTrip runs the handler in a goroutine of its own, which is over when
// RoundTrip returns an error, or else when the body is closed.
func (t transport) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(request.Context())
	incoming := request.Clone(ctx)
	incoming.RequestURI = request.URL.RequestURI()
	if incoming.Body == nil {
		incoming.Body = http.NoBody
	}
	reader, writer := io.Pipe()
	e := &exchange{header: http.Header{}, body: writer, begun: make(chan struct{}), over: make(chan struct{}), length: -1}
	go e.run(t.handler, incoming)

	select {
	case <-e.begun:
	case <-e.over:
	case <-ctx.Done():
	}
	response, err := e.response(request)
	if ctx.Err() != nil {
		err = request.Context().Err()
	}
	body := &body{reader, cancel, e.over}
	if err != nil {
		return nil, errors.Join(err, body.Close())
	}
	response.Body = body
	return response, nil
}

// exchange is one request being answered: the handler's http.ResponseWriter.
type exchange struct {
	header  http.Header
	sent    http.Header // header when the answer began
	status  int
	body    *io.PipeWriter
	length  int           // of the body, as declared; -1: not
	written int           // of the body
	begun   chan struct{} // closed when the answer begins
	over    chan struct{} // closed when the handler is done
}

func (e *exchange) run(handler http.Handler, request *http.Request) {
	defer close(e.over)
	defer request.Body.Close() //nolint:errcheck // the client's own, in memory
	defer func() {
		switch aborted := recover(); {
		case aborted != nil && aborted != http.ErrAbortHandler: //nolint:errorlint // as net/http compares it
			panic(aborted)
		case request.Context().Err() != nil:
			e.body.CloseWithError(request.Context().Err())
		case aborted != nil, e.length >= 0 && e.written < e.length:
			e.body.CloseWithError(io.ErrUnexpectedEOF)
		default:
			e.WriteHeader(http.StatusOK)
			e.body.CloseWithError(nil)
		}
	}()
	handler.ServeHTTP(e, request)
}

// response returns the answer if it has begun.
func (e *exchange) response(request *http.Request) (*http.Response, error) {
	select {
	case <-e.begun:
	default:
		return nil, errBroken
	}
	return &http.Response{
		Status: strconv.Itoa(e.status) + " " + http.StatusText(e.status), StatusCode: e.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: e.sent, ContentLength: int64(e.length), Request: request,
	}, nil
}

// Header returns the header that the answer will begin with.
func (e *exchange) Header() http.Header { return e.header }

// WriteHeader begins the answer; a second time it does nothing.
func (e *exchange) WriteHeader(status int) {
	if e.status != 0 {
		return
	}
	e.status, e.sent = status, e.header.Clone()
	if n, err := strconv.Atoi(e.sent.Get("Content-Length")); err == nil {
		e.length = n
	}
	close(e.begun)
}

// Write sends a part of the body; it blocks until the client has read it.
func (e *exchange) Write(part []byte) (int, error) {
	e.WriteHeader(http.StatusOK)
	n, err := e.body.Write(part)
	e.written += n
	return n, err
}

// Flush does nothing: what was written is with the client.
func (e *exchange) Flush() {}

// body is an answer's body at the client.
type body struct {
	*io.PipeReader
	cancel context.CancelFunc
	over   <-chan struct{}
}

// Close ends the request and waits for the handler.
func (b *body) Close() error {
	b.cancel()
	err := b.PipeReader.Close()
	<-b.over
	return err
}
