package simulator

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// Kind is a way to fail.
type Kind string

// The kinds of faults. Of the first group each comes before the request is
// carried out, or with Fault.After when it has been. The second spoils the
// answer of a request that was carried out.
const (
	ServerError     Kind = "server error"      // 500 (or Status) in the API's own form
	HTML            Kind = "HTML"              // 502 (or Status) with a page of the edge
	SuccessFalse    Kind = "success false"     // 200 with success: false
	LostReply       Kind = "lost reply"        // the connection breaks without an answer
	Silence         Kind = "silence"           // no answer until the client gives up
	TooManyRequests Kind = "too many requests" // 429 with Retry-After, which never is carried out
	Refusal         Kind = "refusal"           // 400 (or Status), which never is carried out

	CutJSON    Kind = "cut JSON"    // half the body, as if it were all
	BrokenBody Kind = "broken body" // the connection breaks half through the body
	SlowBody   Kind = "slow body"   // the body takes Delay
	NullResult Kind = "null result" // result is null
	ShortPage  Kind = "short page"  // a list lacks its last policy, and counts it
	Tampered   Kind = "tampered"    // whatever Rewrite makes of the body
)

// Fault is how requests are to fail.
type Fault struct {
	Operation  string // see Request; "" means any
	Kind       Kind
	After      bool                     // carry the request out before failing
	Times      int                      // how many requests; 0 means one, less all
	Match      func(Request) bool       // which requests; nil means all; called under a lock: it must not call the account
	Status     int                      // instead of the kind's own
	RetryAfter time.Duration            // sent with the answer, in whole seconds
	Delay      time.Duration            // of SlowBody
	Rewrite    func(body []byte) []byte // of Tampered; may be called for a failure's body too
}

// Inject makes requests fail. Of several faults for a request the first
// injected counts.
func (a *Account) Inject(f Fault) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f.Times = cmp.Or(f.Times, 1)
	a.faults = append(a.faults, &f)
}

// Heal takes back all faults.
func (a *Account) Heal() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults = nil
}

// fault returns the fault for a request, and counts it.
func (a *Account) fault(c call) *Fault {
	request := Request{Operation: c.operation, Method: c.method, Path: c.path, Query: c.query.Encode(), Body: c.body, At: time.Now()}
	for _, f := range a.faults {
		if f.Times == 0 || f.Operation != "" && f.Operation != c.operation || f.Match != nil && !f.Match(request) {
			continue
		}
		if f.Times > 0 {
			f.Times--
		}
		return f
	}
	return nil
}

// carriedOut reports whether the request has its effect all the same.
func (f *Fault) carriedOut() bool {
	switch f.Kind {
	case TooManyRequests, Refusal:
		return false
	case ServerError, HTML, SuccessFalse, LostReply, Silence:
		return f.After
	default:
		return true
	}
}

const page = `<!DOCTYPE html>
<html><head><title>api.cloudflare.com | 502: Bad gateway</title></head>
<body><h1>Bad gateway</h1><p>The web server reported a bad gateway error.</p></body></html>
`

// spoil returns what becomes of an answer.
func (f *Fault) spoil(got answer) answer {
	switch f.Kind {
	case ServerError:
		got = failure(cmp.Or(f.Status, http.StatusInternalServerError), 10001, "Internal server error")
	case HTML:
		got = answer{status: cmp.Or(f.Status, http.StatusBadGateway), header: http.Header{"Content-Type": {"text/html"}}, body: []byte(page)}
	case SuccessFalse:
		got = failure(cmp.Or(f.Status, http.StatusOK), 10001, "Internal server error")
	case TooManyRequests:
		got = failure(http.StatusTooManyRequests, 971, "Please wait and consider throttling your request speed")
	case Refusal:
		got = failure(cmp.Or(f.Status, http.StatusBadRequest), codeInvalid, invalid+"refused")
	case LostReply:
		got.delivery = lost
	case Silence:
		got.delivery = withheld
	case CutJSON:
		got.body = got.body[:len(got.body)/2]
	case BrokenBody:
		got.delivery = broken
	case SlowBody:
		got.delivery, got.slowness = slow, f.Delay
	case NullResult:
		got.body = rewrite(got.body, func(envelope object) { envelope["result"] = nil })
	case ShortPage:
		got.body = rewrite(got.body, func(envelope object) {
			if list, ok := envelope["result"].([]any); ok && len(list) > 0 {
				envelope["result"] = list[:len(list)-1]
			}
		})
	case Tampered:
		got.body = f.Rewrite(got.body)
	}
	if f.RetryAfter > 0 {
		got.header.Set("Retry-After", strconv.Itoa(int((f.RetryAfter+time.Second-1)/time.Second)))
	}
	return got
}

// rewrite alters a body's envelope.
func rewrite(body []byte, change func(object)) []byte {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var envelope object
	if decoder.Decode(&envelope) != nil {
		return body
	}
	change(envelope)
	altered, err := json.Marshal(envelope)
	if err != nil {
		return body
	}
	return altered
}
