package cloudflare_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/cloudflare"
	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/policy"
)

func TestListReturnsEveryPolicyInAsFewRequestsAsTheServerAllows(t *testing.T) {
	t.Parallel()
	tests := []struct{ policies, maxPerPage, requests int }{
		{0, 1000, 1},
		{1, 1000, 1},
		{999, 1000, 1},
		{1000, 1000, 1},
		{1001, 1000, 2},
		{2000, 1000, 2},
		{250, 100, 3}, // per_page=1000 isn't honoured
		{7, 1, 7},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%d by %d", tt.policies, tt.maxPerPage), func(t *testing.T) {
			t.Parallel()
			account := simulator.New(simulator.Options{MaxPerPage: tt.maxPerPage})
			seedMany(t, account, tt.policies)
			got, err := connect(t, account, nil).List(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			distinct := map[string]bool{}
			for _, p := range got {
				distinct[p.Name] = true
			}
			if len(got) != tt.policies || len(distinct) != tt.policies {
				t.Errorf("%d policies with %d names, want %d", len(got), len(distinct), tt.policies)
			}
			if n := account.Count("list"); n != tt.requests {
				t.Errorf("%d requests, want %d", n, tt.requests)
			}
			for i, r := range account.Requests() {
				want := url.Values{"page": {fmt.Sprint(i + 1)}, "per_page": {"1000"}}.Encode()
				if r.Query != want {
					t.Errorf("request %d asks %q, want %q", i, r.Query, want)
				}
			}
		})
	}
}

// TestListThatMayLackPoliciesIsAnError alters one page of a list of three
// pages; each alteration must make the whole list fail.
func TestListThatMayLackPoliciesIsAnError(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	info := func(o object) object { return o["result_info"].(object) }
	items := func(o object) []any { return o["result"].([]any) }
	tests := map[string]struct {
		page  string
		alter func(object)
		want  string
	}{
		"no result_info":            {"1", func(o object) { delete(o, "result_info") }, "result_info"},
		"null result_info":          {"2", func(o object) { o["result_info"] = nil }, "result_info"},
		"empty result_info":         {"1", func(o object) { o["result_info"] = object{} }, "result_info"},
		"no total_count":            {"1", func(o object) { delete(info(o), "total_count") }, "result_info"},
		"null total_count":          {"1", func(o object) { info(o)["total_count"] = nil }, "result_info"},
		"total_count is a text":     {"1", func(o object) { info(o)["total_count"] = "25" }, "form"},
		"total_count is a fraction": {"1", func(o object) { info(o)["total_count"] = 25.5 }, "form"},
		"total_count is negative":   {"1", func(o object) { info(o)["total_count"] = -1 }, "for -1 entries"},
		"total_count grows":         {"2", func(o object) { info(o)["total_count"] = 26 }, "a moment ago"},
		"total_count shrinks":       {"3", func(o object) { info(o)["total_count"] = 24 }, "a moment ago"},
		"total_count is too large":  {"all", func(o object) { info(o)["total_count"] = 26 }, "25 entries came of 26"},
		"total_count is too small":  {"all", func(o object) { info(o)["total_count"] = 24 }, "25 entries came of 24"},
		"total_count is 0":          {"all", func(o object) { info(o)["total_count"] = 0 }, "3 pages for 0 entries"},
		"total_pages changes":       {"2", func(o object) { info(o)["total_pages"] = 4 }, "a moment ago"},
		"total_pages is too small":  {"all", func(o object) { info(o)["total_pages"] = 2 }, "20 entries came of 25"},
		"total_pages is 0":          {"all", func(o object) { info(o)["total_pages"] = 0 }, "10 entries came of 25"},
		"total_pages is too large":  {"all", func(o object) { info(o)["total_pages"] = 25 }, "page 4: it is empty"},
		"total_pages has no end":    {"all", func(o object) { info(o)["total_pages"] = 1_000_000_000 }, "1000000000 pages for 25 entries"},
		"pages of nothing have no end": {"all", func(o object) {
			o["result"], o["result_info"] = []any{}, object{"total_count": 0, "total_pages": 1_000_000_000}
		}, "1000000000 pages for 0 entries"},
		"no result":                      {"1", func(o object) { delete(o, "result") }, "isn't a list"},
		"null result":                    {"2", func(o object) { o["result"] = nil }, "null"},
		"result is an object":            {"1", func(o object) { o["result"] = object{} }, "isn't a list"},
		"result is a text":               {"3", func(o object) { o["result"] = "" }, "isn't a list"},
		"result holds a text":            {"1", func(o object) { items(o)[0] = "x" }, "isn't a list"},
		"result holds null":              {"1", func(o object) { items(o)[0] = nil }, "no id"},
		"a policy has no id":             {"2", func(o object) { delete(items(o)[0].(object), "id") }, "no id"},
		"a policy's id is a number":      {"2", func(o object) { items(o)[0].(object)["id"] = 1 }, "isn't a list"},
		"a policy's name is a number":    {"2", func(o object) { items(o)[0].(object)["name"] = 1 }, "isn't a list"},
		"a policy's include is a text":   {"2", func(o object) { items(o)[0].(object)["include"] = "all" }, "isn't a list"},
		"a policy twice on a page":       {"1", func(o object) { items(o)[0] = items(o)[1] }, "came twice"},
		"a page lacks a policy":          {"2", func(o object) { o["result"] = items(o)[1:] }, "24 entries came of 25"},
		"the last page lacks a policy":   {"3", func(o object) { o["result"] = items(o)[1:] }, "24 entries came of 25"},
		"a page is empty":                {"2", func(o object) { o["result"] = []any{} }, "it is empty"},
		"the first page is empty":        {"1", func(o object) { o["result"] = []any{} }, "it is empty"},
		"success is missing":             {"1", func(o object) { delete(o, "success") }, "whether it is a success"},
		"success is a text":              {"1", func(o object) { o["success"] = "true" }, "form"},
		"success is false on a 200":      {"3", func(o object) { o["success"] = false }, "success: false"},
		"success is false with a result": {"1", func(o object) { o["success"], o["errors"] = false, []any{object{"code": 1, "message": "m"}} }, "1 m"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				account := simulator.New(simulator.Options{MaxPerPage: 10})
				seedMany(t, account, 25)
				account.Inject(simulator.Fault{
					Operation: "list", Kind: simulator.Tampered, Times: -1,
					Match: func(r simulator.Request) bool {
						return tt.page == "all" || strings.HasPrefix(r.Query, "page="+tt.page+"&")
					},
					Rewrite: func(body []byte) []byte {
						var o object
						if err := json.Unmarshal(body, &o); err != nil {
							t.Error(err)
						}
						tt.alter(o)
						altered, err := json.Marshal(o)
						if err != nil {
							t.Error(err)
						}
						return altered
					},
				})
				got, err := connect(t, account, nil).List(t.Context())
				e := failure(t, err)
				if got != nil {
					t.Errorf("an error came with %d policies", len(got))
				}
				if !strings.Contains(e.Error(), tt.want) {
					t.Errorf("want %q in: %v", tt.want, e)
				}
			})
		})
	}
}

