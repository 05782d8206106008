package serve_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/serve"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// wire is a listener whose connections stay in memory, so that their time is
// a bubble's.
type wire struct {
	calls chan net.Conn
	fails chan error
	once  sync.Once
}

func newWire() *wire { return &wire{calls: make(chan net.Conn), fails: make(chan error)} }

func (w *wire) Accept() (net.Conn, error) {
	select {
	case c := <-w.calls:
		return c, nil
	case err, ok := <-w.fails:
		if !ok {
			err = net.ErrClosed
		}
		return nil, err
	}
}

func (w *wire) Close() error {
	w.once.Do(func() { close(w.fails) })
	return nil
}

func (w *wire) Addr() net.Addr { return &net.TCPAddr{} }

// call connects, and sends what is to be said.
func (w *wire) call(t *testing.T, say string) *bufio.Reader {
	t.Helper()
	here, there := net.Pipe()
	w.calls <- there
	var saying sync.WaitGroup
	saying.Go(func() { _, _ = io.WriteString(here, say) }) // until nobody listens any more
	t.Cleanup(func() { _ = here.Close(); saying.Wait() })
	return bufio.NewReader(here)
}

// told keeps what it is told.
type told struct {
	sync.Mutex
	all []event.Event
}

func (s *told) Emit(e event.Event) {
	s.Lock()
	defer s.Unlock()
	s.all = append(s.all, e)
}

// running is a handler that is served until stop is called.
type running struct {
	*wire
	*told

	stop func() error
}

func start(t *testing.T, h http.HandlerFunc) running {
	t.Helper()
	r := running{wire: newWire(), told: &told{}}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- serve.While(ctx, []serve.Server{{Listener: r.wire, Handler: h}}, r.told, func(ctx context.Context) { <-ctx.Done() })
	}()
	r.stop = func() error { cancel(); return <-ended }
	return r
}

func (r running) finish(t *testing.T) {
	t.Helper()
	if err := r.stop(); err != nil {
		t.Error(err)
	}
}

// reads is a handler that answers with how it could read the request's body.
func reads(w http.ResponseWriter, r *http.Request) {
	_, err := io.Copy(io.Discard, r.Body)
	_, _ = io.WriteString(w, errorText(err))
}

func errorText(err error) string {
	if err == nil {
		return "read"
	}
	return err.Error()
}

func TestWhoIsTooSlowIsGivenUp(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		say, want string
		after     time.Duration
	}{
		"says nothing":            {"", "", 10 * time.Second},
		"never ends its headers":  {"GET / HTTP/1.1\r\nHost: x\r\nX-A: ", "", 10 * time.Second},
		"never ends its body":     {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf", "i/o timeout", 30 * time.Second},
		"stays and asks no more":  {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "read", 2 * time.Minute},
		"sends too large headers": {"GET / HTTP/1.1\r\nHost: x\r\nX-A: " + strings.Repeat("a", 70<<10), "431 Request Header Fields Too Large", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := start(t, reads)
				defer r.finish(t)
				began := time.Now()
				got, err := io.ReadAll(r.call(t, tc.say))
				if took := time.Since(began).Truncate(2 * time.Second); took != tc.after || err != nil || !strings.Contains(string(got), tc.want) {
					t.Errorf("after %s: %q, %v; want %q after %s", took, got, err, tc.want, tc.after)
				}
			})
		})
	}
}

func TestWhoTakesNoAnswerIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gaveUp := make(chan time.Time)
		r := start(t, func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					gaveUp <- time.Now()
					return
				}
			}
		})
		defer r.finish(t)
		began := time.Now()
		r.call(t, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		if took := (<-gaveUp).Sub(began); took != 30*time.Second {
			t.Errorf("given up after %s", took)
		}
	})
}

func TestWhoIsPatientIsNot(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		handler http.HandlerFunc
		say     string
	}{
		"a stream": {func(w http.ResponseWriter, r *http.Request) {
			for range 60 {
				time.Sleep(time.Minute)
				_, err := io.WriteString(w, "event")
				if err := errors.Join(err, http.NewResponseController(w).Flush(), r.Context().Err()); err != nil {
					t.Error(err)
				}
			}
			_, _ = io.WriteString(w, " and the end")
		}, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"},
		"a long wait": {func(w http.ResponseWriter, r *http.Request) {
			reads(w, r)
			select {
			case <-time.After(time.Hour):
				_, _ = io.WriteString(w, " and the end")
			case <-r.Context().Done():
			}
		}, "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := start(t, tc.handler)
				defer r.finish(t)
				if got, err := io.ReadAll(r.call(t, tc.say)); err != nil || !strings.Contains(string(got), " and the end") {
					t.Errorf("got %q, %v", got, err)
				}
			})
		})
	}
}

