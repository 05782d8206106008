package cloudflare

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
	"unicode"
)

// Error is why an operation failed. Its text is one line that ends in what to
// do next, and never holds a secret or the request's body.
type Error struct {
	Operation  Operation
	PolicyID   string        // which policy, where the operation names one
	Status     int           // HTTP status; 0 when there was no answer
	Errors     []APIError    // what Cloudflare says
	Ray        string        // the answer's cf-ray, by which Cloudflare's support finds the request
	RetryAfter time.Duration // how long the server asks to wait; 0: it doesn't
	Err        error         // what else is wrong: no answer, or one of no use

	unsent bool // for want of credentials or budget: trying again at once is no use

	// Ambiguous: the create, update or delete may have taken effect although
	// it failed. It is false only where it certainly had none: nothing was
	// sent, or the answer is a 4xx.
	Ambiguous bool
}

// APIError is one entry of the errors in Cloudflare's answer.
type APIError struct {
	Code             int
	Message          string
	Pointer          string // JSON pointer to what is wrong in the request; may be empty
	DocumentationURL string // may be empty
}

// Permanent reports whether the same request would fail again until somebody
// changes something: every 3xx and 4xx but 408 (the request came too slowly),
// 425 and 429.
func (e *Error) Permanent() bool {
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	default:
		return e.Status >= 300 && e.Status < 500
	}
}

// NotFound reports whether Cloudflare says that the policy isn't there: a 404
// in Cloudflare's own form that isn't about the address. A proxy's 404 page
// says nothing about a policy.
func (e *Error) NotFound() bool {
	return e.Status == http.StatusNotFound && len(e.Errors) > 0 && !e.has(codeNoRoute)
}

// Answered reports whether the server has ended its work on the request: what
// that did it has done, and nothing comes later. A gateway's word, by 502, 504
// or a page of the edge, says nothing about what goes on behind it.
func (e *Error) Answered() bool {
	switch e.Status {
	case 0, http.StatusBadGateway, http.StatusGatewayTimeout:
		return false
	default:
		return e.Status <= http.StatusInternalServerError || len(e.Errors) > 0
	}
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Error returns what was being done, what Cloudflare said and what to do.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(titles[e.Operation])
	if e.PolicyID != "" {
		b.WriteString(" " + oneLine(e.PolicyID, 64))
	}
	if e.Status != 0 {
		fmt.Fprintf(&b, ": Cloudflare answered %d", e.Status)
	}
	if e.Ray != "" {
		fmt.Fprintf(&b, " (cf-ray %s)", e.Ray)
	}
	for _, said := range e.Errors {
		b.WriteString(": " + said.String())
	}
	if e.Err != nil {
		b.WriteString(": " + oneLine(e.Err.Error(), 500))
	}
	b.WriteString(": " + e.advice())
	if e.Ambiguous {
		b.WriteString("; it may have taken effect all the same, so look at the account before sending it again")
	}
	return b.String()
}

// String returns the code, the message and where the request is wrong.
func (e APIError) String() string {
	text := fmt.Sprintf("%d %s", e.Code, e.Message)
	if e.Pointer != "" {
		text += " at " + e.Pointer
	}
	if e.DocumentationURL != "" {
		text += " (see " + e.DocumentationURL + ")"
	}
	return text
}

var titles = map[Operation]string{
	OpList:        "list policies",
	OpGet:         "get policy",
	OpCreate:      "create policy",
	OpUpdate:      "update policy",
	OpDelete:      "delete policy",
	OpVerifyToken: "verify token",
	OpListApps:    "list applications",

	OpListGroups:        "list access groups",
	OpListServiceTokens: "list service tokens",
	OpListProviders:     "list identity providers",
	OpListPosture:       "list device posture rules",
	OpListLists:         "list e-mail and IP lists",
}

// Codes of Cloudflare's that tell more than the status.
const (
	codeNoRoute    = 7003 // no route for the URI
	codeNotEnabled = 9999 // access.api.error.not_enabled
)

func (e *Error) has(code int) bool {
	for _, said := range e.Errors {
		if said.Code == code {
			return true
		}
	}
	return false
}

// advice returns what to do next.
func (e *Error) advice() string {
	switch {
	case e.has(codeNotEnabled):
		return "open Zero Trust once in the dashboard, which enables it for the account"
	case e.has(codeNoRoute):
		return "check the account id and the base URL"
	}
	switch e.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return e.accessAdvice()
	case http.StatusNotFound:
		if e.PolicyID != "" {
			return "the policy is gone from the account: plan again"
		}
		return "check the account id and the base URL"
	case http.StatusConflict:
		if e.Operation == OpDelete {
			return "take the policy off the applications that use it first"
		}
	case http.StatusTooManyRequests:
		return "the account's 1200 requests in 5 minutes are used up: wait, and lower requests_per_5m if this comes back"
	}
	switch {
	case e.Status >= 300 && e.Status < 400:
		return "check the base URL: redirects are not followed, because the token must not leave"
	case e.Permanent() && (e.Operation == OpCreate || e.Operation == OpUpdate):
		return "correct the policy"
	case e.Permanent():
		return "check the account id and the base URL"
	case e.Status >= 400:
		return "try again later; www.cloudflarestatus.com tells of outages"
	case e.Status != 0:
		return "try again later; if it stays, check that the base URL is Cloudflare's and no proxy alters answers"
	case errors.Is(e.Err, errPaused):
		return "wait until then, and lower requests_per_5m"
	case errors.Is(e.Err, context.Canceled):
		return "run again"
	default:
		return "check credentials, network and base URL, and try again"
	}
}

func (e *Error) accessAdvice() string {
	if e.Operation == OpVerifyToken {
		return "check that the token is whole and active, or make a new one"
	}
	return "check that the token is active, for this account, and has the permission " + e.permission()
}

// permission returns what the operation needs at least, by the names of
// Cloudflare's API reference.
func (e *Error) permission() string {
	switch e.Operation {
	case OpList, OpGet, OpListApps:
		return `"Access: Apps and Policies Read" or Write`
	case OpListGroups, OpListProviders:
		return `"Access: Organizations, Identity Providers, and Groups Read" or Write`
	case OpListServiceTokens:
		return `"Access: Service Tokens Read" or Write`
	case OpListPosture, OpListLists:
		return `"Zero Trust Read" or Write`
	default:
		return `"Access: Apps and Policies Write"`
	}
}

// neverLeft reports whether an error of a transport says that no connection
// to the server came about, so that nothing was sent.
func neverLeft(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Op == "dial" || op.Op == "proxyconnect"
	}
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok
}

// oneLine returns a foreign text fit for a log line: white space and control
// characters as single blanks, and no longer than that many bytes.
func oneLine(text string, longest int) string {
	if len(text) > longest {
		text = text[:longest] + "…"
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) && r != unicode.ReplacementChar {
			return r
		}
		return ' '
	}, text)
	return strings.Join(strings.Fields(text), " ")
}
