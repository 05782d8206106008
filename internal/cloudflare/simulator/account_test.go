package simulator_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/policy"
)

func TestPolicyThroughItsLife(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		account := simulator.New(simulator.Options{})
		created := ask(t, account, http.MethodPost, policies, smallest)
		id, _ := created.result(t)["id"].(string)
		if created.Status != http.StatusCreated || uuid.Validate(id) != nil {
			t.Fatalf("created %+v", created)
		}
		born := time.Now().UTC().Format(time.RFC3339)
		time.Sleep(time.Minute)
		if err := account.Attach(id, "Wiki"); err != nil {
			t.Fatal(err)
		}
		updated := ask(t, account, http.MethodPut, policies+"/"+id, `{"name":"m","decision":"deny","include":[{"everyone":{}}]}`)
		want := object{
			"id": id, "name": "m", "decision": "deny", "include": []any{object{"everyone": object{}}}, "app_count": 1.0, "reusable": true,
			"created_at": born, "updated_at": time.Now().UTC().Format(time.RFC3339),
		}
		if diff := cmp.Diff(want, updated.result(t)); diff != "" || updated.Status != http.StatusOK {
			t.Errorf("update answered %d (-want +got):\n%s", updated.Status, diff)
		}
		got := ask(t, account, http.MethodGet, policies+"/"+id, "")
		if diff := cmp.Diff(want, got.result(t)); diff != "" || got.Status != http.StatusOK {
			t.Errorf("get answered %d (-want +got):\n%s", got.Status, diff)
		}
		if inUse := ask(t, account, http.MethodDelete, policies+"/"+id, ""); inUse.Status != http.StatusConflict {
			t.Errorf("delete in use answered %d", inUse.Status)
		}
		account.Detach(id)
		gone := ask(t, account, http.MethodDelete, policies+"/"+id, "")
		if diff := cmp.Diff(object{"id": id}, gone.result(t)); diff != "" || gone.Status != http.StatusAccepted {
			t.Errorf("delete answered %d (-want +got):\n%s", gone.Status, diff)
		}
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
			if got := ask(t, account, method, policies+"/"+id, smallest); got.Status != http.StatusNotFound {
				t.Errorf("%s of a policy that is gone answered %d", method, got.Status)
			}
		}
	})
}

func TestNamesNeedNotBeUnique(t *testing.T) {
	t.Parallel()
	account := simulator.New(simulator.Options{})
	for range 2 {
		if got := ask(t, account, http.MethodPost, policies, smallest); got.Status != http.StatusCreated {
			t.Errorf("answered %d", got.Status)
		}
	}
	if all := held(t, account); len(all) != 2 || all[0].ID == all[1].ID || all[0].Name != all[1].Name {
		t.Errorf("holds %v", all)
	}
}

func TestListsArePaged(t *testing.T) {
	t.Parallel()
	tests := []struct {
		query                      string
		most                       int
		page, perPage, count, last int // last: number of the page's last policy
	}{
		{"", 0, 1, 100, 100, 99},
		{"?page=2", 0, 2, 100, 100, 199},
		{"?page=3", 0, 3, 100, 50, 249},
		{"?page=4", 0, 4, 100, 0, -1},
		{"?per_page=1000", 0, 1, 1000, 250, 249},
		{"?per_page=5000", 0, 1, 1000, 250, 249},
		{"?per_page=1000&page=2", 60, 2, 60, 60, 119},
		{"?page=9223372036854775", 0, 9223372036854775, 100, 0, -1},
	}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			t.Parallel()
			account := simulator.New(simulator.Options{MaxPerPage: tt.most})
			for i := range 250 {
				seed(t, account, fmt.Sprint(i))
			}
			got := ask(t, account, http.MethodGet, policies+tt.query, "").envelope(t)
			want := object{
				"page": float64(tt.page), "per_page": float64(tt.perPage), "count": float64(tt.count),
				"total_count": 250.0, "total_pages": float64((250 + tt.perPage - 1) / tt.perPage),
			}
			if diff := cmp.Diff(want, got["result_info"]); diff != "" {
				t.Errorf("result_info (-want +got):\n%s", diff)
			}
			list := got["result"].([]any)
			if len(list) != tt.count {
				t.Errorf("%d policies, want %d", len(list), tt.count)
			}
			if tt.last >= 0 && list[len(list)-1].(object)["name"] != fmt.Sprint(tt.last) {
				t.Errorf("ends with %v, want %d", list[len(list)-1], tt.last)
			}
		})
	}
	for _, query := range []string{"?page=0", "?page=-1", "?page=x", "?per_page=0", "?per_page=1.5"} {
		if got := ask(t, simulator.New(simulator.Options{}), http.MethodGet, policies+query, ""); got.Status != http.StatusBadRequest {
			t.Errorf("%s answered %d", query, got.Status)
		}
	}
}

