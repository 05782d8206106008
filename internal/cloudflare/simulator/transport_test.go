package simulator_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
)

// outcome is what a client learns of a request, whatever it came through.
type outcome struct {
	status          int
	kind            string // of body: JSON, HTML, …
	bytes           int
	noAnswer, brief bool
	retryAfter      string
	policies        int // that the account holds afterwards
}

// TestTransportFailsAsANetworkDoes compares each fault through Transport with
// the same fault through a server and a connection.
func TestTransportFailsAsANetworkDoes(t *testing.T) {
	t.Parallel()
	faults := map[string]simulator.Fault{
		"none":                  {Operation: "none"},
		"server error":          {Kind: simulator.ServerError},
		"server error after":    {Kind: simulator.ServerError, After: true, Status: 503, RetryAfter: 1500 * time.Millisecond},
		"HTML":                  {Kind: simulator.HTML},
		"HTML after":            {Kind: simulator.HTML, After: true, Status: 524},
		"success false":         {Kind: simulator.SuccessFalse},
		"success false after":   {Kind: simulator.SuccessFalse, After: true},
		"lost reply":            {Kind: simulator.LostReply},
		"lost reply after":      {Kind: simulator.LostReply, After: true},
		"429":                   {Kind: simulator.TooManyRequests, After: true, RetryAfter: 300 * time.Second},
		"refusal":               {Kind: simulator.Refusal, After: true, Status: 422},
		"cut JSON":              {Kind: simulator.CutJSON},
		"broken body":           {Kind: simulator.BrokenBody},
		"slow body":             {Kind: simulator.SlowBody, Delay: 10 * time.Millisecond},
		"null result":           {Kind: simulator.NullResult},
		"short page of no list": {Kind: simulator.ShortPage},
		"tampered":              {Kind: simulator.Tampered, Rewrite: func([]byte) []byte { return []byte("{}") }},
		"tampered to nothing":   {Kind: simulator.Tampered, Rewrite: func([]byte) []byte { return nil }},
	}
	want := map[string]outcome{
		"none":                  {status: 201, kind: "JSON", policies: 1},
		"server error":          {status: 500, kind: "JSON"},
		"server error after":    {status: 503, kind: "JSON", retryAfter: "2", policies: 1},
		"HTML":                  {status: 502, kind: "HTML"},
		"HTML after":            {status: 524, kind: "HTML", policies: 1},
		"success false":         {status: 200, kind: "JSON"},
		"success false after":   {status: 200, kind: "JSON", policies: 1},
		"lost reply":            {noAnswer: true},
		"lost reply after":      {noAnswer: true, policies: 1},
		"429":                   {status: 429, kind: "JSON", retryAfter: "300"},
		"refusal":               {status: 422, kind: "JSON"},
		"cut JSON":              {status: 201, kind: "cut", policies: 1},
		"broken body":           {status: 201, kind: "cut", brief: true, policies: 1},
		"slow body":             {status: 201, kind: "JSON", policies: 1},
		"null result":           {status: 201, kind: "JSON", policies: 1},
		"short page of no list": {status: 201, kind: "JSON", policies: 1},
		"tampered":              {status: 201, kind: "JSON", policies: 1},
		"tampered to nothing":   {status: 201, kind: "empty", policies: 1},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inProcess := simulator.New(simulator.Options{})
			inProcess.Inject(fault)
			short := observe(t, inProcess, inProcess.Transport(), policies)

			served := simulator.New(simulator.Options{})
			served.Inject(fault)
			server := httptest.NewServer(served)
			t.Cleanup(server.Close)
			transport := &http.Transport{}
			t.Cleanup(transport.CloseIdleConnections)
			long := observe(t, served, transport, strings.Replace(policies, base, server.URL, 1))

			if short != long {
				t.Errorf("in process %+v, over a connection %+v", short, long)
			}
			short.bytes = 0
			if short != want[name] {
				t.Errorf("got %+v, want %+v", short, want[name])
			}
		})
	}
}

// observe sends a create and tells what came of it.
func observe(t *testing.T, account *simulator.Account, through http.RoundTripper, url string) outcome {
	t.Helper()
	got, err := send(t, through, http.MethodPost, url, smallest)
	o := outcome{status: got.Status, bytes: len(got.Body), retryAfter: got.Header.Get("Retry-After"), policies: len(held(t, account))}
	switch {
	case got.Status == 0:
		o.noAnswer = err != nil
		return o
	case errors.Is(err, io.ErrUnexpectedEOF):
		o.brief = true
	case err != nil:
		t.Errorf("reading the body: %v", err)
	}
	switch {
	case got.Body == "":
		o.kind = "empty"
	case got.Body[0] == '<':
		o.kind = "HTML"
	case strings.HasSuffix(got.Body, "}"):
		o.kind = "JSON"
	default:
		o.kind = "cut"
	}
	return o
}

func TestShortPageCountsWhatItLacks(t *testing.T) {
	t.Parallel()
	account := simulator.New(simulator.Options{})
	seed(t, account, "a")
	seed(t, account, "b")
	account.Inject(simulator.Fault{Kind: simulator.ShortPage})
	got := ask(t, account, http.MethodGet, policies, "").envelope(t)
	if n := len(got["result"].([]any)); n != 1 || got["result_info"].(object)["total_count"] != 2.0 {
		t.Errorf("%d policies: %v", n, got["result_info"])
	}
}

