package simulator

import (
	"cmp"
	"net/http"
	"slices"
	"sync"
	"time"
)

// What an Account goes by unless its Options say otherwise.
const (
	DefaultAccountID = "023e105f4ecef8ad9ca31a8372d0c353"
	DefaultToken     = "simulated-token"
)

// The limits that Cloudflare documents.
const (
	defaultLimit   = 1200 // requests in 5 minutes
	defaultPerPage = 100
	maxPerPage     = 1000
)

// Options are how an account is; the zero value is a plain one.
type Options struct {
	AccountID string // "" means DefaultAccountID
	Token     string // the API token it lets in; "" means DefaultToken
	Email     string // of the older scheme, with Key; "" lets none in
	Key       string

	ReadOnly     bool   // the token may not write
	AccountToken bool   // the token belongs to the account and not to a user
	TokenStatus  string // "" means active

	Latency    time.Duration // of each request; what it does is done after half of it
	Limit      int           // requests in 5 minutes; 0 means 1200
	MaxPerPage int           // the most policies it sends at a time, whatever was asked for; 0 means 1000

	Quirks Quirks
}

// Quirks are ways in which the real API may behave: no source settles whether
// it does. A client must get by with each of them.
type Quirks struct {
	DefaultDuration    bool // a policy sent without session_duration gets 24h
	NullDuration       bool // a policy without session_duration shows it as null
	EmptyRules         bool // exclude and require are shown as [] where there are none
	KeepOmitted        bool // an update keeps the optional fields that it doesn't name
	FoldCase           bool // e-mail addresses are stored in lower case, countries in upper
	AcceptEmptyInclude bool // include may be []
	AcceptUnknownRules bool // a rule kind outside the schema is stored as it is
	NewestFirst        bool // lists begin with the policy made last
}

// Account is a simulated account, an http.Handler. Its paths may be asked for
// with and without the /client/v4 of the real API. It may be used from several
// goroutines; each request takes effect whole before the next.
type Account struct {
	options Options

	mu       sync.Mutex
	policies []*stored // as they were made
	apps     []*app
	things   map[string][]object // by the operation that lists them
	faults   []*Fault
	log      []Request
	limiter  limiter
}

// New returns an empty account.
func New(o Options) *Account {
	o.AccountID = cmp.Or(o.AccountID, DefaultAccountID)
	o.Token = cmp.Or(o.Token, DefaultToken)
	o.TokenStatus = cmp.Or(o.TokenStatus, "active")
	o.Limit = cmp.Or(o.Limit, defaultLimit)
	o.MaxPerPage = cmp.Or(o.MaxPerPage, maxPerPage)
	return &Account{options: o, limiter: limiter{limit: o.Limit}, things: map[string][]object{}}
}

// Copy returns an account that is and holds the same, but has seen no requests
// and has no faults.
func (a *Account) Copy() *Account {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := New(a.options)
	for _, p := range a.policies {
		copied := *p // its body is replaced as a whole, never altered
		c.policies = append(c.policies, &copied)
	}
	for _, old := range a.apps {
		c.apps = append(c.apps, &app{old.id, old.name, slices.Clone(old.policies), old.created})
	}
	for operation, list := range a.things {
		c.things[operation] = slices.Clone(list)
	}
	return c
}

// Request is one request that came in.
type Request struct {
	Operation string // list, get, create, update, delete, verify_token, list_apps, list_groups and the like; "" when unknown
	Method    string
	Path      string // without /client/v4
	Query     string
	Body      []byte
	At        time.Time
	Status    int // of the answer, whether or not it got through
}

// Requests returns every request so far, in the order they took effect.
func (a *Account) Requests() []Request {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.log)
}

// Count returns how many requests of an operation came in.
func (a *Account) Count(operation string) int {
	n := 0
	for _, r := range a.Requests() {
		if r.Operation == operation {
			n++
		}
	}
	return n
}

// ServeHTTP answers a request as the account would, or as a fault says.
func (a *Account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := newCall(w, r)
	if err != nil { // too long, or the client left while it was still sending
		failure(http.StatusRequestEntityTooLarge, codeInvalid, invalid+"request body too large").deliver(w, r)
		return
	}
	pause(r.Context(), a.options.Latency/2)
	got := a.serve(c)
	pause(r.Context(), a.options.Latency-a.options.Latency/2)
	got.deliver(w, r)
}

// serve is the part of a request that takes effect at once.
func (a *Account) serve(c call) answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	allowance := a.limiter.take(now)
	got := a.answer(c, allowance)
	a.log = append(a.log, Request{
		Operation: c.operation, Method: c.method, Path: c.path, Query: c.query.Encode(),
		Body: c.body, At: now, Status: got.status,
	})
	allowance.describe(got.header)
	got.header.Set("Cf-Ray", ray(len(a.log)))
	return got
}

func (a *Account) answer(c call, allowance allowance) answer {
	if allowance.blocked {
		return failure(http.StatusTooManyRequests, 971, "Please wait and consider throttling your request speed")
	}
	fault := a.fault(c)
	if fault == nil {
		return a.handle(c)
	}
	if fault.carriedOut() {
		return fault.spoil(a.handle(c))
	}
	return fault.spoil(answer{header: http.Header{}})
}
