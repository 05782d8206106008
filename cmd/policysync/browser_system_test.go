//go:build system

package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// tab is a page of a browser that nobody has used before. Whatever the browser
// complains of in it fails the test, and so does a request to somebody else.
type tab struct {
	*testing.T

	ctx  context.Context
	site string // whose pages are looked at

	mu         sync.Mutex
	complaints []string
}

// newTab starts a browser, which ends with the test.
func newTab(t *testing.T, site string) *tab {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath("chromium"), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("no-proxy-server", true))
	ctx, end := chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(end)
	ctx, _ = chromedp.NewContext(ctx)
	b := &tab{T: t, ctx: ctx, site: site}
	if err := chromedp.Listen(ctx, b.heed); err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.EmulateViewport(1280, 800))
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	var listening sync.WaitGroup
	messages := chromedp.Console(ctx)
	listening.Go(func() {
		for m, err := range messages {
			if err != nil {
				return // the browser has ended
			}
			if m.Type != chromedp.ConsoleLog && m.Type != chromedp.ConsoleDebug && m.Type != chromedp.ConsoleInfo {
				b.complain(m.String() + " " + m.URL)
			}
		}
	})
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil && ctx.Err() == nil {
			t.Error(err)
		}
		listening.Wait()
		for _, c := range b.complaints {
			t.Errorf("the browser complains: %s", c)
		}
	})
	return b
}

func (b *tab) complain(what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.complaints = append(b.complaints, what)
}

// expect takes away what the browser rightly complains of.
func (b *tab) expect(text string) {
	b.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.ContainsFunc(b.complaints, func(c string) bool { return strings.Contains(c, text) }) {
		b.Errorf("the browser doesn't complain of %q", text)
	}
	b.complaints = slices.DeleteFunc(b.complaints, func(c string) bool { return strings.Contains(c, text) })
}

// heed looks whether a request leaves the site.
func (b *tab) heed(e any) {
	if sent, ok := e.(*network.EventRequestWillBeSent); ok && !strings.HasPrefix(sent.Request.URL, b.site+"/") {
		b.complain("request to " + sent.Request.URL)
	}
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.Fatal(err)
	}
}

// open loads a page of the site.
func (b *tab) open(path string) {
	b.Helper()
	b.do(chromedp.Navigate(b.site + path))
}

// follow does what loads another page, and waits for that.
func (b *tab) follow(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if _, err := chromedp.RunResponse(b.ctx, steps...); err != nil {
		b.Fatal(err)
	}
}

// tell has the page evaluate an expression.
func tell[T any](b *tab, expression string) T {
	b.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatalf("%s: %v", expression, err)
	}
	return value
}

// text returns what the page says.
func (b *tab) text() string {
	b.Helper()
	return tell[string](b, "document.querySelector('main').innerText")
}

// says fails the test unless the page says something.
func (b *tab) says(what string) {
	b.Helper()
	if got := b.text(); !strings.Contains(got, what) {
		b.Fatalf("the page doesn't say %q:\n%s", what, got)
	}
}

// await waits until an expression is true.
func (b *tab) await(expression string) {
	b.Helper()
	b.until(func() bool { return tell[bool](b, expression) })
}

// until waits until something is so.
func (b *tab) until(so func() bool) {
	b.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for !so() {
		select {
		case <-again.C:
		case <-b.ctx.Done():
			b.Fatal("in vain")
		}
	}
}

// theme has the page think that its visitor likes it light, or dark.
func (b *tab) theme(name string) {
	b.Helper()
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
	}); err != nil {
		b.Fatal(err)
	}
}

// axe returns the barriers that axe-core finds on the page.
func (b *tab) axe() []string {
	b.Helper()
	file := filepath.Join(root, "tools", "axe", "node_modules", "axe-core", "axe.min.js")
	source, err := os.ReadFile(file)
	if err != nil {
		b.Fatalf("%v: make axe installs it", err)
	}
	if tell[string](b, "typeof axe") != "object" {
		b.do(chromedp.Evaluate[chromedp.Void](string(source)))
	}
	return tell[[]string](b, `axe.run(document, {resultTypes: ["violations"]}).then((found) =>
		found.violations.flatMap((v) => v.nodes.map((n) => v.id + ": " + n.html + ": " + n.failureSummary)))`)
}

// overflows returns by how many pixels the page is wider than the window.
func (b *tab) overflows() int {
	b.Helper()
	return tell[int](b, "document.documentElement.scrollWidth - document.documentElement.clientWidth")
}
