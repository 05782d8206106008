package page_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/page"
	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/state"
	"github.com/policysync/policysync/internal/state/sqlite"
	"github.com/policysync/policysync/internal/visitor"
)

var update = flag.Bool("update", false, "write the golden files anew")

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

const hostile = `<script>alert("x")</script>` + "\u202e"

// world is a store and a watch, and the page of them.
type world struct {
	*sqlite.Store
	watch   *page.Watch
	targets []page.Target
	stalled []string
	did     deeds
	users   func(id string) ([]policy.App, error)
	budget  page.Budget
	http.Handler
}

func newWorld(t testing.TB) *world {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &world{Store: store, watch: &page.Watch{}, targets: []page.Target{{Name: "production", Mode: diff.Upsert, Drift: diff.DriftReport}}}
	w.budget = page.Budget{Left: 412, Limit: 600, More: noon.Add(3 * time.Minute)}
	w.users = func(string) ([]policy.App, error) { return nil, nil }
	w.Handler = page.Handler(page.Options{
		Targets: func() []page.Target { return w.targets }, State: store, Watch: w.watch,
		Next:    func(string) time.Time { return noon.Add(40 * time.Second) },
		Stalled: func() []string { return w.stalled }, Now: func() time.Time { return noon }, Actions: &w.did, Budget: func(string) page.Budget { return w.budget },
		Users: func(_ context.Context, _, id string) ([]policy.App, error) { return w.users(id) },
	})
	return w
}

