package cloudflare

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// DefaultBaseURL is where Cloudflare's API lives.
const DefaultBaseURL = "https://api.cloudflare.com/client/v4"

const (
	defaultTimeout  = 30 * time.Second
	defaultRequests = 600 // of the 1200 that Cloudflare allows in 5 minutes
)

// Operation is what a request is for; a label of metrics and errors.
type Operation string

// The operations of a Client.
const (
	OpList        Operation = "list"
	OpGet         Operation = "get"
	OpCreate      Operation = "create"
	OpUpdate      Operation = "update"
	OpDelete      Operation = "delete"
	OpVerifyToken Operation = "verify_token"
	OpListApps    Operation = "list_apps"
)

// Request tells about one request that ended.
type Request struct {
	Operation Operation
	PolicyID  string        // of the policy that it is about; empty for a list or a create
	Code      string        // 2xx, 4xx, 429, 5xx; "error" when there was no answer, or none of use
	Status    int           // of the answer; 0 when there was none
	Ray       string        // cf-ray of the answer; empty when there was none
	At        time.Time     // when it was sent
	Took      time.Duration // from then to the end of the answer, without waiting for the budget
}

// Options say which account a Client works on, and how.
type Options struct {
	BaseURL     string                      // "" means DefaultBaseURL; plain http is for tests
	AccountID   string                      // required
	Credentials func() (Credentials, error) // required; called before each request, so that a rotated token is picked up
	Budget      *Budget                     // shared by all clients of one token; nil means one of 600 for this client
	Timeout     time.Duration               // of one request with its answer; 0 means 30 s
	UserAgent   string                      // "" means policysync

	// Transport sends the requests; nil means the client's own. One given
	// here must never send a POST, PUT or DELETE twice by itself.
	Transport http.RoundTripper

	// Observe is told of every request that ended. Waiting is told when one
	// begins to wait for the budget or because the server orders it, and how
	// long; Waited, how long one has waited. All may be nil, and are called
	// from whatever goroutine uses the client.
	Observe func(Request)
	Waiting func(time.Duration)
	Waited  func(time.Duration)
}

// Client works on the Access policies of one account. Its methods may be
// called from several goroutines; every error they return is an *Error.
type Client struct {
	options Options
	http    *http.Client
}

// accountID is the form of account ids (access_identifier of the schema). What
// doesn't fit could change a request's path.
var accountID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// New returns a client. An error is about the options; nothing is sent.
func New(o Options) (*Client, error) {
	o.BaseURL = strings.TrimRight(cmp.Or(o.BaseURL, DefaultBaseURL), "/")
	o.Timeout = cmp.Or(o.Timeout, defaultTimeout)
	o.UserAgent = cmp.Or(o.UserAgent, "policysync")
	if err := checkBaseURL(o.BaseURL); err != nil {
		return nil, err
	}
	if !accountID.MatchString(o.AccountID) {
		return nil, fmt.Errorf("account id %q: an account id is 32 hexadecimal digits: copy it from the account's overview page in the dashboard", o.AccountID)
	}
	if o.Credentials == nil {
		return nil, errors.New("no credentials: name the API token's file or environment variable")
	}
	if o.Budget == nil {
		o.Budget = NewBudget(defaultRequests)
	}
	if o.Transport == nil {
		o.Transport = newTransport()
	}
	if o.Observe == nil {
		o.Observe = func(Request) {}
	}
	if o.Waiting == nil {
		o.Waiting = func(time.Duration) {}
	}
	if o.Waited == nil {
		o.Waited = func(time.Duration) {}
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{options: o, http: &http.Client{Transport: o.Transport, CheckRedirect: stay}}, nil
}

// Close closes the connections that are idle. The client stays usable.
func (c *Client) Close() { c.http.CloseIdleConnections() }

func checkBaseURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("base URL %q: want one like %s", text, DefaultBaseURL)
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("base URL %q: leave out user, query and fragment: want one like %s", u.Redacted(), DefaultBaseURL)
	}
	return nil
}

// newTransport returns a transport that never sends a write twice. It speaks
// HTTP/1.1 only: there net/http repeats a POST, PUT or DELETE only when not a
// byte of it was written, while over HTTP/2 it also does after a PROTOCOL_ERROR
// of the server, which says nothing about whether the request was carried out.
func newTransport() *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout: 10 * time.Second,
		MaxIdleConnsPerHost: 32,
		IdleConnTimeout:     90 * time.Second,
		Protocols:           protocols,
	}
}
