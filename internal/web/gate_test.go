package web_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/policysync/policysync/internal/access"
	"github.com/policysync/policysync/internal/secret"
	"github.com/policysync/policysync/internal/visitor"
	"github.com/policysync/policysync/internal/web"
)

// house is a handler with a page that says who looks at it.
type house struct {
	http.Handler
	web.Options
	opened atomic.Int64 // how often the page was asked for
}

// build returns a house with a token, that others may reach, unless changed.
func build(t *testing.T, change func(*web.Options)) *house {
	t.Helper()
	h := &house{}
	token := tokenFile(t, "api-token")
	targets := newOperator(t)
	h.Options = web.Options{
		Metrics: prometheus.NewRegistry(), Stalled: none, Unready: none, Ping: answers,
		Freezer: &freezer{}, Targets: targets, Names: always([]string{"production"}), State: targets.Store,
		Token: always(token), Webhooks: http.NotFoundHandler(),
		Page: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h.opened.Add(1)
			who := visitor.Of(r.Context())
			_, _ = fmt.Fprintf(w, "%s %s for %q operator %v addresses %v", r.Method, r.URL.Path, who.Name, who.Operator, who.Addresses)
		}),
		SignIn: func(w http.ResponseWriter, _ *http.Request, status int, to, problem string) {
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, "sign in to go to %s: %s", to, problem)
		},
	}
	if change != nil {
		change(&h.Options)
	}
	h.Handler = web.Handler(h.Options)
	return h
}

// sends is a request, with headers in pairs.
func (h *house) sends(method, target, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
			continue
		}
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// team signs assertions that a verifier believes.
type team struct {
	*httptest.Server
	signer jose.Signer
	down   atomic.Bool
}

const audience = "32eafc7626e974616deaf0dc3ce63d7bcbed58a2731e84d06bc3cdf1b53c4228"

func newTeam(t *testing.T) *team {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	m := &team{}
	m.signer, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "1"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	m.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if m.down.Load() {
			w.WriteHeader(http.StatusBadGateway)
		}
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "1"}}})
	}))
	t.Cleanup(m.Close)
	return m
}

func (m *team) asked(o *web.Options) {
	v := access.New(access.Options{
		Team: strings.TrimPrefix(m.URL, "https://"), Audience: audience, Operators: []string{"ann@example.com"},
		Transport: m.Client().Transport, Warn: func(error) {}, Now: time.Now,
	})
	o.Access = always(v)
}

