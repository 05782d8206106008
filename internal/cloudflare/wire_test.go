package cloudflare_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/policysync/policysync/internal/cloudflare"
	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/policy"
)

// TestNoWriteIsSentTwice breaks connections that were used before, on which
// net/http repeats some requests by itself.
func TestNoWriteIsSentTwice(t *testing.T) {
	t.Parallel()
	for op, do := range operations {
		if !isWrite(op) {
			continue
		}
		t.Run(string(op), func(t *testing.T) {
			t.Parallel()
			account := simulator.New(simulator.Options{})
			id := seed(t, account, plain("old"))
			server := httptest.NewServer(account)
			t.Cleanup(server.Close)
			client := connect(t, account, func(o *cloudflare.Options) { o.BaseURL, o.Transport = server.URL, nil })
			for range 3 { // the connection is a used one now
				if _, err := client.List(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			account.Inject(simulator.Fault{Operation: string(op), Kind: simulator.LostReply, After: true, Times: -1})
			if e := failure(t, do(t.Context(), client, id)); !e.Ambiguous {
				t.Errorf("want an ambiguous error: %v", e)
			}
			if n := account.Count(string(op)); n != 1 {
				t.Errorf("sent %d times, want once", n)
			}
		})
	}
}

func TestNoWriteAsksToBeRepeatable(t *testing.T) {
	t.Parallel()
	account := simulator.New(simulator.Options{})
	id := seed(t, account, plain("old"))
	var seen []*http.Request
	client := connect(t, account, func(o *cloudflare.Options) {
		next := o.Transport
		o.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			seen = append(seen, r)
			return next.RoundTrip(r)
		})
	})
	for _, op := range []cloudflare.Operation{cloudflare.OpCreate, cloudflare.OpUpdate, cloudflare.OpDelete} {
		if err := operations[op](t.Context(), client, id); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range seen {
		for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
			if r.Header.Get(name) != "" {
				t.Errorf("%s has %s, on which net/http repeats it", r.Method, name)
			}
		}
	}
}

func TestRefusedConnectionHadNoEffect(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	account := simulator.New(simulator.Options{})
	client := connect(t, account, func(o *cloudflare.Options) {
		o.BaseURL, o.Transport = "http://"+listener.Addr().String(), nil
	})
	_, err = client.Create(t.Context(), plain("new"), nil)
	if e := failure(t, err); e.Ambiguous || e.Permanent() || e.Status != 0 {
		t.Errorf("got %+v", e)
	}
}

func TestUntrustedCertificateHadNoEffect(t *testing.T) {
	t.Parallel()
	account := simulator.New(simulator.Options{})
	client := connect(t, account, func(o *cloudflare.Options) { o.BaseURL, o.Transport = overTLS(t, account, nil), nil })
	_, err := client.Create(t.Context(), plain("new"), nil)
	if e := failure(t, err); e.Ambiguous {
		t.Errorf("got %v", e)
	}
	if n := account.Count("create"); n != 0 {
		t.Errorf("%d requests came", n)
	}
}

// TestOwnTransportOffersNoHTTP2 because over HTTP/2 net/http repeats writes.
func TestOwnTransportOffersNoHTTP2(t *testing.T) {
	t.Parallel()
	account := simulator.New(simulator.Options{})
	offered := make(chan []string, 1)
	client := connect(t, account, func(o *cloudflare.Options) { o.BaseURL, o.Transport = overTLS(t, account, offered), nil })
	if err := client.Delete(t.Context(), "f174e90a-fafe-4643-bbbc-4a0ed4fc8415", nil); err == nil {
		t.Error("want an error: the certificate is nobody's")
	}
	if protocols := <-offered; slices.Contains(protocols, "h2") {
		t.Errorf("offered %v", protocols)
	}
}

// overTLS serves an account with a certificate that nobody trusts, and tells
// which protocols a client offered.
func overTLS(t *testing.T, account *simulator.Account, offered chan<- []string) string {
	t.Helper()
	server := httptest.NewUnstartedServer(account)
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if offered != nil {
			offered <- hello.SupportedProtos
		}
		return nil, nil
	}}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

func TestRedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int32
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	t.Cleanup(thief.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		for op, do := range operations {
			t.Run(fmt.Sprintf("%d %s", status, op), func(t *testing.T) {
				t.Parallel()
				client, requests := scripted(t, func(int) *http.Response { return answered(status, "", "Location", thief.URL) })
				e := failure(t, do(t.Context(), client, "f174e90a-fafe-4643-bbbc-4a0ed4fc8415"))
				if e.Status != status || !e.Permanent() || *requests > 2 {
					t.Errorf("%d requests: %+v", *requests, e)
				}
			})
		}
	}
	t.Cleanup(func() {
		if elsewhere.Load() != 0 {
			t.Error("a redirect was followed")
		}
	})
}

func TestAnswerBeyondTheBoundIsAnError(t *testing.T) {
	t.Parallel()
	client, _ := scripted(t, func(int) *http.Response {
		r := answered(400, "")
		r.Body = io.NopCloser(io.LimitReader(zeros{}, 1<<40))
		return r
	})
	_, err := client.Create(t.Context(), plain("new"), nil)
	if e := failure(t, err); !strings.Contains(e.Error(), "longer than 64 MiB") || e.Ambiguous {
		t.Errorf("got %v", e)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// on returns what is done to a policy by its id.
func on(client *cloudflare.Client, id string) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"GET":    func(ctx context.Context) error { _, err := client.Get(ctx, id); return err },
		"PUT":    func(ctx context.Context) error { _, err := client.Update(ctx, id, policy.Policy{}, nil); return err },
		"DELETE": func(ctx context.Context) error { return client.Delete(ctx, id, nil) },
	}
}

func TestPolicyIDsThatWouldAlterThePathAreRefused(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", ".", ".."} {
		account := simulator.New(simulator.Options{})
		for name, call := range on(connect(t, account, nil), id) {
			if e := failure(t, call(t.Context())); e.Ambiguous || len(account.Requests()) != 0 {
				t.Errorf("%s %q: %v", name, id, e)
			}
		}
	}
}

func TestPolicyIDsOfAnyFormStayOnePartOfThePath(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"../apps", "a/b", "a?b", "a#b", "a b", "a%2fb", "ä", "...", strings.Repeat("a", 36)} {
		var asked []string
		client := connect(t, simulator.New(simulator.Options{}), func(o *cloudflare.Options) {
			o.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
				sent, err := url.ParseRequestURI(r.URL.RequestURI()) // as a server reads it
				if err != nil {
					return nil, err
				}
				before, last, _ := strings.Cut(sent.EscapedPath(), "/access/policies/")
				got, err := url.PathUnescape(last)
				asked = append(asked, r.Method+" "+got)
				if strings.Contains(last, "/") || strings.Contains(before, "..") || sent.RawQuery != "" {
					t.Errorf("%s %q: asks for %s", r.Method, id, sent)
				}
				return answered(200, fmt.Sprintf(`{"success":true,"result":{"id":%q}}`, id)), err
			})
		})
		for method, call := range on(client, id) {
			asked = nil
			if err := call(t.Context()); err != nil || !slices.Equal(asked, []string{method + " " + id}) {
				t.Errorf("%s %q: asked for %q: %v", method, id, asked, err)
			}
		}
	}
}