func TestFaultsStrikeWhomTheyAreMeantFor(t *testing.T) {
	t.Parallel()
	account := simulator.New(simulator.Options{})
	account.Inject(simulator.Fault{Operation: "list", Kind: simulator.ServerError, Times: 2})
	account.Inject(simulator.Fault{
		Operation: "create", Kind: simulator.Refusal, Times: -1,
		Match: func(r simulator.Request) bool { return strings.Contains(string(r.Body), "poison") },
	})
	account.Inject(simulator.Fault{Kind: simulator.Refusal, Status: 418})
	poison := strings.Replace(smallest, `"n"`, `"poison"`, 1)
	steps := []struct {
		method, body string
		status       int
	}{
		{http.MethodGet, "", 500},
		{http.MethodPost, poison, 400},
		{http.MethodPost, smallest, 418},
		{http.MethodGet, "", 500},
		{http.MethodGet, "", 200},
		{http.MethodPost, poison, 400},
		{http.MethodPost, smallest, 201},
		{http.MethodPost, poison, 400},
	}
	for i, step := range steps {
		if got := ask(t, account, step.method, policies, step.body); got.Status != step.status {
			t.Errorf("step %d answered %d, want %d", i, got.Status, step.status)
		}
	}
	account.Heal()
	if got := ask(t, account, http.MethodPost, policies, poison); got.Status != 201 {
		t.Errorf("healed, it answered %d", got.Status)
	}
}

func TestSilenceLastsUntilTheClientLeaves(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			account := simulator.New(simulator.Options{})
			account.Inject(simulator.Fault{Kind: simulator.Silence, After: after})
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			start := time.Now()
			_, err := exchange(t, account.Transport(), newRequest(t, http.MethodPost, policies, smallest).WithContext(ctx))
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Hour {
				t.Errorf("after %s: %v", time.Since(start), err)
			}
			if effect := len(held(t, account)) == 1; effect != after {
				t.Errorf("effect = %t, want %t", effect, after)
			}
		})
	}
}

func TestSlowBodyComesInPieces(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		account := simulator.New(simulator.Options{})
		account.Inject(simulator.Fault{Kind: simulator.SlowBody, Delay: time.Minute})
		response, err := account.Transport().RoundTrip(newRequest(t, http.MethodPost, policies, smallest))
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if _, err := io.ReadFull(response.Body, make([]byte, 10)); err != nil || time.Since(start) != 0 {
			t.Errorf("the first bytes took %s: %v", time.Since(start), err)
		}
		if _, err := io.ReadAll(response.Body); err != nil || time.Since(start) != time.Minute {
			t.Errorf("the whole took %s: %v", time.Since(start), err)
		}
		if err := response.Body.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestContextEndsASlowBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		account := simulator.New(simulator.Options{})
		account.Inject(simulator.Fault{Kind: simulator.SlowBody, Delay: time.Hour})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		got, err := exchange(t, account.Transport(), newRequest(t, http.MethodPost, policies, smallest).WithContext(ctx))
		if got.Status != 201 || !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("after %s: %d %v", time.Since(start), got.Status, err)
		}
	})
}

func TestBodyMayBeClosedBeforeItsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // which fails if the handler's goroutine stays
		account := simulator.New(simulator.Options{})
		account.Inject(simulator.Fault{Kind: simulator.SlowBody, Delay: time.Hour})
		response, err := account.Transport().RoundTrip(newRequest(t, http.MethodPost, policies, smallest))
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if err := response.Body.Close(); err != nil || time.Since(start) != 0 {
			t.Errorf("closing took %s: %v", time.Since(start), err)
		}
	})
}

func TestLatencyIsHalfBeforeTheEffect(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		account := simulator.New(simulator.Options{Latency: 50 * time.Millisecond})
		start := time.Now()
		ask(t, account, http.MethodPost, policies, smallest)
		if took := time.Since(start); took != 50*time.Millisecond {
			t.Errorf("took %s", took)
		}
		if at := account.Requests()[0].At.Sub(start); at != 25*time.Millisecond {
			t.Errorf("took effect after %s", at)
		}
	})
}

func TestRequestOfAClientThatHasLeftTakesEffect(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		account := simulator.New(simulator.Options{Latency: time.Hour})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := exchange(t, account.Transport(), newRequest(t, http.MethodPost, policies, smallest).WithContext(ctx))
		if !errors.Is(err, context.DeadlineExceeded) || len(held(t, account)) != 1 {
			t.Errorf("holds %v: %v", held(t, account), err)
		}
	})
}

func TestManyClientsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		account := simulator.New(simulator.Options{Latency: time.Second})
		start := time.Now()
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if got := ask(t, account, http.MethodPost, policies, smallest); got.Status != http.StatusCreated {
					t.Errorf("answered %d", got.Status)
				}
			})
		}
		all.Wait()
		if took := time.Since(start); took != time.Second || len(held(t, account)) != 100 || account.Count("create") != 100 {
			t.Errorf("%d policies in %s", len(held(t, account)), took)
		}
	})
}