func TestListThatChangesBetweenPagesIsAnError(t *testing.T) {
	t.Parallel()
	// One policy goes, one comes: the count stays, but one is never shown.
	account := simulator.New(simulator.Options{MaxPerPage: 10, Quirks: simulator.Quirks{NewestFirst: true}})
	seedMany(t, account, 20)
	newest := held(t, account)[19].ID
	client := connect(t, account, func(o *cloudflare.Options) {
		o.Observe = func(cloudflare.Request) {
			if account.Count("list") == 1 {
				account.Remove(newest)
				seed(t, account, plain("new"))
				seed(t, account, plain("newer"))
			}
		}
	})
	if got, err := client.List(t.Context()); err == nil {
		t.Errorf("%d policies came, and no error", len(got))
	}
}

func TestListGetsByWithoutTotalPages(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ policies, requests int }{{0, 1}, {7, 1}, {10, 1}, {25, 3}} {
		account := simulator.New(simulator.Options{MaxPerPage: 10})
		seedMany(t, account, tt.policies)
		account.Inject(simulator.Fault{Operation: "list", Kind: simulator.Tampered, Times: -1, Rewrite: func(body []byte) []byte {
			return regexp.MustCompile(`,?"total_pages":\d+`).ReplaceAll(body, nil)
		}})
		got, err := connect(t, account, nil).List(t.Context())
		if err != nil || len(got) != tt.policies {
			t.Errorf("%d policies, %v; want %d", len(got), err, tt.policies)
		}
		if n := account.Count("list"); n != tt.requests {
			t.Errorf("%d requests, want %d", n, tt.requests)
		}
	}
}

func TestUsersNamesTheApplicationsOfAPolicy(t *testing.T) {
	t.Parallel()
	account := simulator.New(simulator.Options{MaxPerPage: 1})
	seedMany(t, account, 2)
	all, err := account.Policies()
	if err != nil {
		t.Fatal(err)
	}
	for app, id := range map[string]string{"Wiki": all[0].ID, "Other": all[1].ID} {
		if err := account.Attach(id, app); err != nil {
			t.Fatal(err)
		}
	}
	client := connect(t, account, nil)
	got, err := client.Users(t.Context())
	for id, want := range map[string]string{all[0].ID: "Wiki", all[1].ID: "Other"} {
		users := got[id]
		if err != nil || len(users) != 1 || users[0].ID == "" {
			t.Fatalf("users %+v, %v", got, err)
		}
		users[0].ID = ""
		if d := cmp.Diff([]policy.App{{Name: want, Domain: "app.example.com", Type: "self_hosted"}}, users); d != "" {
			t.Errorf("users (-want +got):\n%s", d)
		}
	}
	account.Inject(simulator.Fault{Operation: "list_apps", Kind: simulator.ShortPage})
	if got, err := client.Users(t.Context()); err == nil {
		t.Errorf("users %q of a list that isn't whole", got)
	}
}