func (m *team) assertion(t *testing.T, email string) string {
	t.Helper()
	payload, err := json.Marshal(map[string]any{
		"iss": m.URL, "aud": []string{audience}, "exp": time.Now().Add(time.Hour).Unix(), "email": email,
	})
	if err != nil {
		t.Fatal(err)
	}
	signature, err := m.signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signature.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

const (
	own    = `for "token" operator true addresses true`
	ann    = `for "ann@example.com" operator true addresses true`
	bob    = `for "bob@example.com" operator false addresses false`
	local  = `for "" operator false addresses true`
	anyone = `for "" operator false addresses false`
)

func TestWhoMayLookAndAct(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	asAnn, asBob := m.assertion(t, "ann@example.com"), m.assertion(t, "bob@example.com")
	const assertion, bearer = "Cf-Access-Jwt-Assertion", "Authorization"
	isLocal := func(o *web.Options) { o.Local = true }
	noToken := func(o *web.Options) { o.Token = always(secret.Source{}) }
	public := func(o *web.Options) { o.Public = always(true) }
	for name, tc := range map[string]struct {
		change []func(*web.Options)
		header []string
		get    string // what the page says, or why not
		post   string
	}{
		"a stranger":                     {nil, nil, "401 send the token", "401 send the token"},
		"a stranger, no token set":       {[]func(*web.Options){noToken}, nil, "403 name a file with a bearer token", "403 name a file"},
		"with the token":                 {nil, []string{bearer, "Bearer api-token"}, own, own},
		"with another":                   {nil, []string{bearer, "Bearer api-toke"}, "401 this is not the token", "401 this is not"},
		"with an empty one":              {nil, []string{bearer, "Bearer "}, "401 this is not the token", "401 this is not"},
		"with one where none is set":     {[]func(*web.Options){noToken}, []string{bearer, "Bearer "}, "403 name a file", "403 name a file"},
		"with a password":                {nil, []string{bearer, "Basic api-token"}, "401 send the token", "401 send the token"},
		"with the token as a cookie":     {nil, []string{"Cookie", "policysync-session=api-token"}, "401 send", "401 send"},
		"here":                           {[]func(*web.Options){isLocal}, []string{"Host", "127.0.0.1:8080"}, local, "401 send the token"},
		"here, no token set":             {[]func(*web.Options){isLocal, noToken}, []string{"Host", "localhost"}, local, "403 name a file"},
		"here, with another token":       {[]func(*web.Options){isLocal}, []string{"Host", "localhost", bearer, "Bearer x"}, "401 this is not", "401 this is not"},
		"here by IPv6":                   {[]func(*web.Options){isLocal}, []string{"Host", "[::1]:8080"}, local, "401 send"},
		"here, by another site's name":   {[]func(*web.Options){isLocal}, []string{"Host", "evil.example:8080"}, "401 send", "401 send"},
		"by a name that looks like ours": {[]func(*web.Options){isLocal}, []string{"Host", "localhost.evil.example"}, "401 send", "401 send"},
		"by an address that isn't ours":  {[]func(*web.Options){isLocal}, []string{"Host", "192.0.2.1"}, "401 send", "401 send"},
		"by no name":                     {[]func(*web.Options){isLocal}, []string{"Host", ""}, "401 send", "401 send"},
		"by another name, no token set":  {[]func(*web.Options){isLocal, noToken}, []string{"Host", "evil.example"}, "421 call it localhost", "403 name a file"},
		"by a proxy's name, with the token": {
			[]func(*web.Options){isLocal},
			[]string{"Host", "policysync.example.com", bearer, "Bearer api-token"},
			own, own,
		},
		"anybody, where they may look":          {[]func(*web.Options){public}, nil, anyone, "401 send the token"},
		"anybody with the token":                {[]func(*web.Options){public}, []string{bearer, "Bearer api-token"}, own, own},
		"an operator through Access":            {[]func(*web.Options){m.asked}, []string{assertion, asAnn}, ann, ann},
		"a viewer through Access":               {[]func(*web.Options){m.asked}, []string{assertion, asBob}, bob, "403 bob@example.com may look and not act"},
		"through Access, no token set":          {[]func(*web.Options){m.asked, noToken}, []string{assertion, asAnn}, ann, ann},
		"an assertion that nobody asked for":    {nil, []string{assertion, asAnn}, "401 send the token", "401 send the token"},
		"an assertion in a cookie":              {[]func(*web.Options){m.asked}, []string{"Cookie", "CF_Authorization=" + asAnn}, "401 send", "401 send"},
		"an assertion as a token":               {[]func(*web.Options){m.asked}, []string{bearer, "Bearer " + asAnn}, "401 this is not", "401 this is not"},
		"an assertion by another header":        {[]func(*web.Options){m.asked}, []string{"Cf_Access_Jwt_Assertion", asAnn}, "401 send", "401 send"},
		"two assertions":                        {[]func(*web.Options){m.asked}, []string{assertion, asBob, assertion, asAnn}, "401 came more than once", "401 came more"},
		"a forged assertion":                    {[]func(*web.Options){m.asked}, []string{assertion, asAnn + "x"}, "401 is refused", "401 is refused"},
		"an empty assertion":                    {[]func(*web.Options){m.asked}, []string{assertion, ""}, "401 is refused", "401 is refused"},
		"a forged assertion and the token":      {[]func(*web.Options){m.asked}, []string{assertion, "x", bearer, "Bearer api-token"}, own, own},
		"a viewer with the token":               {[]func(*web.Options){m.asked}, []string{assertion, asBob, bearer, "Bearer api-token"}, own, own},
		"here, where Access is asked":           {[]func(*web.Options){m.asked, isLocal}, []string{"Host", "localhost"}, "401 send", "401 send"},
		"here, Access is asked, no token":       {[]func(*web.Options){m.asked, isLocal, noToken}, []string{"Host", "localhost"}, "401 come through Cloudflare Access", "401 come through"},
		"through Access from here, by any name": {[]func(*web.Options){m.asked, isLocal}, []string{"Host", "x.example.com", assertion, asBob}, bob, "403 bob@example.com may"},
		"by headers that proxies add": {
			[]func(*web.Options){isLocal},
			[]string{"Host", "evil.example", "X-Forwarded-Host", "localhost", "X-Forwarded-For", "127.0.0.1", "Forwarded", "for=127.0.0.1;host=localhost", "Cf-Access-Authenticated-User-Email", "ann@example.com"},
			"401 send", "401 send",
		},
		"a method in disguise": {
			[]func(*web.Options){public},
			[]string{"X-Http-Method-Override", "GET", "X-Method-Override", "GET"},
			anyone, "401 send",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := build(t, func(o *web.Options) {
				for _, change := range tc.change {
					change(o)
				}
			})
			for method, want := range map[string]string{"GET": tc.get, "HEAD": tc.get, "POST": tc.post, "PUT": tc.post, "DELETE": tc.post, "QUERY": tc.post} {
				opened := h.opened.Load()
				w := h.sends(method, "/runs/1", "", tc.header...)
				status, text, refused := strings.Cut(want, " ")
				if refused = refused && status[0] >= '0' && status[0] <= '9'; !refused {
					status, text = "200", want
				}
				if fmt.Sprint(w.Code) != status || !strings.Contains(w.Body.String(), text) || h.opened.Load() > opened == refused {
					t.Errorf("%s: %d %s", method, w.Code, w.Body)
				}
			}
			if w := h.sends("GET", "/api/v1/targets", "", tc.header...); w.Code == 200 != strings.HasPrefix(tc.get, "for ") || !json.Valid(w.Body.Bytes()) {
				t.Errorf("the API: %d %s", w.Code, w.Body)
			}
			if w := h.sends("POST", "/api/v1/targets/production/sync", "", tc.header...); w.Code == 202 != strings.HasPrefix(tc.post, "for ") {
				t.Errorf("the API, to act: %d %s", w.Code, w.Body)
			}
		})
	}
}

