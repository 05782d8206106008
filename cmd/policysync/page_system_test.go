//go:build system

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/policy"
)

// showing is a daemon that has something to show.
type showing struct {
	*receiving
	failed string // the path of a run that was made in part
}

// newShowing returns a daemon of 12 policies, of which Policy 3 has drifted and
// Policy 4 can't be updated, which is tried again and again.
func newShowing(t *testing.T) *showing {
	t.Helper()
	s := newScale(t, 12, simulator.Options{})
	s.reportsDrift()
	r := s.receive(s.repo, nil)
	all, err := s.account.Policies()
	if err != nil {
		t.Fatal(err)
	}
	drifted := all[slices.IndexFunc(all, func(p policy.Live) bool { return p.Name == nameOf(3) })]
	drifted.Settings["session_duration"] = "8h"
	drifted.Include = append(drifted.Include, policy.Rule{Kind: "email", Body: map[string]any{"email": "guest@example.com"}})
	if err := s.account.Edit(drifted.ID, drifted.Policy); err != nil {
		t.Fatal(err)
	}
	if _, err := s.account.Seed(policy.Policy{Name: "By hand", Decision: policy.Allow, Include: drifted.Include}); err != nil {
		t.Fatal(err)
	}
	s.account.Inject(simulator.Fault{Operation: "update", Kind: simulator.Refusal, Times: 1000})
	s.commit(map[int]string{4: "new.example"})
	return &showing{receiving: r, failed: "/runs/" + r.pushed().Run}
}

// reportsDrift has the config say that drift is reported only.
func (s *scale) reportsDrift() {
	s.Helper()
	text, err := os.ReadFile(s.config())
	if err == nil {
		err = os.WriteFile(s.config(), []byte(strings.Replace(string(text), "drift: heal", "drift: report", 1)), 0o600)
	}
	if err != nil {
		s.Fatal(err)
	}
}

// pushed tells the daemon of a push and returns the run that it causes.
func (r *receiving) pushed() event.RunDone {
	r.Helper()
	r.postUntilTaken(fmt.Sprintf(`{"repository": %q, "ref": "refs/heads/main"}`, r.repo))
	return r.ran(event.Webhook)
}

// ran waits for the end of a run that has this reason.
func (r *receiving) ran(why event.Trigger) event.RunDone {
	r.Helper()
	for {
		select {
		case done := <-r.ended:
			if done.Trigger == why {
				return done
			}
		case <-time.After(time.Minute):
			r.Fatalf("no run by %s", why)
		}
	}
}

// signIn signs in by the form, and comes back to where it was.
func (b *tab) signIn() {
	b.Helper()
	b.follow(chromedp.Click(chromedp.CSS(".who a")))
	b.follow(chromedp.SendKeys(chromedp.CSS("#token"), webhookSecret+kb.Enter))
}

// everyPage returns the path of a page of each kind.
func (s *showing) everyPage() map[string]string {
	return map[string]string{
		"overview": "/", "target": "/targets/big", "filter": "/targets/big?state=drifted&q=policy", "none": "/targets/big?q=nothing",
		"in sync": "/targets/big/policy?key=Policy+1", "drifted": "/targets/big/policy?key=Policy+3", "failed": "/targets/big/policy?key=Policy+4",
		"timeline": "/targets/big/runs", "run": s.failed, "suspend": "/targets/big/suspend", "sign-in": "/signin", "failure": "/nowhere",
	}
}

func TestThePageHasNoBarriers(t *testing.T) {
	t.Parallel()
	s := newShowing(t)
	b := newTab(t, s.url)
	b.open("/")
	b.isOpen("overview of a stranger")
	b.signIn()
	for name, path := range s.everyPage() {
		b.open(path)
		b.isOpen(name)
	}
	b.expect("404 (Not Found)") // the failure
}

