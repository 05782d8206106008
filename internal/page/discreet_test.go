package page_test

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/state"
	"github.com/policysync/policysync/internal/visitor"
)

// addressed is a world in which addresses are wherever policies and people may
// have put them. Each begins with marked.
func addressed(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	n := 0
	address := func() string { n++; return fmt.Sprintf("marked.%d+o'x@example.com", n) }
	w.users = func(id string) ([]policy.App, error) {
		if id == "id-2" {
			return nil, errors.New("asked as marked@example.com")
		}
		return []policy.App{{Name: "App of marked@example.com", Domain: "marked@example.com", Type: "marked@example.com"}}, nil
	}
	body := func() policy.Policy {
		return policy.Policy{
			Name: "For " + address(), Decision: policy.Allow,
			Include: []policy.Rule{{Kind: "email", Body: map[string]any{"email": address()}}},
			Exclude: []policy.Rule{{Body: map[string]any{"new": []any{address(), map[string]any{"kind": address()}}}}},
			Settings: map[string]any{
				"purpose_justification_prompt": "Ask " + address(), "unknown": map[string]any{"of": address()},
				"approval_groups": []any{map[string]any{"approvals_needed": 1.0, "email_addresses": []any{address(), address()}}},
			},
		}
	}
	key := func() string { return "marked-" + address() }
	drifted, missing, fine := key(), key(), key()
	desired, live, sent := body(), body(), body()
	w.record(t,
		policy.Recorded{Key: drifted, ID: "id-1", Sent: sent, ReadBack: body(), File: "policies/" + address() + ".yaml", Line: 3},
		policy.Recorded{Key: fine, ID: "id-2", Sent: body(), ReadBack: body(), File: "policies/" + address() + ".yaml", Line: 1},
	)
	drift := diff.Change{
		Action: diff.ActionUpdate, Key: drifted, Name: desired.Name, ID: "id-1", File: "policies/" + address(), Line: 3, State: diff.Drifted,
		Reason: "changed by " + address(), Fields: diff.Compare(&live, &desired),
		Desired: &policy.Desired{Policy: desired, Key: drifted}, Live: &policy.Live{Policy: live, ID: "id-1"},
	}
	made := body()
	create := diff.Change{
		Action: diff.ActionCreate, Key: missing, Name: made.Name, File: "policies/" + address(), Line: 9, State: diff.Missing,
		Reason: "not there: " + address(), Desired: &policy.Desired{Policy: made, Key: missing},
	}
	failure := errors.New("create " + address() + ":\n400 Bad Request: " + address())
	w.ran(t, "run-1", noon.Add(-10*time.Minute), diff.Plan{
		Changes: []diff.Change{create}, Reported: []diff.Change{drift}, States: map[diff.State]int{diff.InSync: 1, diff.Drifted: 1, diff.Failed: 1},
	}, event.Partial, failure)
	w.watch.Emit(event.SourceFetched{
		Scope: event.Scope{Target: "production", Run: "run-1"}, Author: address() + " <" + address() + ">", Subject: "Let " + address() + " in",
	})
	w.watch.Emit(event.ChangeDone{Scope: event.Scope{Target: "production", Run: "run-1"}, Change: create, Outcome: event.Refused, Err: failure})
	intent := state.Intent{Target: "production", Key: missing, Action: "create", Body: made, Run: "run-1", At: noon}
	refused := state.Change{Run: "run-1", Target: "production", Action: "create", Key: missing, Name: made.Name, Result: "failed", Error: failure.Error(), Ray: address(), After: &made, At: noon}
	if err := errors.Join(
		w.Intend(t.Context(), intent), w.Abandon(t.Context(), refused),
		w.Suspend(t.Context(), state.Suspension{Target: "production", Reason: "ask " + address(), Since: noon}),
	); err != nil {
		t.Fatal(err)
	}
	return w
}

// visit follows all links from a page on, and returns what it has read, by path.
func (w *world) visit(t *testing.T, as visitor.Visitor, from string) map[string]string {
	t.Helper()
	read, todo := map[string]string{}, []string{from}
	for len(todo) > 0 {
		path := todo[0]
		todo = todo[1:]
		if _, been := read[path]; been {
			continue
		}
		answer := w.getAs(as, path)
		if answer.Code != http.StatusOK {
			t.Errorf("GET %s: %d %s", path, answer.Code, answer.Body)
		}
		read[path] = answer.Body.String()
		root, err := html.Parse(strings.NewReader(read[path]))
		if err != nil {
			t.Fatal(err)
		}
		for n := range root.Descendants() {
			for _, a := range n.Attr {
				if a.Key == "href" && strings.HasPrefix(a.Val, "/") && n.Data == "a" && !strings.HasPrefix(a.Val, "/signin?") {
					todo = append(todo, a.Val)
				}
			}
		}
	}
	return read
}

// TestNoAddressIsShownToWhoMayNotSeeThem goes wherever links lead, as somebody who
// may see addresses and as somebody who may not. Both see the same pages.
func TestNoAddressIsShownToWhoMayNotSeeThem(t *testing.T) {
	t.Parallel()
	w := addressed(t)
	open, discreet := w.visit(t, visitor.Visitor{Addresses: true}, "/"), w.visit(t, visitor.Visitor{}, "/")
	if len(open) != len(discreet) || len(open) < 10 {
		t.Errorf("%d pages to be seen with addresses, %d without", len(open), len(discreet))
	}
	marked := regexp.MustCompile(`.{0,60}marked.{0,40}`)
	all := map[string]bool{}
	for path, text := range open {
		for _, seen := range marked.FindAllString(text, -1) {
			all[seen] = true
		}
		if strings.Contains(path, "/policy?") && !strings.Contains(text, "marked") {
			t.Errorf("%s shows no address to who may see them", path)
		}
	}
	if len(all) < 20 {
		t.Errorf("only %d addresses are on the pages, so that hiding them proves little", len(all))
	}
	for path, text := range discreet {
		if strings.Contains(path, "marked") {
			t.Errorf("a link shows an address: %s", path)
		}
		for _, seen := range marked.FindAllString(text, -1) {
			t.Errorf("%s shows %q", path, seen)
		}
	}
}

// TestNothingIsFoundByAHiddenAddress keeps people from trying addresses out.
func TestNothingIsFoundByAHiddenAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := engineering()
	p.Name = "ann@example.com"
	w.record(t, policy.Recorded{Key: p.Name, ID: "id-1", Sent: p, ReadBack: p, File: "ann@example.com.yaml", Line: 1})
	for path, found := range map[string][2]bool{ // with addresses, without
		"/targets/production?q=ann":                            {true, false},
		"/targets/production?q=ann@example":                    {true, false},
		"/targets/production?q=@example":                       {true, true},
		"/targets/production?q=id-1":                           {true, true},
		"/targets/production/policy?key=ann%40example.com":     {true, false},
		"/targets/production/policy?key=%2A%2A%2A@example.com": {false, false},
		"/targets/production/policy?ref=AAAA":                  {false, false},
		"/targets/production/policy?ref=!":                     {false, false},
	} {
		for i, v := range []visitor.Visitor{{Addresses: true}, {}} {
			text := words(t, w.getAs(v, path).Body.String())
			if got := strings.Contains(text, "1 to 1 of 1") || strings.Contains(text, "Where it is Key"); got != found[i] {
				t.Errorf("GET %s, as %+v: found: %v; the page says %q", path, v, got, text)
			}
		}
	}
}