// Whatever is added to the API or the page is guarded, because it isn't open.
func TestOnlyTheseRoutesAreForEverybody(t *testing.T) {
	t.Parallel()
	h := build(t, nil)
	open, guarded := web.Routes(h.Options)
	slices.Sort(open)
	want := []string{"/metrics", "/webhooks/", "GET /assets/{file}", "GET /healthz", "GET /metrics", "GET /readyz", "GET /signin", "POST /signin", "POST /signout"}
	if d := cmp.Diff(want, open); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if len(guarded) < 10 {
		t.Fatalf("the test doesn't find all routes: %v", guarded)
	}
	for _, pattern := range guarded {
		method, path, both := strings.Cut(pattern, " ")
		if !both {
			method, path = "GET", pattern
		}
		h := build(t, nil)
		path = strings.NewReplacer("{target}", "production", "{run}", "run-1").Replace(path)
		for _, header := range [][]string{nil, {"Authorization", "Bearer x"}, {"Cookie", "policysync-session=x"}, {"Accept", "text/html"}} {
			if w := h.sends(method, path, "", header...); w.Code != 401 && w.Code != 303 {
				t.Errorf("%s with %v: %d %s", pattern, header, w.Code, w.Body)
			}
		}
		if w := h.sends(method, path, "", "Authorization", "Bearer api-token"); w.Code == 401 || w.Code == 403 {
			t.Errorf("%s with the token: %d %s", pattern, w.Code, w.Body)
		}
		if n := h.opened.Load(); n > 1 || n == 1 && pattern != "/" {
			t.Errorf("%s asks the page %d times, want once, with the token", pattern, n)
		}
	}
}