// TestThePageHasNoBarriersInTrouble goes through what a page says where something is wrong.
func TestThePageHasNoBarriersInTrouble(t *testing.T) {
	t.Parallel()
	s := newShowing(t)
	b := newTab(t, s.url)
	b.open("/signin")
	b.follow(chromedp.SendKeys(chromedp.CSS("#token"), "a guess"+kb.Enter))
	b.says("this is not the token")
	b.isOpen("sign-in, refused")
	b.follow(chromedp.SendKeys(chromedp.CSS("#token"), webhookSecret+kb.Enter))

	b.open("/targets/big/suspend")
	b.follow(chromedp.SendKeys(chromedp.CSS("#reason"), "incident 7"), chromedp.SendKeys(chromedp.CSS("#until"), "soon"+kb.Enter))
	b.says("want a time")
	b.isOpen("suspend, with a mistake")
	tell[string](b, `document.querySelector("#until").value = ""`)
	b.follow(chromedp.Click(chromedp.CSS("main button")))
	b.says("It is suspended.")
	b.isOpen("target, just suspended")
	b.open("/")
	b.isOpen("overview, suspended")
	b.open("/targets/big")
	b.follow(chromedp.Click(chromedp.CSS(`form[action$="/resume"] button`)))
	s.ran(event.Manual)

	s.account.Inject(simulator.Fault{Operation: "create", Kind: simulator.Refusal, Times: 1000})
	s.commit(map[int]string{60: "example.com"})
	s.pushed()
	b.open("/targets/big/policy?key=Policy+60")
	b.isOpen("policy that isn't there")
	s.account.Inject(simulator.Fault{Operation: "list", Kind: simulator.Refusal, Times: 1000})
	s.commit(map[int]string{61: "example.com"})
	failed := s.pushed()
	b.open("/")
	b.says("Failing")
	b.isOpen("overview, failing")
	b.open("/runs/" + failed.Run)
	b.isOpen("run that failed")
	b.expect("401 (Unauthorized)")
	b.expect("422 (Unprocessable Entity)")
}

func TestThePageHasNoBarriersWhereAllIsWell(t *testing.T) {
	t.Parallel()
	s := newScale(t, 2, simulator.Options{})
	b := newTab(t, s.receive(s.repo, nil).url)
	for _, path := range []string{"/", "/targets/big", "/targets/big/runs"} {
		b.open(path)
		b.isOpen(path)
	}
}

// isOpen fails the test where a page has barriers, or doesn't fit into a window.
func (b *tab) isOpen(name string) {
	b.Helper()
	for _, theme := range []string{"light", "dark"} {
		b.theme(theme)
		for _, width := range []int64{360, 1280} {
			b.do(chromedp.EmulateViewport(width, 800))
			for _, barrier := range b.axe() {
				b.Errorf("%s, %s, %d pixels: %s", name, theme, width, barrier)
			}
			if by := b.overflows(); by > 0 {
				b.Errorf("%s at %d pixels is %d too wide", name, width, by)
			}
		}
	}
}

func TestSearchFilterAndPolicy(t *testing.T) {
	t.Parallel()
	s := newShowing(t)
	b := newTab(t, s.url)
	b.open("/")
	b.says("Do Git and the accounts agree?")
	b.follow(chromedp.Click(chromedp.CSS("article h2 a")))
	b.says("1 to 12 of 12")
	b.follow(chromedp.SendKeys(chromedp.CSS("#q"), "Policy 1"+kb.Enter))
	b.says("1 to 3 of 3")
	b.open("/targets/big")
	b.follow(chromedp.Click(chromedp.CSS(`nav.filter a[href*="drifted"]`)))
	b.says("1 to 1 of 1")
	b.follow(chromedp.Click(chromedp.CSS("tbody th a")))
	b.says("guest@example.com")
	b.says("8h")
}

// live is true once the page is told of changes.
const live = `document.querySelector("#live").dataset.is === "live"`

func TestThePageIsLive(t *testing.T) {
	t.Parallel()
	s := newShowing(t)
	b := newTab(t, s.url)
	opened := time.Now()
	b.open("/targets/big?q=99")
	b.await(live)
	tell[bool](b, "window.same = true")
	s.commit(map[int]string{99: "example.com"})
	s.pushed()
	b.await(`document.querySelector("main").innerText.includes("Policy 99")`)
	if took := time.Since(opened); took > 25*time.Second { // it looks by itself after 30
		t.Errorf("nothing told it of the push for %s", took)
	}
	if !tell[bool](b, "window.same === true") {
		t.Error("the page was loaded anew")
	}
	if got := tell[string](b, `document.querySelector("#q").value`); got != "99" {
		t.Errorf("the search is for %q now", got)
	}
}

func TestButtonsOfThePage(t *testing.T) {
	t.Parallel()
	s := newShowing(t)
	b := newTab(t, s.url)
	b.open("/targets/big")
	if strings.Contains(b.text(), "Sync now") {
		t.Error("a stranger may have the target run")
	}
	b.signIn()
	s.commit(map[int]string{50: "example.com"})
	b.follow(chromedp.Click(chromedp.CSS(`form[action$="/sync"] button`)))
	s.ran(event.Manual)
	b.open("/targets/big?q=50")
	b.says("Policy 50")

	b.follow(chromedp.Click(chromedp.CSS(`.acts a[href$="/suspend"]`)))
	b.follow(chromedp.SendKeys(chromedp.CSS("#reason"), "we move house"+kb.Enter))
	b.says("we move house")
	b.follow(chromedp.Click(chromedp.CSS(`form[action$="/resume"] button`)))
	if strings.Contains(b.text(), "we move house") {
		t.Errorf("it is still suspended:\n%s", b.text())
	}
}

