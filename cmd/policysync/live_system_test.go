//go:build system

package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/event"
)

// relay stands between a browser and the daemon, and fails as it is told.
type relay struct {
	*httptest.Server
	down    atomic.Bool  // nothing is answered
	full    atomic.Bool  // no page may follow live
	newer   atomic.Bool  // the files of the page are others
	streams atomic.Int64 // that are open
	begun   atomic.Int64 // streams that were
}

func (r *receiving) relay() *relay {
	r.Helper()
	to, err := url.Parse(r.url)
	if err != nil {
		r.Fatal(err)
	}
	between := &relay{}
	daemon := &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(to) }, FlushInterval: -1, ModifyResponse: between.alter, ErrorHandler: func(http.ResponseWriter, *http.Request, error) {},
	}
	between.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		stream := q.URL.Path == "/events"
		switch {
		case between.down.Load():
			panic(http.ErrAbortHandler)
		case stream && between.full.Load():
			w.WriteHeader(http.StatusServiceUnavailable)
		case stream:
			between.streams.Add(1)
			between.begun.Add(1)
			defer between.streams.Add(-1)
			daemon.ServeHTTP(w, q)
		default:
			daemon.ServeHTTP(w, q)
		}
	}))
	r.Cleanup(func() {
		between.CloseClientConnections()
		between.Close()
	})
	return between
}

// alter has the daemon's first event tell of other files.
func (r *relay) alter(answer *http.Response) error {
	if r.newer.Load() && answer.Header.Get("Content-Type") == "text/event-stream" {
		answer.Body = other{answer.Body}
	}
	return nil
}

// other is a stream whose first event tells of other files.
type other struct{ io.ReadCloser }

// Read reads on.
func (o other) Read(p []byte) (int, error) {
	n, err := o.ReadCloser.Read(p)
	copy(p[:n], bytes.ReplaceAll(p[:n], []byte("hello\ndata: "), []byte("hello\ndata:x")))
	return n, err
}

// hurry has the page's waits take a twentieth of their time.
func (b *tab) hurry() {
	b.Helper()
	const source = "const wait = setTimeout; window.setTimeout = (f, ms) => wait(f, ms / 20);"
	if _, err := chromedp.Call(b.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: source}); err != nil {
		b.Fatal(err)
	}
}

func TestThePageTellsHowWellItIsKept(t *testing.T) {
	t.Parallel()
	s := newShowing(t)
	r := s.relay()
	b := newTab(t, r.URL)
	b.hurry()
	b.open("/targets/big")
	b.await(live)
	tell[bool](b, "window.same = true")
	header := func(says string) {
		b.await(fmt.Sprintf("document.querySelector('#live').innerText.includes(%q)", says))
	}

	r.full.Store(true)
	r.CloseClientConnections()
	header("Looks again every 30 s")
	s.commit(map[int]string{98: "example.com"})
	s.pushed()
	b.await(`document.querySelector("main").innerText.includes("Policy 98")`)

	r.down.Store(true)
	r.CloseClientConnections()
	header("Not live since")
	s.commit(map[int]string{99: "example.com"})
	s.pushed()
	r.full.Store(false)
	r.down.Store(false)
	b.await(live)
	b.await(`document.querySelector("main").innerText.includes("Policy 99")`)
	if !tell[bool](b, "window.same === true") {
		t.Error("the page was loaded anew")
	}
	b.expect("Failed to load resource")
}

func TestThePageOfAnotherVersionIsLoadedAnewUnlessSomebodyTypes(t *testing.T) {
	t.Parallel()
	s := newShowing(t)
	r := s.relay()
	b := newTab(t, r.URL)
	b.hurry()
	b.open("/targets/big")
	b.await(live)
	tell[bool](b, "window.same = true")
	b.do(chromedp.SendKeys(chromedp.CSS("#q"), "half a wo"))
	r.newer.Store(true)
	r.CloseClientConnections()
	b.until(func() bool { return r.begun.Load() == 2 })
	s.commit(map[int]string{99: "example.com"})
	s.pushed()
	b.await(`document.querySelector("main").innerText.includes("Policy 99")`) // told after the other version
	if got := tell[string](b, `document.querySelector("#q").value`); got != "half a wo" {
		t.Errorf("%q is left of what was typed", got)
	}
	b.do(chromedp.KeyEvent(kb.Escape), chromedp.Evaluate[chromedp.Void](`document.querySelector("#q").value = ""; document.activeElement.blur()`))
	r.CloseClientConnections()
	b.until(func() bool {
		gone, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("window.same === undefined"))
		return err == nil && gone // it has no answer while it is loaded
	})
	b.expect("Failed to load resource")
}

func TestAHiddenPageFollowsNothing(t *testing.T) {
	t.Parallel()
	s := newShowing(t)
	r := s.relay()
	b := newTab(t, r.URL)
	b.open("/targets/big")
	b.await(live)
	hide := func(is bool) {
		b.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(
			`Object.defineProperty(document, "hidden", {value: %t, configurable: true}); document.dispatchEvent(new Event("visibilitychange"))`, is)))
	}
	hide(true)
	b.until(func() bool { return r.streams.Load() == 0 })
	s.commit(map[int]string{99: "example.com"})
	s.pushed()
	hide(false)
	b.await(`document.querySelector("main").innerText.includes("Policy 99")`)
	b.until(func() bool { return r.streams.Load() == 1 })
}

func TestWhatSomebodyOpensStaysOpen(t *testing.T) {
	t.Parallel()
	s := newScale(t, 1, simulator.Options{})
	r := s.receive(s.repo, nil)
	quiet := func() {
		s.commit(map[int]string{0: "example.com"}) // says what it said
		if done := r.pushed(); done.Result != event.Noop {
			t.Fatalf("%+v", done)
		}
	}
	for range 3 {
		quiet()
	}
	b := newTab(t, r.url)
	b.open("/targets/big/runs")
	b.await(live)
	b.do(chromedp.Click(chromedp.CSS("summary")))
	b.says("2 more like it")
	quiet()
	b.await(`document.querySelector("main").innerText.includes("3 more like it")`)
	if !tell[bool](b, `document.querySelector("details").open`) {
		t.Error("what was open is closed")
	}
}