func TestNoWayAroundTheGate(t *testing.T) {
	t.Parallel()
	h := build(t, nil)
	for _, path := range []string{
		"/", "//", "/%2e", "/%2e%2e/", "/index.html", "/.", "/targets/production", "/runs/1", "/events", "/x", "/%00", "/a;b",
		"/assets/../runs/1", "/assets/%2e%2e/runs/1", "/assets/%2E%2E%2Fruns%2F1", "/assets/..%2fruns/1", "/assets//../runs/1", "/assets/./../runs/1",
		"/assets\\..\\runs/1", "/webhooks/../runs/1", "/webhooks/%2e%2e/runs/1", "/metrics/../runs/1", "/metrics/%2e%2e/runs/1", "/healthz/%2e%2e/runs/1",
		"/signin/../runs/1", "/signin/%2e%2e/runs/1", "/signin/", "/healthz/", "/Metrics", "/healthz%2f..%2fruns", "/api/v1/%2e%2e/%2e%2e/runs/1",
		"/?token=api-token", "/?access_token=api-token", "/runs/1#/assets/",
	} {
		u, err := url.Parse("http://policysync.example.com" + strings.ReplaceAll(path, "\\", "%5c"))
		if err != nil {
			t.Fatal(err)
		}
		for _, method := range []string{"GET", "HEAD", "POST", "OPTIONS", "CONNECT", "TRACE", "get"} {
			r := &http.Request{Method: method, URL: u, Host: u.Host, RequestURI: path, Header: http.Header{}, Body: http.NoBody, RemoteAddr: "192.0.2.1:5"}
			w := httptest.NewRecorder()
			opened := h.opened.Load()
			h.ServeHTTP(w, r)
			if asset := (method == "GET" || method == "HEAD") && strings.HasPrefix(u.Path, "/assets/") && !strings.Contains(u.Path, ".."); h.opened.Load() > opened && !asset {
				t.Errorf("%s %s opens the page: %d %s", method, path, w.Code, w.Body)
			}
			if w.Code == 301 || w.Code == 307 || w.Code == 308 { // to the path without dots, which is guarded
				if to := w.Header().Get("Location"); strings.Contains(to, "..") {
					t.Errorf("%s %s leads to %s", method, path, to)
				}
			}
		}
	}
}

func TestPeopleAreLedToWhereTheySignIn(t *testing.T) {
	t.Parallel()
	page := []string{"Accept", "text/html,application/xhtml+xml"}
	for name, tc := range map[string]struct {
		method, path string
		change       func(*web.Options)
		header       []string
		status       int
		to           string
	}{
		"a page":                 {"GET", "/targets/production?q=a&page=2", nil, page, 303, "/signin?to=%2Ftargets%2Fproduction%3Fq%3Da%26page%3D2"},
		"the first page":         {"GET", "/", nil, page, 303, "/signin?to=%2F"},
		"a button":               {"POST", "/targets/production/sync", nil, page, 303, "/signin?to=%2F"},
		"a program":              {"GET", "/", nil, nil, 401, ""},
		"a stream":               {"GET", "/events", nil, []string{"Accept", "text/event-stream"}, 401, ""},
		"the API in a browser":   {"GET", "/api/v1/targets", nil, page, 401, ""},
		"a wrong token":          {"GET", "/", nil, append([]string{"Authorization", "Bearer x"}, page...), 401, ""},
		"where nobody can":       {"GET", "/", func(o *web.Options) { o.Token = always(secret.Source{}) }, page, 403, ""},
		"where the file is gone": {"GET", "/", func(o *web.Options) { o.Token = always(secret.Source{File: "/nonexistent"}) }, page, 500, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := build(t, tc.change).sends(tc.method, tc.path, "", tc.header...)
			if w.Code != tc.status || w.Header().Get("Location") != tc.to || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%d to %q: %s", w.Code, w.Header().Get("Location"), w.Body)
			}
		})
	}
}

