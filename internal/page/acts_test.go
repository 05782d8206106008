package page_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/policysync/policysync/internal/state"
	"github.com/policysync/policysync/internal/visitor"
)

// deeds is what was done to targets.
type deeds struct {
	all       []string
	suspended state.Suspension
}

func (d *deeds) Ask(target, by string) bool {
	d.all = append(d.all, "ask "+target+" by "+by)
	return d.suspended.Target == ""
}

func (d *deeds) Suspend(_ context.Context, s state.Suspension) error {
	d.all, d.suspended = append(d.all, "suspend "+s.Target), s
	return nil
}

func (d *deeds) Resume(_ context.Context, target, by string) error {
	d.all = append(d.all, "resume "+target+" by "+by)
	return nil
}

// ask sends a request as somebody.
func (w *world) ask(who visitor.Visitor, method, path string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(visitor.With(context.Background(), who), method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer := httptest.NewRecorder()
	w.ServeHTTP(answer, r)
	return answer
}

func operator() visitor.Visitor {
	return visitor.Visitor{Name: "ann@example.com", Operator: true, Addresses: true}
}

// do posts a form and returns what the page says to which that leads.
func (w *world) do(t *testing.T, path string, form url.Values) string {
	t.Helper()
	answer := w.ask(operator(), http.MethodPost, path, form)
	if answer.Code != http.StatusSeeOther {
		t.Fatalf("POST %s: %d %s", path, answer.Code, answer.Body)
	}
	return words(t, w.ask(operator(), http.MethodGet, answer.Header().Get("Location"), nil).Body.String())
}

func TestButtons(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const target = "/targets/production"
	for _, step := range []struct {
		path string
		form url.Values
		says string
	}{
		{"/sync", nil, "It was told to run now."},
		{"/suspend", url.Values{"reason": {" incident 7 "}, "until": {"48h"}}, "It is suspended."},
		{"/sync", nil, "It doesn't run: it is suspended."},
		{"/resume", nil, "It is resumed"},
	} {
		if got := w.do(t, target+step.path, step.form); !strings.Contains(got, step.says) {
			t.Errorf("POST %s: the page says %q, want %q", step.path, got, step.says)
		}
	}
	want := []string{
		"ask production by ann@example.com", "suspend production", "ask production by ann@example.com", "resume production by ann@example.com",
	}
	if d := cmp.Diff(want, w.did.all); d != "" {
		t.Errorf("done (-want +got):\n%s", d)
	}
	suspension := state.Suspension{Target: "production", Reason: "incident 7", By: "ann@example.com", Since: noon, Until: noon.Add(48 * time.Hour)}
	if d := cmp.Diff(suspension, w.did.suspended); d != "" {
		t.Errorf("suspended (-want +got):\n%s", d)
	}
}

func TestANoticeIsGoneAfterAMinute(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for at, want := range map[time.Time]bool{noon.Add(-59 * time.Second): true, noon.Add(-61 * time.Second): false} {
		path := fmt.Sprint("/targets/production?did=sync&at=", at.Unix())
		if got := strings.Contains(w.get(path).Body.String(), "told to run now"); got != want {
			t.Errorf("%s: a notice: %t", at, got)
		}
	}
}

func TestOnlyOperatorsAct(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, who := range map[string]visitor.Visitor{"a stranger": {}, "somebody on the machine": {Addresses: true}, "a viewer": {Name: "bob@example.com"}} {
		for _, act := range []string{"POST sync", "POST suspend", "POST resume", "GET suspend"} {
			method, path, _ := strings.Cut(act, " ")
			answer := w.ask(who, method, "/targets/production/"+path, url.Values{"reason": {"x"}})
			if answer.Code != http.StatusForbidden {
				t.Errorf("%s %s: %d", name, act, answer.Code)
			}
			inspect(t, answer.Body.String())
		}
		for _, path := range []string{"/", "/targets/production"} {
			if text := w.ask(who, http.MethodGet, path, nil).Body.String(); strings.Contains(text, `method="post"`) {
				t.Errorf("%s: GET %s shows a button", name, path)
			} else if says := words(t, text); (who.Name == "") != strings.Contains(says, "Sign in to act") {
				t.Errorf("%s: GET %s says %q", name, path, says)
			}
		}
	}
	if w.did.all != nil {
		t.Errorf("done: %v", w.did.all)
	}
}

func TestAFormThatIsWrongComesBackAsItWas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, tc := range map[string]struct{ reason, until, says string }{
		"no reason":        {"", "48h", "Say why"},
		"over":             {`in "7"`, "2026-11-23T11:59:59Z", "which is over"},
		"backwards":        {"x", "-1h", "which is over"},
		"neither of both":  {"x", "tomorrow", "want a time such as 2026-11-23T13:00:00Z"},
		"hostile, nothing": {hostile, hostile, "want a time"},
	} {
		answer := w.ask(operator(), http.MethodPost, "/targets/production/suspend", url.Values{"reason": {tc.reason}, "until": {tc.until}})
		text := answer.Body.String()
		if answer.Code != http.StatusUnprocessableEntity || !strings.Contains(words(t, text), tc.says) {
			t.Errorf("%s: %d %s", name, answer.Code, text)
		}
		for field, want := range map[string]string{"reason": tc.reason, "until": tc.until} {
			if got := valueOf(t, text, field); got != want {
				t.Errorf("%s: the field %s has %q, want %q", name, field, got, want)
			}
		}
		if strings.Contains(text, "live.js") {
			t.Errorf("%s: the page may be fetched again, though it answers a form", name)
		}
	}
	if w.did.all != nil {
		t.Errorf("done: %v", w.did.all)
	}
}

func TestASuspensionIsChangedFromWhatItIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	form := func() string {
		return w.ask(operator(), http.MethodGet, "/targets/production/suspend", nil).Body.String()
	}
	inspect(t, form())
	if got := valueOf(t, form(), "reason") + valueOf(t, form(), "until"); got != "" {
		t.Errorf("the form begins with %q", got)
	}
	if err := w.Store.Suspend(t.Context(), state.Suspension{Target: "production", Reason: "incident 7", Since: noon, Until: noon.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if got := valueOf(t, form(), "reason") + " " + valueOf(t, form(), "until"); got != "incident 7 2026-11-23T13:00:00Z" {
		t.Errorf("the form begins with %q", got)
	}
}

// valueOf returns what is in a field of a page.
func valueOf(t *testing.T, text, name string) string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		var value string
		var is bool
		for _, a := range n.Attr {
			is = is || a.Key == "name" && a.Val == name
			if a.Key == "value" {
				value = a.Val
			}
		}
		if is && n.Data == "input" {
			return value
		}
	}
	t.Fatalf("there is no field %s", name)
	return ""
}