// ran stores a run that ended at a time and tells the watch of it.
func (w *world) ran(t testing.TB, id string, at time.Time, plan diff.Plan, result event.Result, failure error) {
	t.Helper()
	scope := event.Scope{Target: "production", Run: id, Commit: "c0ffee5eed5c0ffee5eed5c0ffee5eed5c0ffee5"}
	run := state.Run{ID: id, Target: "production", Trigger: "webhook", Commit: scope.Commit, Started: at.Add(-2 * time.Second)}
	if err := w.StartRun(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	w.watch.Emit(event.RunStarted{Scope: scope, Trigger: event.Webhook, At: run.Started})
	w.watch.Emit(event.SourceFetched{Scope: scope, Author: "Ann <ann@example.com>", Subject: "Let " + hostile + " in"})
	w.watch.Emit(event.PhaseDone{Scope: scope, Phase: event.Fetch, Took: 210 * time.Millisecond})
	if plan.States != nil {
		w.watch.Emit(event.PlanMade{Scope: scope, Plan: plan})
	}
	run.Phases = []state.Phase{{Name: "fetch", Took: 210 * time.Millisecond}, {Name: "apply", Took: 1700 * time.Millisecond, Failed: failure != nil}}
	run.Result, run.Finished, run.Counts = string(result), at, map[string]int{}
	for s, n := range plan.States {
		run.Counts[string(s)] = n
	}
	if failure != nil {
		run.Error = failure.Error()
	}
	if err := w.FinishRun(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	w.watch.Emit(event.RunDone{Scope: scope, Trigger: event.Webhook, Result: result, Err: failure, States: plan.States, At: at, Took: 2 * time.Second})
}

func engineering() policy.Policy {
	return policy.Policy{
		Name: "Engineering", Decision: policy.Allow,
		Include:  []policy.Rule{{Kind: "email_domain", Body: map[string]any{"domain": "example.com"}}},
		Settings: map[string]any{"session_duration": "24h"},
	}
}

// record has policies recorded.
func (w *world) record(t testing.TB, records ...policy.Recorded) {
	t.Helper()
	for i := range records {
		r := &records[i]
		r.Commit, r.CreatedAt, r.UpdatedAt = "c0ffee5eed5c", noon.Add(-48*time.Hour), noon.Add(-24*time.Hour)
	}
	if err := w.Refresh(t.Context(), "production", records); err != nil {
		t.Fatal(err)
	}
}

// troubled is a world in which much is wrong.
func troubled(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.targets = append(w.targets, page.Target{Name: "stage", Mode: diff.Sync, Drift: diff.DriftHeal})
	w.users = func(id string) ([]policy.App, error) {
		if id == "id-2" {
			return nil, errors.New("list applications: Cloudflare answered 403: check the token")
		}
		return []policy.App{{ID: "a1", Name: hostile, Domain: "wiki.example.com/admin", Type: "self_hosted"}, {ID: "a2", Name: "a2"}}, nil
	}
	was, now := engineering(), engineering()
	answered := engineering()
	answered.Settings = map[string]any{"session_duration": "24h", "approval_required": false}
	now.Settings = map[string]any{"session_duration": "720h"}
	now.Include = append(now.Include, policy.Rule{Kind: "everyone", Body: map[string]any{}})
	fine, defaulted := engineering(), engineering()
	fine.Name, fine.Settings, defaulted.Name = "Fine", nil, "Fine"
	w.record(t,
		policy.Recorded{Key: "eng", ID: "id-1", Sent: was, ReadBack: answered, Written: true, File: "policies/eng.yaml", Line: 3},
		policy.Recorded{Key: "fine", ID: "id-2", Sent: fine, ReadBack: defaulted, Written: true, File: "policies/fine.yaml", Line: 1},
	)
	w.ran(t, "run-1", noon.Add(-time.Hour), diff.Plan{States: map[diff.State]int{diff.InSync: 2}}, event.Noop, nil)
	drift := diff.Change{
		Action: diff.ActionUpdate, Key: "eng", Name: "Engineering", ID: "id-1", File: "policies/eng.yaml", Line: 3, State: diff.Drifted,
		Reason: "changed in the account; held back by drift: report", Direction: "narrows", Fields: diff.Compare(&now, &was),
		Desired: &policy.Desired{Policy: was, Key: "eng"}, Live: &policy.Live{Policy: now, ID: "id-1"},
	}
	create := diff.Change{Action: diff.ActionCreate, Key: "x/../<x>&?", Name: hostile, File: "policies/x.yaml", Line: 9, Reason: "not in the account", State: diff.Missing}
	create.Desired = &policy.Desired{Policy: engineering(), Key: create.Key}
	create.Desired.Name = hostile
	failure := errors.New("create " + hostile + ":\n400 Bad Request")
	w.ran(t, "run-2", noon.Add(-10*time.Minute), diff.Plan{
		Changes: []diff.Change{create}, Reported: []diff.Change{drift},
		States: map[diff.State]int{diff.InSync: 1, diff.Drifted: 1, diff.Failed: 1, diff.Unmanaged: 4},
	}, event.Partial, failure)
	w.watch.Emit(event.ChangeDone{Scope: event.Scope{Target: "production", Run: "run-2"}, Change: create, Outcome: event.Refused, Err: failure})
	intent := state.Intent{Target: "production", Key: create.Key, Action: "create", Body: policy.Policy{Name: hostile}, Run: "run-2", At: noon}
	refused := state.Change{
		Run: "run-2", Target: "production", Action: "create", Key: create.Key, Name: hostile, Direction: "widens",
		Result: "failed", Error: failure.Error(), Ray: "8f1c2d3e4f5a6b7c-FRA", At: noon.Add(-10 * time.Minute),
	}
	if err := errors.Join(
		w.Intend(t.Context(), intent), w.Abandon(t.Context(), refused),
		w.Suspend(t.Context(), state.Suspension{Target: "stage", Reason: "incident 7: " + hostile, By: "ann@example.com", Since: noon.Add(-3 * time.Hour), Until: noon.Add(time.Hour)}),
	); err != nil {
		t.Fatal(err)
	}
	return w
}

// get asks as somebody who may see addresses.
func (w *world) get(path string) *httptest.ResponseRecorder {
	return w.getAs(visitor.Visitor{Addresses: true}, path)
}

func (w *world) getAs(v visitor.Visitor, path string) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	w.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil).WithContext(visitor.With(context.Background(), v)))
	return answer
}

const hostileKey = "x%2F..%2F%3Cx%3E%26%3F"

