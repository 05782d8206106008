package web_test

import (
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/policysync/policysync/internal/guard"
	"github.com/policysync/policysync/internal/secret"
	"github.com/policysync/policysync/internal/web"
)

// freezer is a web.Freezer in memory.
type freezer struct {
	mu     sync.Mutex
	set    []guard.Switch
	reason string
	by     string
	err    error
}

func (f *freezer) InForce() []guard.Freeze {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := []guard.Freeze{{Switch: guard.FreezeWidening, Where: "the config file"}}
	for _, s := range f.set {
		all = append(all, guard.Freeze{Switch: s, Where: "here"})
	}
	return all
}

func (f *freezer) Freeze(set []guard.Switch, reason, by string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.set, f.reason, f.by = set, reason, by
	}
	return f.err
}

func tokenFile(t *testing.T, text string) secret.Source {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return secret.Source{File: file}
}

// ask sends a request and returns the answer.
// always returns what is asked for the same each time.
func always[T any](it T) func() T { return func() T { return it } }

func ask(o web.Options, method, body string, header map[string]string) (status int, text string) {
	o.Metrics = prometheus.NewRegistry()
	r := httptest.NewRequest(method, "http://localhost:8080/api/v1/freeze", strings.NewReader(body))
	for name, value := range header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	web.Handler(o).ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

const (
	onlyConfig = `{"freeze":[{"switch":"widening","where":"the config file"}]}` + "\n"
	andDeletes = `{"freeze":[{"switch":"widening","where":"the config file"},{"switch":"deletes","where":"here"}]}` + "\n"
)

func TestFreezeAPI(t *testing.T) {
	t.Parallel()
	token := tokenFile(t, "api-token\n")
	bearer := map[string]string{"Authorization": "Bearer api-token"}
	const set = `{"switches": ["deletes"], "reason": "incident 7"}`
	for name, tc := range map[string]struct {
		method string
		local  bool
		body   string
		header map[string]string
		token  secret.Source
		status int
		want   string // part of the answer
	}{
		"read here":               {"GET", true, "", nil, token, 200, onlyConfig},
		"read here, no token set": {"GET", true, "", nil, secret.Source{}, 200, onlyConfig},
		"read from outside":       {"GET", false, "", nil, token, 401, "Authorization: Bearer"},
		"read with the token":     {"GET", false, "", bearer, token, 200, onlyConfig},
		"read, not open":          {"GET", false, "", bearer, secret.Source{}, 403, "server.api_token_file"},
		"set":                     {"POST", true, set, bearer, token, 200, andDeletes},
		"set in another case":     {"POST", true, set, map[string]string{"Authorization": "bearer  api-token"}, token, 200, andDeletes},
		"lift":                    {"POST", true, `{"switches":[]}`, bearer, token, 200, onlyConfig},
		"set without the token":   {"POST", true, set, nil, token, 401, "Authorization: Bearer"},
		"set with another":        {"POST", true, set, map[string]string{"Authorization": "Bearer api-toke"}, token, 401, ""},
		"set with none":           {"POST", true, set, map[string]string{"Authorization": "Bearer "}, token, 401, ""},
		"set by a password":       {"POST", true, set, map[string]string{"Authorization": "Basic api-token"}, token, 401, ""},
		"set, not open":           {"POST", true, set, bearer, secret.Source{}, 403, "name a file with a bearer token in server.api_token_file"},
		"token file gone":         {"POST", true, set, bearer, secret.Source{File: "/nonexistent/token"}, 500, "can't be read"},
		"token file empty":        {"POST", true, set, map[string]string{"Authorization": "Bearer "}, tokenFile(t, "\n"), 500, "can't be read"},
		"set from another site": {
			"POST", true, set,
			map[string]string{"Authorization": "Bearer api-token", "Sec-Fetch-Site": "cross-site"},
			token, 403, "another site",
		},
		"no switches":      {"POST", true, `{"reason": "x"}`, bearer, token, 400, `\"switches\" is missing`},
		"null for one":     {"POST", true, `{"switches": [null]}`, bearer, token, 400, "a null in it"},
		"null":             {"POST", true, `null`, bearer, token, 400, `\"switches\" is missing`},
		"empty":            {"POST", true, ``, bearer, token, 400, "EOF"},
		"unknown switch":   {"POST", true, `{"switches":["al"]}`, bearer, token, 400, "want one of all, deletes, widening"},
		"unknown field":    {"POST", true, `{"toggles":["all"]}`, bearer, token, 400, "toggles"},
		"two objects":      {"POST", true, `{"switches":[]}{}`, bearer, token, 400, "more than one object"},
		"too large":        {"POST", true, `{"reason":"` + strings.Repeat("x", 5000) + `"}`, bearer, token, 413, "larger than 4096 bytes"},
		"another method":   {"DELETE", true, "", bearer, token, 405, ""},
		"HEAD here":        {"HEAD", true, "", nil, token, 200, ""},
		"HEAD from abroad": {"HEAD", false, "", nil, token, 401, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &freezer{}
			status, text := ask(web.Options{Freezer: f, Token: always(tc.token), Local: tc.local}, tc.method, tc.body, tc.header)
			if status != tc.status || !strings.Contains(text, tc.want) {
				t.Errorf("answer %d %q, want %d and %q", status, text, tc.status, tc.want)
			}
			if strings.Contains(text, "api-token") {
				t.Errorf("the answer has the token in it: %s", text)
			}
			if done := f.set != nil; done != (tc.method == "POST" && status == 200) {
				t.Errorf("status %d, and switches set: %v", status, done)
			}
			if f.reason != "" && (f.reason != "incident 7" || f.by != "token") {
				t.Errorf("the reason is %q, by %q", f.reason, f.by)
			}
		})
	}
}

func TestFreezeAPISaysWhatFailed(t *testing.T) {
	t.Parallel()
	o := web.Options{Freezer: &freezer{err: errors.New("set freeze switches: disk full")}, Token: always(tokenFile(t, "x"))}
	status, text := ask(o, "POST", `{"switches":["all"]}`, map[string]string{"Authorization": "Bearer x"})
	if d := cmp.Diff(`{"error":"set freeze switches: disk full"}`+"\n", text); status != 500 || d != "" {
		t.Errorf("answer %d (-want +got):\n%s", status, d)
	}
}