func TestWhoMayAskWhat(t *testing.T) {
	t.Parallel()
	const account = base + "/accounts/" + simulator.DefaultAccountID
	keys := simulator.Options{Email: "me@example.com", Key: "key"}
	tests := []struct {
		name        string
		options     simulator.Options
		method, url string
		header      map[string]string // replaces the right token
		status      int
		code        int
	}{
		{"list", simulator.Options{}, "GET", policies, nil, 200, 0},
		{"list without the prefix", simulator.Options{}, "GET", strings.Replace(policies, "/client/v4", "", 1), nil, 200, 0},
		{"groups", simulator.Options{}, "GET", account + "/access/groups", nil, 200, 0},
		{"apps", simulator.Options{}, "GET", account + "/access/apps", nil, 200, 0},
		{"verify a user's token", simulator.Options{}, "GET", base + "/user/tokens/verify", nil, 200, 0},
		{"verify it as the account's", simulator.Options{}, "GET", account + "/tokens/verify", nil, 401, 1000},
		{"verify an account's token", simulator.Options{AccountToken: true}, "GET", account + "/tokens/verify", nil, 200, 0},
		{"verify it as a user's", simulator.Options{AccountToken: true}, "GET", base + "/user/tokens/verify", nil, 401, 1000},
		{"verify a wrong token", simulator.Options{Token: "other"}, "GET", base + "/user/tokens/verify", nil, 401, 1000},
		{"wrong token", simulator.Options{Token: "other"}, "GET", policies, nil, 403, 10000},
		{"no credentials", simulator.Options{}, "GET", policies, map[string]string{}, 400, 9106},
		{"other scheme", simulator.Options{}, "GET", policies, map[string]string{"Authorization": "Basic eDp5"}, 400, 9106},
		{"key", keys, "GET", policies, map[string]string{"X-Auth-Email": "me@example.com", "X-Auth-Key": "key"}, 200, 0},
		{"wrong key", keys, "GET", policies, map[string]string{"X-Auth-Email": "me@example.com", "X-Auth-Key": "kex"}, 403, 10000},
		{"wrong e-mail", keys, "GET", policies, map[string]string{"X-Auth-Email": "you@example.com", "X-Auth-Key": "key"}, 403, 10000},
		{"key where none is let in", simulator.Options{}, "GET", policies, map[string]string{"X-Auth-Email": "a", "X-Auth-Key": "b"}, 403, 10000},
		{"verify a key", keys, "GET", base + "/user/tokens/verify", map[string]string{"X-Auth-Email": "me@example.com", "X-Auth-Key": "key"}, 401, 1000},
		{"read only reads", simulator.Options{ReadOnly: true}, "GET", policies, nil, 200, 0},
		{"read only writes", simulator.Options{ReadOnly: true}, "POST", policies, nil, 403, 10000},
		{"other account", simulator.Options{AccountID: "another"}, "GET", policies, nil, 403, 9109},
		{"unknown path", simulator.Options{}, "GET", account + "/access/unicorns", nil, 404, 7003},
		{"unknown method", simulator.Options{}, "PATCH", policies + "/a", nil, 404, 7003},
		{"path below a policy", simulator.Options{}, "GET", policies + "/a/b", nil, 404, 7003},
		{"no account", simulator.Options{}, "GET", base + "/accounts/", nil, 404, 7003},
		{"root", simulator.Options{}, "GET", base, nil, 404, 7003},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			request := newRequest(t, tt.method, tt.url, smallest)
			if tt.header != nil {
				request.Header = http.Header{}
				for name, value := range tt.header {
					request.Header.Set(name, value)
				}
			}
			got, err := exchange(t, simulator.New(tt.options).Transport(), request)
			if err != nil {
				t.Fatal(err)
			}
			if code, _ := got.code(t); got.Status != tt.status || code != tt.code {
				t.Errorf("answered %d code %d, want %d code %d", got.Status, code, tt.status, tt.code)
			}
			if got.Header.Get("Cf-Ray") == "" || got.Header.Get("Ratelimit") == "" || got.Header.Get("Ratelimit-Policy") == "" {
				t.Errorf("headers are missing: %v", got.Header)
			}
		})
	}
}

