package cloudflare_test

import (
	"cmp"
	"errors"
	"io/fs"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/cloudflare"
	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/secret"
)

func TestPolicyThroughItsLife(t *testing.T) {
	t.Parallel()
	account := simulator.New(simulator.Options{Quirks: simulator.Quirks{DefaultDuration: true}})
	client := connect(t, account, nil)
	created, err := client.Create(t.Context(), plain("Engineering"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if created.Settings["session_duration"] != "24h" {
		t.Errorf("what the account adds must be seen: %v", created.Settings)
	}
	if err := account.Attach(created.ID, "Wiki"); err != nil {
		t.Fatal(err)
	}
	got, err := client.Get(t.Context(), created.ID)
	if err != nil || got.AppCount != 1 || got.Name != "Engineering" {
		t.Errorf("got %+v: %v", got, err)
	}
	updated, err := client.Update(t.Context(), created.ID, plain("R&D"), nil)
	if err != nil || updated.ID != created.ID || updated.Name != "R&D" {
		t.Errorf("got %+v: %v", updated, err)
	}
	if e := failure(t, client.Delete(t.Context(), created.ID, nil)); e.Status != http.StatusConflict || e.Ambiguous {
		t.Errorf("a policy in use can't go: %v", e)
	}
	account.Detach(created.ID)
	if err := client.Delete(t.Context(), created.ID, nil); err != nil {
		t.Error(err)
	}
	_, err = client.Get(t.Context(), created.ID)
	if e := failure(t, err); !e.NotFound() {
		t.Errorf("want it not to be found: %v", e)
	}
}

func TestOnlyCloudflareCanSayThatAPolicyIsGone(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		`{"success":false,"errors":[{"code":12083,"message":"policy_not_found"}],"result":null}`: true,
		`{"success":false,"errors":[{"code":7003,"message":"Could not route"}],"result":null}`:   false,
		`{"success":false,"errors":[],"result":null}`:                                            false,
		`{"success":true,"errors":[{"code":12083,"message":"policy_not_found"}],"result":null}`:  true,
		`<html>404 Not Found</html>`: false,
		``:                           false,
	} {
		client, _ := scripted(t, func(int) *http.Response { return answered(404, body) })
		_, err := client.Get(t.Context(), "f174e90a-fafe-4643-bbbc-4a0ed4fc8415")
		if e := failure(t, err); e.NotFound() != want || !e.Permanent() {
			t.Errorf("%s: NotFound() = %t", body, e.NotFound())
		}
	}
}

func TestBadOptionsAreRefused(t *testing.T) {
	t.Parallel()
	good := cloudflare.Options{AccountID: simulator.DefaultAccountID, Credentials: token("t")}
	tests := map[string]struct {
		spoil func(*cloudflare.Options)
		want  string
	}{
		"no account":        {func(o *cloudflare.Options) { o.AccountID = "" }, "account id"},
		"account is a path": {func(o *cloudflare.Options) { o.AccountID = "../zones" }, "account id"},
		"no credentials":    {func(o *cloudflare.Options) { o.Credentials = nil }, "no credentials"},
		"relative URL":      {func(o *cloudflare.Options) { o.BaseURL = "api.cloudflare.com" }, "base URL"},
		"no host":           {func(o *cloudflare.Options) { o.BaseURL = "https:///client/v4" }, "base URL"},
		"other scheme":      {func(o *cloudflare.Options) { o.BaseURL = "ftp://api.cloudflare.com" }, "base URL"},
		"no URL":            {func(o *cloudflare.Options) { o.BaseURL = "https://%zz" }, "base URL"},
		"query":             {func(o *cloudflare.Options) { o.BaseURL = "https://example.com/?a=b" }, "query"},
		"fragment":          {func(o *cloudflare.Options) { o.BaseURL = "https://example.com/#a" }, "fragment"},
		"user":              {func(o *cloudflare.Options) { o.BaseURL = "https://me:hunter2@example.com" }, "user"},
	}
	for name, tt := range tests {
		o := good
		tt.spoil(&o)
		client, err := cloudflare.New(o)
		if client != nil || err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: want an error with %q, got %v", name, tt.want, err)
		}
	}
	if _, err := cloudflare.New(good); err != nil {
		t.Error(err)
	}
}