func TestWithoutKeysNobodyIsLetThrough(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	m.down.Store(true)
	h := build(t, m.asked)
	w := h.sends("GET", "/", "", "Cf-Access-Jwt-Assertion", m.assertion(t, "ann@example.com"), "Accept", "text/html")
	if w.Code != 503 || !strings.Contains(w.Body.String(), "keys can't be fetched; the log says why") || h.opened.Load() > 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestTheAPIShowsAViewerNoAddresses(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	h := build(t, m.asked)
	suspended := h.sends("POST", "/api/v1/targets/production/suspend", `{"reason": "ask carol@example.com"}`, "Cf-Access-Jwt-Assertion", m.assertion(t, "ann@example.com"))
	if !strings.Contains(suspended.Body.String(), `"reason":"ask carol@example.com","by":"ann@example.com"`) {
		t.Errorf("to an operator: %s", suspended.Body)
	}
	w := h.sends("GET", "/api/v1/targets/production", "", "Cf-Access-Jwt-Assertion", m.assertion(t, "bob@example.com"))
	if got := w.Body.String(); w.Code != 200 || !strings.Contains(got, `"by":"***@example.com"`) || !strings.Contains(got, `"reason":"ask ***@example.com"`) || !json.Valid(w.Body.Bytes()) {
		t.Errorf("to a viewer: %d %s", w.Code, got)
	}
}

func TestGuessingTokensIsSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := build(t, nil)
		guess := func(token string) *httptest.ResponseRecorder {
			return h.sends("GET", "/", "", "Authorization", "Bearer "+token)
		}
		for i := range 10 {
			if w := guess("x"); w.Code != 401 {
				t.Errorf("guess %d: %d", i, w.Code)
			}
		}
		for _, token := range []string{"x", "api-token"} { // who guesses right isn't told so
			if w := guess(token); w.Code != 429 || w.Header().Get("Retry-After") != "5" {
				t.Errorf("guess %s: %d, try again after %s", token, w.Code, w.Header().Get("Retry-After"))
			}
		}
		if w := h.sends("POST", "/signin", "token=api-token", "Content-Type", "application/x-www-form-urlencoded"); w.Code != 429 || w.Header().Get("Retry-After") != "5" {
			t.Errorf("signing in: %d %s", w.Code, w.Body)
		}
		if other := httptest.NewRecorder(); true {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = "192.0.2.2:1"
			r.Header.Set("Authorization", "Bearer api-token")
			if h.ServeHTTP(other, r); other.Code != 200 {
				t.Errorf("somebody else: %d", other.Code)
			}
		}
		time.Sleep(5 * time.Second)
		if w := guess("api-token"); w.Code != 200 {
			t.Errorf("later: %d", w.Code)
		}
	})
}

func TestOneClientMayNotAskForEverMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := build(t, func(o *web.Options) { o.Public = always(true) })
		from := func(address string) *httptest.ResponseRecorder {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = address
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			return w
		}
		for i := range 500 {
			if w := from(fmt.Sprintf("[2001:db8::%x]:80", i)); w.Code != 200 {
				t.Fatalf("request %d: %d", i, w.Code)
			}
		}
		if w := from("[2001:db8::ffff]:80"); w.Code != 429 || w.Header().Get("Retry-After") != "1" || h.opened.Load() != 500 {
			t.Errorf("one more: %d, again after %q", w.Code, w.Header().Get("Retry-After"))
		}
		if w := from("[2001:db8:0:1::]:80"); w.Code != 200 {
			t.Errorf("somebody else: %d", w.Code)
		}
		time.Sleep(time.Second)
		if w := from("[2001:db8::1]:80"); w.Code != 200 {
			t.Errorf("later: %d", w.Code)
		}
	})
}

func TestOtherSitesMayNotHaveABrowserActHere(t *testing.T) {
	t.Parallel()
	h := build(t, func(o *web.Options) {
		o.Webhooks = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })
	})
	session := signedIn(t, h)
	for _, path := range []string{"/signin", "/signout", "/targets/production/sync", "/targets/production/suspend", "/api/v1/targets/production/sync", "/api/v1/freeze"} {
		for _, header := range [][]string{
			{"Sec-Fetch-Site", "cross-site"},
			{"Sec-Fetch-Site", "same-site"},
			{"Origin", "https://evil.example"},
			{"Origin", "null"},
		} {
			w := h.sends("POST", path, "token=api-token", append(header, "Cookie", session, "Content-Type", "application/x-www-form-urlencoded")...)
			if w.Code != 403 || w.Header().Get("Set-Cookie") != "" {
				t.Errorf("POST %s with %v: %d %s", path, header, w.Code, w.Body)
			}
		}
	}
	if h.opened.Load() > 0 {
		t.Error("the page was asked to act")
	}
	same := []string{"Sec-Fetch-Site", "same-origin", "Cookie", session}
	if w := h.sends("POST", "/targets/production/sync", "", same...); w.Code != 200 || h.opened.Load() != 1 {
		t.Errorf("from the page itself: %d %s", w.Code, w.Body)
	}
	if w := h.sends("POST", "/webhooks/github", "{}"); w.Code != 202 {
		t.Errorf("a webhook: %d", w.Code)
	}
	if w := h.sends("POST", "/api/v1/targets/production/sync", "", "Authorization", "Bearer api-token"); w.Code != 202 {
		t.Errorf("a program: %d %s", w.Code, w.Body)
	}
}

