// Package access tells whom Cloudflare Access, in front of the server, has let
// through: by the signed assertion that it adds to each request.
package access

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/policysync/policysync/internal/visitor"
)

// Header is the header of a request in which the assertion comes. A browser
// sends it as a cookie too, which isn't looked at: Cloudflare doesn't promise
// the cookie, and other sites can have a browser send cookies.
const Header = "Cf-Access-Jwt-Assertion"

// maxAssertion is how long an assertion may be, in bytes. Cloudflare keeps it
// small enough for a cookie, which is 4 KiB.
const maxAssertion = 16 << 10

// ErrUnavailable says that an assertion can't be checked now, because the
// team's keys can't be fetched.
var ErrUnavailable = errors.New("the team's keys can't be fetched")

// Options say whom to trust. All but Operators and Transport are required.
type Options struct {
	Team      string            // the team's domain, such as example.cloudflareaccess.com
	Audience  string            // the AUD tag of the Access application
	Operators []string          // who is an operator: ann@example.com, group:NAME or service:CLIENT_ID
	Transport http.RoundTripper // that keys are fetched with; nil: http.DefaultTransport
	Warn      func(error)       // told of each failure to fetch keys; called concurrently
	Now       func() time.Time
}

// Verifier checks assertions. It is safe for concurrent use.
type Verifier struct {
	options Options
	keys    *keys
}

// New returns a verifier, which fetches the team's keys when they are needed.
func New(o Options) *Verifier { return &Verifier{options: o, keys: newKeys(o)} }

// Visitor returns who an assertion speaks of. The error says why it is refused;
// it wraps ErrUnavailable where that may be no fault of the assertion.
func (v *Verifier) Visitor(ctx context.Context, assertion string) (visitor.Visitor, error) {
	if len(assertion) > maxAssertion {
		return visitor.Visitor{}, fmt.Errorf("it is longer than %d bytes", maxAssertion)
	}
	lookup := &lookup{keys: v.keys}
	token, err := oidc.NewVerifier("https://"+v.options.Team, lookup, &oidc.Config{
		ClientID: v.options.Audience, SupportedSigningAlgs: []string{oidc.RS256, oidc.ES256}, Now: v.options.Now,
	}).Verify(ctx, assertion)
	if lookup.failed != nil {
		return visitor.Visitor{}, fmt.Errorf("%w: %w", ErrUnavailable, lookup.failed)
	}
	if err != nil {
		return visitor.Visitor{}, err
	}
	var c claims
	if err := token.Claims(&c); err != nil {
		return visitor.Visitor{}, fmt.Errorf("its claims are not what Access states: %w", err)
	}
	return v.known(c), nil
}

// known returns the visitor of whom the claims speak.
func (v *Verifier) known(c claims) visitor.Visitor {
	names := c.names()
	operator := slices.ContainsFunc(names, func(name string) bool {
		return slices.ContainsFunc(v.options.Operators, func(o string) bool { return same(o, name) })
	})
	who := visitor.Visitor{Name: "somebody let through by Cloudflare Access", Operator: operator, Addresses: operator}
	if len(names) > 0 {
		who.Name = names[0]
	}
	return who
}

// same reports whether two names are one: only e-mail addresses are compared
// without regard to case, as identity providers spell them at will.
func same(a, b string) bool {
	if isAddress(a) {
		return strings.EqualFold(a, b)
	}
	return a == b
}