func TestThePageWithoutScripts(t *testing.T) {
	t.Parallel()
	s := newShowing(t)
	b := newTab(t, s.url)
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	b.open("/")
	if tell[string](b, `document.querySelector("#live").innerText`) != "" {
		t.Error("scripts run")
	}
	if got := tell[string](b, `document.querySelector("footer").innerText`); !strings.Contains(got, "loads itself anew every") {
		t.Errorf("nothing is said of how the page is kept:\n%s", got)
	}
	b.signIn()
	b.follow(chromedp.Click(chromedp.CSS("article h2 a")))
	b.follow(chromedp.SendKeys(chromedp.CSS("#q"), "Policy 1"+kb.Enter))
	b.says("1 to 3 of 3")
	b.follow(chromedp.Click(chromedp.CSS("tbody th a")))
	b.says("Nothing differs.")
	b.open("/targets/big")
	b.follow(chromedp.Click(chromedp.CSS(`form[action$="/sync"] button`)))
	s.ran(event.Manual)
}

// called says what an element is, and its name.
const called = `((e) => e.localName + " " + (e.labels?.[0] ?? e).textContent.trim().replace(/\s+/g, " "))`

// focused says where the focus is, "" for nowhere, and whether that is to be seen.
const focused = `(() => {
	const e = document.activeElement, style = getComputedStyle(e), box = e.getBoundingClientRect();
	if (e === document.body) return "";
	const seen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 && box.width > 0 && box.left >= 0;
	return ` + called + `(e) + (seen ? "" : ", not to be seen");
})()`

// focusable are all elements that may have the focus, in the order of the page.
const focusable = `[...document.querySelectorAll("a[href], button, input:not([type=hidden]), summary, select, textarea")].map(` + called + `)`

func TestThePageByKeyboard(t *testing.T) {
	t.Parallel()
	s := newShowing(t)
	b := newTab(t, s.url)
	b.open("/targets/big?state=drifted")
	b.signIn()
	var order []string
	for range 100 {
		b.do(chromedp.KeyEvent(kb.Tab))
		at := tell[string](b, focused)
		if at == "" { // once around
			break
		}
		order = append(order, at)
	}
	if d := cmp.Diff(tell[[]string](b, focusable), order); d != "" {
		t.Errorf("the focus goes elsewhere than through the page (-want +got):\n%s", d)
	}
	for _, control := range []string{"a Skip to the content", "button Sync now: big", "input Name, key, file or id", "button Search", "a drifted 1", "a Policy 3"} {
		if !slices.Contains(order, control) {
			t.Errorf("the focus doesn't go to %s:\n%s", control, strings.Join(order, "\n"))
		}
	}
	b.open("/targets/big")
	for _, key := range []string{kb.Tab, kb.Enter, kb.Tab} {
		b.do(chromedp.KeyEvent(key))
	}
	if got := tell[bool](b, `document.querySelector("main").contains(document.activeElement)`); !got {
		t.Errorf("the way past the header leads to %s", tell[string](b, focused))
	}
}

// screenshots are those of the documentation.
func (s *showing) screenshots() []struct {
	name, path, theme string
	width, height     int64
} {
	return []struct {
		name, path, theme string
		width, height     int64
	}{
		{"overview.png", "/", "light", 1280, 800},
		{"policy-dark.png", "/targets/big/policy?key=Policy+3", "dark", 1280, 900},
		{"target-phone.png", "/targets/big", "light", 360, 740},
		{"run.png", s.failed, "light", 1280, 700},
	}
}

func TestScreenshotsOfTheDocumentation(t *testing.T) {
	t.Parallel()
	s := newShowing(t)
	b := newTab(t, s.url)
	b.open("/")
	b.signIn()
	page, err := os.ReadFile(filepath.Join(root, "docs", "reference", "http.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, shot := range s.screenshots() {
		b.theme(shot.theme)
		b.do(chromedp.EmulateViewport(shot.width, shot.height))
		b.open(shot.path)
		b.await(live)
		picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(root, "docs", "screenshots", shot.name)
		if *update {
			if err := os.WriteFile(file, picture, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if kept, err := os.ReadFile(file); err != nil || len(kept) < len(picture)/2 || len(kept) > 200_000 {
			t.Errorf("%s has %d bytes, and would have %d now: %v", shot.name, len(kept), len(picture), err)
		}
		if !strings.Contains(string(page), "(../screenshots/"+shot.name+")") {
			t.Errorf("docs/reference/http.md doesn't show %s", shot.name)
		}
	}
}