// signedIn signs in, and returns the cookie.
func signedIn(t *testing.T, h *house) string {
	t.Helper()
	w := h.sends("POST", "/signin", "token=api-token", "Content-Type", "application/x-www-form-urlencoded")
	if w.Code != http.StatusSeeOther {
		t.Fatalf("signing in: %d %s", w.Code, w.Body)
	}
	return w.Result().Cookies()[0].String()
}

func TestSigningIn(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body, proto string
		status      int
		location    string
		says        string
	}{
		"the token":             {"token=api-token", "", 303, "/", ""},
		"the token and a line":  {"token=api-token%0D%0A", "", 303, "/", ""},
		"back to a page":        {"token=api-token&to=/targets/a?q=b%26page=2", "", 303, "/targets/a?q=b&page=2", ""},
		"behind https":          {"token=api-token", "https", 303, "/", ""},
		"another":               {"token=api-toke&to=/runs/1", "", 401, "", "sign in to go to /runs/1: this is not the token"},
		"none":                  {"", "", 401, "", "this is not the token"},
		"too much":              {"token=" + strings.Repeat("x", 5000), "", 401, "", "this is not the token"},
		"to another site":       {"token=api-token&to=https://evil.example/", "", 303, "/", ""},
		"without a scheme":      {"token=api-token&to=//evil.example/", "", 303, "/", ""},
		"with three slashes":    {"token=api-token&to=///evil.example/", "", 303, "/", ""},
		"with backslashes":      {`token=api-token&to=/\evil.example/`, "", 303, "/", ""},
		"with hidden slashes":   {"token=api-token&to=/%252fevil.example/", "", 303, "/", ""},
		"with a tab":            {"token=api-token&to=/%09/evil.example/", "", 303, "/", ""},
		"with a script":         {"token=api-token&to=javascript:alert(1)", "", 303, "/", ""},
		"without a first slash": {"token=api-token&to=evil.example", "", 303, "/", ""},
		"with a line":           {"token=api-token&to=/%0d%0aSet-Cookie:x=y", "", 303, "/", ""},
		"as somebody":           {"token=api-token&to=//a@evil.example/", "", 303, "/", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := build(t, nil)
			w := h.sends("POST", "/signin", tc.body, "Content-Type", "application/x-www-form-urlencoded", "X-Forwarded-Proto", tc.proto)
			if w.Code != tc.status || w.Header().Get("Location") != tc.location || !strings.Contains(w.Body.String(), tc.says) {
				t.Errorf("%d to %q: %s", w.Code, w.Header().Get("Location"), w.Body)
			}
			if tc.status != 303 {
				if w.Header().Get("Set-Cookie") != "" {
					t.Error("a cookie comes with it")
				}
				return
			}
			c := w.Result().Cookies()[0]
			if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Secure != (tc.proto == "https") || c.Path != "/" || c.Domain != "" || len(c.Value) < 26 {
				t.Errorf("the cookie is %s", c)
			}
			if got := h.sends("GET", "/", "", "Cookie", c.String()).Body.String(); !strings.Contains(got, own) {
				t.Errorf("afterwards: %s", got)
			}
		})
	}
}

