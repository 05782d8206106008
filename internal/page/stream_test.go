package page_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/page"
)

// listener takes a stream, as a browser does.
type listener struct {
	header http.Header
	mu     sync.Mutex
	text   strings.Builder
	stuck  chan struct{} // what is written waits for it to be closed; nil: for nothing
}

func (l *listener) Header() http.Header { return l.header }

func (l *listener) WriteHeader(int) {}

func (l *listener) Flush() {}

func (l *listener) Write(text []byte) (int, error) {
	if l.stuck != nil {
		<-l.stuck
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(text)
}

// heard returns the events since the last call, without ids.
func (l *listener) heard() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []string
	for message := range strings.SplitSeq(strings.TrimSpace(l.text.String()), "\n\n") {
		_, kind, is := strings.Cut(message, "event: ")
		if kind, data, _ := strings.Cut(kind, "\ndata: "); is && kind == "hello" {
			all = append(all, kind)
		} else if is {
			all = append(all, kind+" "+data)
		}
	}
	l.text.Reset()
	return all
}

// follow asks for a stream. What it returns ends it, or waits for its end.
func follow(t *testing.T, h http.Handler, l *listener, since string) (gone context.CancelFunc, ended <-chan struct{}) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l.header = http.Header{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.ServeHTTP(l, httptest.NewRequestWithContext(ctx, http.MethodGet, "/events"+since, nil))
	}()
	return cancel, done
}

func TestAStreamTellsOfEachTargetOnceASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var watch page.Watch
		h := page.Handler(page.Options{Watch: &watch})
		var l listener
		gone, ended := follow(t, h, &l, "?since=0")
		want := func(want ...string) {
			t.Helper()
			synctest.Wait()
			if d := cmp.Diff(want, l.heard()); d != "" {
				t.Errorf("heard (-want +got):\n%s", d)
			}
		}
		happens := func(target string) { watch.Emit(event.RunStarted{Scope: event.Scope{Target: target}}) }
		want("hello")
		happens("a")
		want("change a")
		for range 1000 {
			happens("a")
		}
		want()
		time.Sleep(time.Second)
		want("change a")
		time.Sleep(time.Second)
		want()
		watch.Emit(event.SourceFetched{Scope: event.Scope{Target: "a"}, Result: event.Unchanged})
		watch.Emit(event.RequestDone{Target: "a"})
		want()
		watch.Emit(event.Configured{})
		want("change *")
		time.Sleep(13 * time.Second)
		want("beat -")
		time.Sleep(15 * time.Second)
		want("beat -")
		gone()
		<-ended
	})
}

func TestASlowReaderLosesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var watch page.Watch
		h := page.Handler(page.Options{Watch: &watch})
		l := listener{stuck: make(chan struct{})}
		gone, ended := follow(t, h, &l, "?since=0")
		synctest.Wait()
		for i := range 10_000 {
			watch.Emit(event.RunStarted{Scope: event.Scope{Target: fmt.Sprint("t", i)}})
		}
		close(l.stuck)
		synctest.Wait()
		if d := cmp.Diff([]string{"hello", "change *"}, l.heard()); d != "" {
			t.Errorf("heard (-want +got):\n%s", d)
		}
		gone()
		<-ended
	})
}

func TestAStreamGoesOnFromWhatWasSeen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var watch page.Watch
		h := page.Handler(page.Options{Watch: &watch})
		watch.Emit(event.RunStarted{Scope: event.Scope{Target: "a"}})
		for since, want := range map[string][]string{
			"": {"hello", "change *"}, "?since=0": {"hello", "change *"}, "?since=1": {"hello"}, "?since=2": {"hello", "change *"}, "?since=x": {"hello", "change *"},
		} {
			var l listener
			gone, ended := follow(t, h, &l, since)
			synctest.Wait()
			if d := cmp.Diff(want, l.heard()); d != "" {
				t.Errorf("%s: heard (-want +got):\n%s", since, d)
			}
			gone()
			<-ended
		}
	})
}

func TestAStreamHasItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := page.Handler(page.Options{Watch: &page.Watch{}})
		began := time.Now()
		_, ended := follow(t, h, &listener{}, "")
		<-ended
		if took := time.Since(began); took != 15*time.Minute {
			t.Errorf("a stream was left open for %s, so that nobody looks whether its reader still may", took)
		}
	})
}

func TestStreamsAreBoundedInNumber(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := page.Handler(page.Options{Watch: &page.Watch{}})
		var all []context.CancelFunc
		for range 200 {
			gone, _ := follow(t, h, &listener{}, "")
			all = append(all, gone)
		}
		synctest.Wait()
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/events", nil))
		if answer.Code != http.StatusServiceUnavailable || answer.Header().Get("Retry-After") == "" {
			t.Errorf("one too many: %d %v", answer.Code, answer.Header())
		}
		all[0]()
		synctest.Wait()
		var l listener
		gone, _ := follow(t, h, &l, "")
		synctest.Wait()
		if got := l.heard(); len(got) == 0 {
			t.Error("there is no room though one has gone")
		}
		for _, gone := range append(all, gone) {
			gone()
		}
	})
}

// TestAHundredStreamsAreLight counts the memory of both ends.
func TestAHundredStreamsAreLight(t *testing.T) { //nolint:paralleltest // it measures
	const n, most = 100, 20 << 20
	watch := &page.Watch{}
	server := httptest.NewServer(page.Handler(page.Options{Watch: watch}))
	t.Cleanup(server.Close)
	before := memory()
	var all []net.Conn
	for range n {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		if _, err := fmt.Fprint(c, "GET /events?since=0 HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		expect(t, c, "event: hello")
		all = append(all, c)
	}
	watch.Emit(event.RunStarted{Scope: event.Scope{Target: "production"}})
	for _, c := range all {
		expect(t, c, "data: production")
	}
	took := memory() - before
	t.Logf("%d open streams: %.1f MB", n, float64(took)/(1<<20))
	if took > most {
		t.Errorf("%d open streams take %d bytes, want at most %d", n, took, most)
	}
}

// expect reads up to a line.
func expect(t *testing.T, c net.Conn, want string) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(c)
	for lines.Scan() {
		if strings.Contains(lines.Text(), want) {
			return
		}
	}
	t.Fatalf("no line has %q: %v", want, lines.Err())
}

// memory returns how much is in use, heap and stacks, all of which may be held by what is live.
func memory() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}
