package cloudflare_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/policysync/policysync/internal/cloudflare"
	"github.com/policysync/policysync/internal/cloudflare/simulator"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// scripted returns a client whose requests are answered as told, and their
// number.
func scripted(t testing.TB, script func(n int) *http.Response) (*cloudflare.Client, *int) {
	t.Helper()
	requests := new(int)
	client := connect(t, simulator.New(simulator.Options{}), func(o *cloudflare.Options) {
		o.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			*requests++
			response := script(*requests)
			if response == nil {
				return nil, errors.New("scripted: no answer")
			}
			response.Request = r
			return response, nil
		})
	})
	return client, requests
}

func answered(status int, body string, header ...string) *http.Response {
	r := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}