func TestTheFormAsksWhereToGo(t *testing.T) {
	t.Parallel()
	h := build(t, nil)
	for query, want := range map[string]string{"": "/", "?to=/runs/1": "/runs/1", "?to=https://evil.example": "/"} {
		if w := h.sends("GET", "/signin"+query, ""); w.Code != 200 || w.Body.String() != "sign in to go to "+want+": " {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
	}
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	type step func(t *testing.T, h *house, session, file string)
	sleep := func(d time.Duration) step {
		return func(*testing.T, *house, string, string) { time.Sleep(d) }
	}
	look := func(t *testing.T, h *house, session, _ string) {
		t.Helper()
		h.sends("GET", "/", "", "Cookie", session)
	}
	write := func(token string) step {
		return func(t *testing.T, _ *house, _, file string) {
			t.Helper()
			if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	everyHour := func(hours int) []step {
		var all []step
		for range hours {
			all = append(all, sleep(time.Hour), look)
		}
		return all
	}
	for name, tc := range map[string]struct {
		steps []step
		lasts bool
	}{
		"at once":                        {nil, true},
		"before two hours of rest":       {[]step{sleep(2*time.Hour - time.Second)}, true},
		"after two hours of rest":        {[]step{sleep(2 * time.Hour)}, false},
		"in use for eleven hours":        {everyHour(11), true},
		"in use for twelve hours":        {everyHour(12), false},
		"once the token is another":      {[]step{write("other")}, false},
		"once the token was another":     {[]step{write("other"), look, write("api-token")}, false},
		"once the token is written anew": {[]step{write("api-token\n")}, true},
		"once the token is gone": {[]step{func(t *testing.T, _ *house, _, file string) {
			t.Helper()
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}}, false},
		"once signed out": {[]step{func(t *testing.T, h *house, session, _ string) {
			t.Helper()
			w := h.sends("POST", "/signout", "", "Cookie", session)
			if c := w.Result().Cookies(); w.Code != 303 || w.Header().Get("Location") != "/signin" || len(c) != 1 || c[0].MaxAge != -1 || c[0].Value != "" {
				t.Errorf("signing out: %d %v", w.Code, w.Header())
			}
		}}, false},
		"once a thousand others signed in": {[]step{func(t *testing.T, h *house, _, _ string) {
			t.Helper()
			time.Sleep(time.Second)
			for range 1000 {
				signedIn(t, h)
			}
		}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := build(t, nil)
				session := signedIn(t, h)
				for _, step := range tc.steps {
					step(t, h, session, h.Token().File)
				}
				w := h.sends("GET", "/", "", "Cookie", session)
				if lasts := strings.Contains(w.Body.String(), own); lasts != tc.lasts {
					t.Errorf("%d %s", w.Code, w.Body)
				}
			})
		})
	}
}

func TestAnotherServersCookieShutsNobodyOut(t *testing.T) {
	t.Parallel()
	h := build(t, nil)
	both := "policysync-session=of-another-server; " + signedIn(t, h)
	if w := h.sends("GET", "/", "", "Cookie", both); !strings.Contains(w.Body.String(), own) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	h.sends("POST", "/signout", "", "Cookie", both)
	if w := h.sends("GET", "/", "", "Cookie", both); w.Code != 401 {
		t.Errorf("signed out: %d %s", w.Code, w.Body)
	}
}

func TestGuessesAtTheSameMomentCount(t *testing.T) {
	t.Parallel()
	const guesses = 50
	var reading atomic.Int64
	together := make(chan struct{})
	h := build(t, func(o *web.Options) {
		token := o.Token()
		o.Token = func() secret.Source { // it waits for the others for a moment
			if reading.Add(1) == guesses {
				close(together)
			}
			select {
			case <-together:
			case <-time.After(5 * time.Millisecond):
			}
			return token
		}
	})
	var compared atomic.Int64
	var all sync.WaitGroup
	for range guesses {
		all.Go(func() {
			if h.sends("GET", "/", "", "Authorization", "Bearer x").Code == 401 {
				compared.Add(1)
			}
		})
	}
	all.Wait()
	if n := compared.Load(); n > 11 { // one more comes with five seconds
		t.Errorf("%d guesses were compared", n)
	}
}

func TestOneMaySignOutWithoutASession(t *testing.T) {
	t.Parallel()
	h := build(t, nil)
	for _, header := range [][]string{nil, {"Cookie", "policysync-session=x"}} {
		if w := h.sends("POST", "/signout", "", header...); w.Code != 303 {
			t.Errorf("%v: %d", header, w.Code)
		}
	}
	if w := h.sends("GET", "/signout", ""); w.Code == 303 {
		t.Error("a link signs people out")
	}
}