func TestRequestsAreLogged(t *testing.T) {
	t.Parallel()
	account := simulator.New(simulator.Options{})
	ask(t, account, http.MethodPost, policies, smallest)
	ask(t, account, http.MethodGet, policies+"?per_page=7&page=1", "")
	ask(t, account, http.MethodPost, policies, "{}")
	ask(t, account, http.MethodGet, base+"/nonsense", "")
	got := account.Requests()
	path := strings.TrimPrefix(policies, base)
	for i := range got {
		if got[i].At.IsZero() {
			t.Errorf("request %d has no time", i)
		}
		got[i].At = time.Time{}
		got[i].Body = slices.Clip(got[i].Body)
	}
	want := []simulator.Request{
		{Operation: "create", Method: "POST", Path: path, Body: []byte(smallest), Status: 201},
		{Operation: "list", Method: "GET", Path: path, Query: "page=1&per_page=7", Body: []byte{}, Status: 200},
		{Operation: "create", Method: "POST", Path: path, Body: []byte("{}"), Status: 400},
		{Method: "GET", Path: "/nonsense", Body: []byte{}, Status: 404},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if account.Count("create") != 2 || account.Count("list") != 1 || account.Count("delete") != 0 {
		t.Error("the counts are wrong")
	}
}

func TestHands(t *testing.T) {
	t.Parallel()
	account := simulator.New(simulator.Options{})
	a, b := seed(t, account, "a"), seed(t, account, "b")
	for _, id := range []string{a, b, a} {
		if err := account.Attach(id, "Wiki"); err != nil {
			t.Fatal(err)
		}
	}
	if err := account.Attach(a, "Mail"); err != nil {
		t.Fatal(err)
	}
	if err := account.Edit(b, plain("renamed")); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range held(t, account) {
		got = append(got, fmt.Sprint(p.Name, " ", p.AppCount))
	}
	if diff := cmp.Diff([]string{"a 2", "renamed 1"}, got); diff != "" {
		t.Errorf("policies (-want +got):\n%s", diff)
	}
	account.Remove(a)
	if all := held(t, account); len(all) != 1 || all[0].ID != b {
		t.Errorf("after Remove it holds %v", all)
	}
	if account.Attach(a, "Wiki") == nil || account.Edit(a, plain("x")) == nil {
		t.Error("a policy that is gone can't be used or edited")
	}
	if _, err := account.Seed(policy.Policy{Name: "x"}); err == nil || !strings.Contains(err.Error(), "decision") {
		t.Errorf("Seed must refuse what the API refuses: %v", err)
	}
	if err := account.Edit(b, policy.Policy{}); err == nil {
		t.Error("Edit must refuse what the API refuses")
	}
}

func TestACopyIsAnAccountOfItsOwn(t *testing.T) {
	t.Parallel()
	account := simulator.New(simulator.Options{})
	a, b := seed(t, account, "a"), seed(t, account, "b")
	if err := account.Attach(b, "Wiki"); err != nil {
		t.Fatal(err)
	}
	account.Inject(simulator.Fault{Kind: simulator.ServerError, Times: -1})
	copied := account.Copy()
	if diff := cmp.Diff(held(t, account), held(t, copied)); diff != "" {
		t.Errorf("copy (-account +copy):\n%s", diff)
	}
	ask(t, account, http.MethodGet, policies, "")
	if got := ask(t, copied, http.MethodGet, policies, ""); got.Status != http.StatusOK || copied.Count("list") != 1 {
		t.Errorf("the copy answers with %d after %d requests, want none of the account's faults and requests", got.Status, copied.Count("list"))
	}
	before := held(t, account)
	copied.Remove(a)
	copied.Detach(b)
	if err := copied.Edit(b, plain("c")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, held(t, account)); diff != "" {
		t.Errorf("what is done to the copy shows in the account (-before +after):\n%s", diff)
	}
}

func TestListsForNames(t *testing.T) {
	t.Parallel()
	account := simulator.New(simulator.Options{})
	group := account.Add(policy.ToGroup, "Contractors")
	a, b := seed(t, account, "a"), seed(t, account, "b")
	for _, id := range []string{b, a} {
		if err := account.Attach(id, "Wiki"); err != nil {
			t.Fatal(err)
		}
	}
	const accountURL = base + "/accounts/" + simulator.DefaultAccountID
	groups := ask(t, account, http.MethodGet, accountURL+"/access/groups", "").envelope(t)
	first := groups["result"].([]any)[0].(object)
	if first["id"] != group || first["name"] != "Contractors" || groups["result_info"].(object)["per_page"] != 1000.0 {
		t.Errorf("groups: %v", groups)
	}
	app := ask(t, account, http.MethodGet, accountURL+"/access/apps", "").envelope(t)["result"].([]any)[0].(object)
	linked := app["policies"].([]any)
	if app["name"] != "Wiki" || len(linked) != 2 || linked[0].(object)["id"] != b || linked[1].(object)["precedence"] != 2.0 {
		t.Errorf("app: %v", app)
	}
}
