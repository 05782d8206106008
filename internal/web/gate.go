package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/policysync/policysync/internal/access"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/secret"
	"github.com/policysync/policysync/internal/throttle"
	"github.com/policysync/policysync/internal/visitor"
)

// How much one client may ask for. What is refused as no token or assertion is
// counted by itself.
const (
	requestBurst, requestRate = 500, 50
	refusalBurst, refusalRate = 10, 0.2
)

// How many refusals of all clients are news.
const newsBurst, newsRate = 50, 0.2

// tokenName is what those are called who know the API's token; nobody whom Cloudflare
// Access lets through is.
const tokenName = "token"

// holder is who knows the API's token.
func holder(session bool) visitor.Visitor {
	return visitor.Visitor{Name: tokenName, Operator: true, Session: session, Addresses: true}
}

// gate decides who may pass.
type gate struct {
	Options

	sessions           sessions
	requests, refusals *throttle.Clients
	news               *throttle.Bucket // of refusals
	guessing           sync.Mutex       // held while a token is compared, so that guesses at the same moment count, too
}

func newGate(o Options) *gate {
	return &gate{
		Options:  o,
		requests: throttle.NewClients(throttle.Rate{Burst: requestBurst, PerSecond: requestRate}),
		refusals: throttle.NewClients(throttle.Rate{Burst: refusalBurst, PerSecond: refusalRate}),
		news:     throttle.NewBucket(throttle.Rate{Burst: newsBurst, PerSecond: newsRate}),
	}
}

// refusal is why a request may not pass.
type refusal struct {
	reason  event.Refusal
	status  int
	problem string
	wait    time.Duration // until it may be tried again; zero: that won't help
	signIn  bool          // that would help
}

// Error says what is wrong, and what to do about it.
func (r *refusal) Error() string { return r.problem }

func refuse(reason event.Refusal, status int, problem string) error {
	return &refusal{reason: reason, status: status, problem: problem}
}

func tooMany(wait time.Duration) error {
	return &refusal{
		reason: event.TooMany, status: http.StatusTooManyRequests, wait: wait,
		problem: "too many requests: wait for the seconds that Retry-After tells",
	}
}

// admit returns who sent a request that may pass, or a refusal.
func (g *gate) admit(r *http.Request) (visitor.Visitor, error) {
	who, err := g.identify(r)
	client := clientOf(r)
	if err == nil && who.Name != "" && who.Name != tokenName {
		client = who.Name // many may come through one proxy
	}
	now := time.Now()
	switch wait := g.requests.Of(client, now).Take(now); {
	case wait > 0:
		return who, tooMany(wait)
	case err != nil || who.Operator || reads(r):
		return who, err
	case who.Name != "":
		return who, refuse(event.NotOperator, http.StatusForbidden, who.Name+" may look and not act: server.access.operators lists who may")
	default:
		return who, g.unknown(r)
	}
}

// identify returns who sent a request.
func (g *gate) identify(r *http.Request) (visitor.Visitor, error) {
	verifier := g.verifier()
	sent, bears := bearer(r)
	switch {
	case bears:
		if _, err := g.token(r, sent); err != nil {
			return visitor.Visitor{}, err
		}
		return holder(false), nil
	case verifier != nil && r.Header.Values(access.Header) != nil:
		return g.byAccess(verifier, r)
	case g.inSession(r):
		return holder(true), nil
	case verifier == nil && g.Local && isOwnHost(r.Host):
		return visitor.Visitor{Addresses: true}, nil
	case g.Public != nil && g.Public():
		return visitor.Visitor{}, nil
	default:
		return visitor.Visitor{}, g.unknown(r)
	}
}

func (g *gate) verifier() *access.Verifier {
	if g.Access == nil {
		return nil
	}
	return g.Access()
}

// unknown is the refusal of somebody who has shown nothing to be known by.
func (g *gate) unknown(r *http.Request) error {
	_, err := g.Token().Read()
	switch {
	case err == nil:
		problem := "send the token of server.api_token_file as `Authorization: Bearer …`, or sign in at /signin"
		return &refusal{reason: event.NothingShown, status: http.StatusUnauthorized, problem: problem, signIn: true}
	case !errors.Is(err, secret.ErrNotSet):
		return refuse(event.CannotTell, http.StatusInternalServerError, "the API's token can't be read: look at server.api_token_file")
	case g.verifier() != nil:
		return refuse(event.NothingShown, http.StatusUnauthorized, "come through Cloudflare Access: no "+access.Header+" came with the request")
	case g.Local && reads(r):
		return refuse(event.NothingShown, http.StatusMisdirectedRequest, "this is for the machine itself: call it localhost, or set server.api_token_file and sign in")
	default:
		return refuse(event.NothingShown, http.StatusForbidden, "the API is not open: name a file with a bearer token in server.api_token_file")
	}
}

// token returns the API's token if that is what was sent. Each client may guess
// a few times, and then waits, however right the next guess is.
func (g *gate) token(r *http.Request, sent string) (secret.Value, error) {
	g.guessing.Lock()
	defer g.guessing.Unlock()
	now := time.Now()
	guesses := g.refusals.Of(clientOf(r), now)
	if wait := guesses.Wait(now); wait > 0 {
		return secret.Value{}, tooMany(wait)
	}
	token, err := g.Token().Read()
	if err != nil {
		return token, g.unknown(r)
	}
	if !equal(token.Reveal(), sent) {
		guesses.Take(now)
		return secret.Value{}, refuse(event.WrongToken, http.StatusUnauthorized, "this is not the token that the file of server.api_token_file holds")
	}
	return token, nil
}

// byAccess returns whom Cloudflare Access has let through. A signature can't be
// guessed: so others who come from the same proxy needn't wait.
func (g *gate) byAccess(verifier *access.Verifier, r *http.Request) (visitor.Visitor, error) {
	all := r.Header.Values(access.Header)
	if len(all) > 1 {
		return visitor.Visitor{}, refuse(event.BadAssertion, http.StatusUnauthorized, access.Header+" came more than once")
	}
	who, err := verifier.Visitor(r.Context(), all[0])
	switch {
	case err == nil:
		return who, nil
	case errors.Is(err, access.ErrUnavailable):
		return who, refuse(event.CannotTell, http.StatusServiceUnavailable, "whom Cloudflare Access has let through isn't known: "+access.ErrUnavailable.Error()+"; the log says why")
	}
	now := time.Now()
	if wait := g.refusals.Of(clientOf(r), now).Take(now); wait > 0 {
		return who, tooMany(wait)
	}
	return who, refuse(event.BadAssertion, http.StatusUnauthorized, fmt.Sprintf("%s is refused: %s: look at server.access and at the clock", access.Header, err))
}

// bearer returns the token that a request bears, if any (RFC 6750 2.1).
func bearer(r *http.Request) (token string, bears bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(token), strings.EqualFold(scheme, "Bearer")
}

// equal reports whether two secrets are the same. How long it takes tells
// nothing of them.
func equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// reads reports whether a request only asks to see something.
func reads(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// clientOf returns from where a request comes: its address, or the network that
// one subscriber has of IPv6.
func clientOf(r *http.Request) string {
	const subscriber = 64 // bits
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	if address := at.Addr().Unmap(); address.Is4() {
		return address.String()
	}
	return netip.PrefixFrom(at.Addr().WithZone(""), subscriber).Masked().String()
}

// isOwnHost reports whether a request names this machine as its host: other names
// may be those of a web site that has its name lead here, to be shown what is
// for this machine alone (DNS rebinding).
func isOwnHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || ip.IsLoopback()
}