func TestAPanicIsToldAndEndsOneAnswer(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		handler http.HandlerFunc
		want    string
		problem string
	}{
		"before the answer": {func(http.ResponseWriter, *http.Request) { panic("oh no") }, "HTTP/1.1 500 Internal Server Error", "oh no"},
		"amid the answer": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(make([]byte, 64<<10))
			panic(errors.New("oh no"))
		}, "unexpected EOF", "oh no"},
		"on purpose": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				mux := http.NewServeMux()
				mux.HandleFunc("GET /things/{thing}", tc.handler)
				r := start(t, mux.ServeHTTP)
				if got := answerOf(r.call(t, "GET /things/1?token=hunter2 HTTP/1.1\r\nHost: x\r\n\r\n")); !strings.Contains(got, tc.want) {
					t.Errorf("answer %q, want %q", got, tc.want)
				}
				r.finish(t)
				var want []event.Event
				if tc.problem != "" {
					want = append(want, event.Panicked{Route: "GET /things/{thing}", Problem: tc.problem})
				}
				for i, e := range r.all {
					p, ok := e.(event.Panicked)
					if !ok || !strings.Contains(p.Stack, "TestAPanicIsToldAndEndsOneAnswer") {
						t.Errorf("no stack of the handler in %+v", e)
					}
					p.Stack = ""
					r.all[i] = p
				}
				if d := cmp.Diff(want, r.all); d != "" {
					t.Errorf("told (-want +got):\n%s", d)
				}
			})
		})
	}
}

// answerOf returns a whole answer's status, or why it isn't whole.
func answerOf(r *bufio.Reader) string {
	response, err := http.ReadResponse(r, nil)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close() //nolint:errcheck // only read from
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err.Error()
	}
	return response.Proto + " " + response.Status
}

func TestTheEndWaitsForAnswersButNotForEver(t *testing.T) {
	t.Parallel()
	const ask = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
	for name, tc := range map[string]struct {
		handler http.HandlerFunc
		say     string
		took    time.Duration
		want    string
	}{
		"nobody asks": {reads, "", 0, ""},
		"a short request": {func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(400 * time.Millisecond)
			_, _ = io.WriteString(w, errorText(r.Context().Err()))
		}, ask, 400 * time.Millisecond, "read"},
		"a stream": {func(w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			_, _ = io.WriteString(w, r.Context().Err().Error())
		}, ask, 500 * time.Millisecond, "context canceled"},
		"one who sends half a request": {reads, "GET / HTTP", 2 * time.Second, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := start(t, tc.handler)
				if tc.say != "" {
					answer := r.call(t, tc.say)
					var listening sync.WaitGroup
					listening.Go(func() {
						if got, _ := io.ReadAll(answer); !strings.Contains(string(got), tc.want) {
							t.Errorf("answer %q, want %q", got, tc.want)
						}
					})
					defer listening.Wait()
				}
				synctest.Wait()
				began := time.Now()
				r.finish(t)
				if took := time.Since(began); took < tc.took || took > tc.took+250*time.Millisecond { // the server looks now and then
					t.Errorf("the end took %s, want %s", took, tc.took)
				}
			})
		})
	}
}

func TestOneCallerTooManyWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, reads)
		defer r.finish(t)
		for range 1000 {
			r.call(t, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		}
		began := time.Now()
		r.call(t, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		if waited := time.Since(began); waited != 30*time.Second {
			t.Errorf("waited %s, and not until the first was given up", waited)
		}
	})
}

func TestAFailedServerEndsTheWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		good, bad := newWire(), newWire()
		gone := errors.New("the network is gone")
		go func() { bad.fails <- gone }()
		ended := false
		err := serve.While(t.Context(), []serve.Server{{Listener: good, Handler: http.NotFoundHandler()}, {Listener: bad, Handler: http.NotFoundHandler()}},
			&told{}, func(ctx context.Context) { <-ctx.Done(); ended = true })
		if !errors.Is(err, gone) || !ended {
			t.Errorf("error %v, work ended: %t", err, ended)
		}
	})
}

// tooMany is an error that passes.
type tooMany struct{}

func (tooMany) Error() string   { return "too many open files" }
func (tooMany) Temporary() bool { return true }
func (tooMany) Timeout() bool   { return false }

func TestWhatTheServerSaysIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		secure, seen := newWire(), &told{}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- serve.While(ctx, []serve.Server{{Listener: secure, Handler: http.NotFoundHandler(), TLS: &tls.Config{
				GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, errors.New("none") },
			}}}, seen, func(ctx context.Context) { <-ctx.Done() })
		}()
		secure.fails <- tooMany{}
		_, _ = io.ReadAll(secure.call(t, "GET / HTTP/1.1\r\n"))
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		want := []event.Event{
			event.Complained{Message: "http: Accept error: too many open files; retrying in 5ms"},
			event.Complained{Message: "http: TLS handshake error from pipe: client sent an HTTP request to an HTTPS server", FromOutside: true},
		}
		if d := cmp.Diff(want, seen.all); d != "" {
			t.Errorf("told (-want +got):\n%s", d)
		}
	})
}

// net/http adds to the configuration that a server is given.
func TestServersMayShareAConfiguration(t *testing.T) {
	t.Parallel()
	shared := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{}}}
	var servers []serve.Server
	for range 3 {
		servers = append(servers, serve.Server{Listener: newWire(), Handler: http.NotFoundHandler(), TLS: shared})
	}
	if err := serve.While(t.Context(), servers, &told{}, func(context.Context) {}); err != nil {
		t.Error(err)
	}
	if len(shared.NextProtos) > 0 {
		t.Errorf("it is another one now, for the protocols %q", shared.NextProtos)
	}
}