func TestPages(t *testing.T) {
	t.Parallel()
	w := troubled(t)
	for name, path := range map[string]string{
		"overview": "/",
		"policies": "/targets/production",
		"filtered": "/targets/production?q=ENG&state=drifted",
		"nothing":  "/targets/production?q=%22%3E%3Cscript%3E",
		"drifted":  "/targets/production/policy?key=eng",
		"fine":     "/targets/production/policy?key=fine",
		"failed":   "/targets/production/policy?key=" + hostileKey,
		"runs":     "/targets/production/runs",
		"run":      "/runs/run-2",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := w.get(path)
			if answer.Code != http.StatusOK {
				t.Fatalf("status %d: %s", answer.Code, answer.Body)
			}
			golden(t, name, answer.Body.String())
		})
	}
}

// golden holds a page to what all must keep to, and to its golden file.
func golden(t *testing.T, name, text string) {
	t.Helper()
	inspect(t, text)
	file := filepath.Join("testdata", name+".html")
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), text); d != "" {
		t.Errorf("the page differs (-want +got):\n%s", d)
	}
}

// inspect holds a page to what all must keep to: no script or style but from files
// of ours, one h1, no level of headings left out, landmarks, ids once, labels that name
// something, and captions and scopes in tables.
func inspect(t *testing.T, text string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	elements, ids, level, h1 := map[string]int{}, map[string]bool{}, 0, 0
	var refers []string
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		elements[n.Data]++
		for _, a := range n.Attr {
			switch {
			case a.Key == "id" && ids[a.Val]:
				t.Errorf("id %q is there twice", a.Val)
			case a.Key == "id":
				ids[a.Val] = true
			case a.Key == "style", strings.HasPrefix(a.Key, "on"):
				t.Errorf("<%s> has an attribute %s", n.Data, a.Key)
			case a.Key == "for", a.Key == "aria-labelledby":
				refers = append(refers, a.Val)
			case (a.Key == "href" || a.Key == "src" || a.Key == "action") && !strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "#") && !strings.HasPrefix(a.Val, "?"):
				t.Errorf("<%s> refers to elsewhere: %s", n.Data, a.Val)
			}
		}
		switch n.Data {
		case "style", "iframe", "object":
			t.Errorf("there is a <%s>", n.Data)
		case "script":
			if n.FirstChild != nil || !strings.Contains(fmt.Sprint(n.Attr), "{ src /assets/") {
				t.Errorf("a script isn't a file of ours: %v", n.Attr)
			}
		case "h1", "h2", "h3":
			now := int(n.Data[1] - '0')
			if now > level+1 {
				t.Errorf("<%s> comes after a heading of level %d", n.Data, level)
			}
			level = now
			if now == 1 {
				h1++
			}
		case "table":
			if first := n.FirstChild.NextSibling; first == nil || first.Data != "caption" {
				t.Error("a table has no caption")
			}
		case "th":
			if !strings.Contains(fmt.Sprint(n.Attr), "scope") {
				t.Error("a th has no scope")
			}
		}
	}
	for _, id := range refers {
		if !ids[id] {
			t.Errorf("nothing has the id %q", id)
		}
	}
	if h1 != 1 || elements["main"] != 1 || elements["header"] != 1 || elements["nav"] == 0 || elements["title"] != 1 {
		t.Errorf("%d h1; elements %v", h1, elements)
	}
	if strings.ContainsRune(text, '\u202e') {
		t.Error("a character that turns the writing direction is passed on")
	}
}

func TestEveryAnswerIsLocked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for path, status := range map[string]int{
		"/": 200, "/assets/style.css": 200, "/assets/icon.svg": 200, "/assets/live.js": 200, "/assets/idiomorph.min.js": 200, "/assets/overview.html": 404, "/nothing": 404, "/targets/x": 404, "/runs/x": 404,
		"/targets/production/policy?key=x": 404, "/targets/production": 200, "/targets/production/runs": 200, "/targets/production?page=x": 200, "/?page=99": 200,
	} {
		answer := w.get(path)
		if answer.Code != status {
			t.Errorf("GET %s: %d, want %d", path, answer.Code, status)
		}
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
		} {
			if got := answer.Header().Get(name); !strings.HasPrefix(got, want) {
				t.Errorf("GET %s: %s is %q", path, name, got)
			}
		}
		if strings.HasPrefix(answer.Header().Get("Content-Type"), "text/html") {
			inspect(t, answer.Body.String())
		}
	}
}