func TestRequestsAreAsCloudflareWantsThem(t *testing.T) {
	t.Parallel()
	account := simulator.New(simulator.Options{})
	var requests []*http.Request
	client := connect(t, account, func(o *cloudflare.Options) {
		o.BaseURL, o.UserAgent = "https://proxy.example.com/cf/", "policysync/1.2"
		o.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			requests = append(requests, r)
			return answered(400, ""), nil
		})
	})
	id := "f174e90a-fafe-4643-bbbc-4a0ed4fc8415"
	for _, op := range []cloudflare.Operation{cloudflare.OpList, cloudflare.OpGet, cloudflare.OpCreate, cloudflare.OpUpdate, cloudflare.OpDelete} {
		if err := operations[op](t.Context(), client, id); err == nil {
			t.Errorf("%s: want an error", op)
		}
	}
	type sent struct{ Line, ContentType, Accept, Agent, Authorization string }
	var got []sent
	for _, r := range requests {
		got = append(got, sent{
			r.Method + " " + r.URL.String(), r.Header.Get("Content-Type"), r.Header.Get("Accept"),
			r.Header.Get("User-Agent"), r.Header.Get("Authorization"),
		})
	}
	const policies, anything = "https://proxy.example.com/cf/accounts/" + simulator.DefaultAccountID + "/access/policies", "application/json"
	bearer := "Bearer " + simulator.DefaultToken
	want := []sent{
		{"GET " + policies + "?page=1&per_page=1000", "", anything, "policysync/1.2", bearer},
		{"GET " + policies + "/" + id, "", anything, "policysync/1.2", bearer},
		{"POST " + policies, anything, anything, "policysync/1.2", bearer},
		{"PUT " + policies + "/" + id, anything, anything, "policysync/1.2", bearer},
		{"DELETE " + policies + "/" + id, "", anything, "policysync/1.2", bearer},
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestRotatedTokenIsPickedUp(t *testing.T) {
	t.Parallel()
	account := simulator.New(simulator.Options{Token: "new"})
	current := "old"
	client := connect(t, account, func(o *cloudflare.Options) {
		o.Credentials = func() (cloudflare.Credentials, error) { return token(current)() }
	})
	_, err := client.List(t.Context())
	if e := failure(t, err); e.Status != http.StatusForbidden {
		t.Errorf("got %v", e)
	}
	current = "new"
	if _, err := client.List(t.Context()); err != nil {
		t.Errorf("the new token is valid: %v", err)
	}
}

func TestUnusableCredentialsSendNothing(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		credentials cloudflare.Credentials
		err         error
		want        string
	}{
		"unreadable":       {cloudflare.Credentials{}, fs.ErrPermission, "permission denied"},
		"none":             {cloudflare.Credentials{}, nil, "no credentials"},
		"e-mail alone":     {cloudflare.Credentials{Email: "a@example.com"}, nil, "no credentials"},
		"key alone":        {cloudflare.Credentials{Key: secret.New("hush-hush")}, nil, "no credentials"},
		"token of lines":   {cloudflare.Credentials{Token: secret.New("hush\nhush")}, nil, "line break"},
		"token with BOM":   {cloudflare.Credentials{Token: secret.New("\ufeffhush-hush")}, nil, "API token"},
		"token with blank": {cloudflare.Credentials{Token: secret.New("hush-hush ")}, nil, "API token"},
		"key of lines":     {cloudflare.Credentials{Email: "a@example.com", Key: secret.New("hush\r\nhush")}, nil, "API key"},
		"e-mail of lines":  {cloudflare.Credentials{Email: "a@\nexample.com", Key: secret.New("hush-hush")}, nil, "e-mail"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			account := simulator.New(simulator.Options{})
			client := connect(t, account, func(o *cloudflare.Options) {
				o.Credentials = func() (cloudflare.Credentials, error) { return tt.credentials, tt.err }
			})
			_, err := client.Create(t.Context(), plain("new"), nil)
			e := failure(t, err)
			if e.Ambiguous || !strings.Contains(e.Error(), tt.want) || strings.Contains(e.Error(), "hush") {
				t.Errorf("want %q: %v", tt.want, e)
			}
			if tt.err != nil && !errors.Is(err, tt.err) {
				t.Errorf("must wrap the cause: %v", err)
			}
			if n := len(account.Requests()); n != 0 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

func TestEveryRequestIsObserved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		account := simulator.New(simulator.Options{Latency: time.Second})
		id := seed(t, account, plain("old"))
		var seen []cloudflare.Request
		client := connect(t, account, func(o *cloudflare.Options) {
			o.Observe = func(r cloudflare.Request) {
				if (r.Ray == "") != (r.Status == 0) {
					t.Errorf("status %d with ray %q", r.Status, r.Ray)
				}
				if !r.At.Equal(time.Now().Add(-r.Took)) {
					t.Errorf("sent at %s", r.At)
				}
				r.Ray, r.At = "", time.Time{}
				seen = append(seen, r)
			}
		})
		for _, f := range []simulator.Fault{
			{Operation: "create", Kind: simulator.Refusal},
			{Operation: "update", Kind: simulator.ServerError},
			{Operation: "delete", Kind: simulator.LostReply},
			{Operation: "list", Kind: simulator.HTML, Status: 403},
			{Operation: "verify_token", Kind: simulator.TooManyRequests, RetryAfter: time.Minute},
		} {
			account.Inject(f)
		}
		for op, do := range operations {
			if err := do(t.Context(), client, id); err != nil {
				failure(t, err)
			}
			if op == cloudflare.OpCreate { // once more, now that the fault is over
				account.Inject(simulator.Fault{Operation: "create", Kind: simulator.SuccessFalse})
				failure(t, do(t.Context(), client, id))
			}
		}
		slices.SortFunc(seen, func(a, b cloudflare.Request) int {
			return cmp.Or(cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Code, b.Code))
		})
		want := []cloudflare.Request{
			{Operation: "create", Code: "4xx", Status: 400, Took: time.Second},
			{Operation: "create", Code: "error", Status: 200, Took: time.Second},
			{Operation: "delete", PolicyID: id, Code: "error", Took: time.Second},
			{Operation: "get", PolicyID: id, Code: "2xx", Status: 200, Took: time.Second},
			{Operation: "list", Code: "4xx", Status: 403, Took: time.Second},
			{Operation: "update", PolicyID: id, Code: "5xx", Status: 500, Took: time.Second},
			{Operation: "verify_token", Code: "2xx", Status: 200, Took: time.Second},
			{Operation: "verify_token", Code: "429", Status: 429, Took: time.Second},
		}
		if diff := gocmp.Diff(want, seen); diff != "" {
			t.Errorf("observed (-want +got):\n%s", diff)
		}
	})
}

func TestRequestsKeepToTheBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		account := simulator.New(simulator.Options{})
		var foretold, waited time.Duration
		client := connect(t, account, func(o *cloudflare.Options) {
			o.Budget = cloudflare.NewBudget(4)
			o.Waiting = func(d time.Duration) { foretold += d }
			o.Waited = func(d time.Duration) { waited += d }
		})
		start := time.Now()
		for range 10 {
			if _, err := client.Create(t.Context(), plain("one of many"), nil); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took != 10*time.Minute || waited != took || foretold != took {
			t.Errorf("took %s, of which %s were told as waits, and %s foretold; want 10m0s", took, waited, foretold)
		}
	})
}

// TestBudgetAboveTheAccountsStillMeetsNoRefusal because the Ratelimit header
// tells when nothing is left.
func TestBudgetAboveTheAccountsStillMeetsNoRefusal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		account := simulator.New(simulator.Options{Limit: 5})
		client := connect(t, account, func(o *cloudflare.Options) { o.Budget = cloudflare.NewBudget(1000) })
		for range 12 {
			if _, err := client.List(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for _, r := range account.Requests() {
			if r.Status != http.StatusOK {
				t.Errorf("answered %d at %s", r.Status, r.At)
			}
		}
	})
}

func TestTestdataIsLicensed(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/openapi-access-policies.*")
	if err != nil || len(files) != 2 {
		t.Errorf("the schema and its licence belong together: %v %v", files, err)
	}
}

func TestUnreadableCredentialsAreToldAtOnce(t *testing.T) {
	t.Parallel()
	for op, do := range operations {
		t.Run(string(op), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				client := connect(t, simulator.New(simulator.Options{}), func(o *cloudflare.Options) {
					o.Credentials = func() (cloudflare.Credentials, error) {
						asked++
						return cloudflare.Credentials{}, secret.ErrNotSet
					}
				})
				start := time.Now()
				err := do(t.Context(), client, "f174e90a-fafe-4643-bbbc-4a0ed4fc8415")
				if failure(t, err); !errors.Is(err, secret.ErrNotSet) || asked != 1 || time.Since(start) != 0 {
					t.Errorf("asked %d times in %s: %v", asked, time.Since(start), err)
				}
			})
		})
	}
}
