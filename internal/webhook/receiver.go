package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/policysync/policysync/internal/secret"
	"github.com/policysync/policysync/internal/throttle"
)

// How many requests a receiver takes: at once, and then each second. What
// isn't genuine is counted by itself, so that no stranger uses up what the host
// may send.
const (
	genuineBurst, genuineRate = 100, 10
	strangeBurst, strangeRate = 60, 1
)

// bodyTimeout is how long a sender may take over its body.
const bodyTimeout = 10 * time.Second

// receiver takes the deliveries of one provider.
type receiver struct {
	host

	name             Provider
	options          Options
	genuine, strange *throttle.Bucket
	taken            deliveries
}

func newReceiver(name Provider, h host, o Options) *receiver {
	return &receiver{
		host: h, name: name, options: o,
		genuine: throttle.NewBucket(throttle.Rate{Burst: genuineBurst, PerSecond: genuineRate}),
		strange: throttle.NewBucket(throttle.Rate{Burst: strangeBurst, PerSecond: strangeRate}),
	}
}

// refusal is why a request isn't a delivery to be taken.
type refusal struct {
	status     int
	result     Result
	retryAfter time.Duration // zero: not told
	problem    string
}

// Error says what is wrong, and what to do about it.
func (r *refusal) Error() string { return r.problem }

// secrets returns those that there are now.
func (r *receiver) secrets() []secret.Source { return r.options.Secrets()[r.name] }

// ServeHTTP answers one request.
func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	switch {
	case len(r.secrets()) == 0:
		http.NotFound(w, request)
		return
	case request.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	d, err := r.guarded(w, request)
	d.Provider = r.name
	if err == nil {
		respond(w, http.StatusAccepted, accepted{d.Result, append([]string{}, d.Woken...), d.Suspended, d.Reason})
		r.options.Observe(d)
		return
	}
	refused := &refusal{status: http.StatusInternalServerError, result: Malformed, problem: err.Error()}
	_ = errors.As(err, &refused) // else it is one that nobody foresaw
	if refused.retryAfter > 0 {
		w.Header().Set("Retry-After", throttle.RetryAfter(refused.retryAfter))
	}
	respond(w, refused.status, declined{refused.result, refused.problem})
	d.Result, d.Reason = refused.result, refused.problem
	r.options.Observe(d)
}

// accepted is the answer to a genuine delivery.
type accepted struct {
	Result    Result   `json:"result"`
	Woken     []string `json:"woken"`
	Suspended []string `json:"suspended,omitempty"`
	Reason    string   `json:"reason,omitempty"`
}

// declined is the answer to anything else.
type declined struct {
	Result Result `json:"result"`
	Error  string `json:"error"`
}

func respond(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the one who asked is gone: nobody is left to tell
}

// guarded turns a panic into an error: one payload mustn't end the daemon, nor
// go unanswered.
func (r *receiver) guarded(w http.ResponseWriter, request *http.Request) (d Delivery, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			d, err = Delivery{}, fmt.Errorf("taking the delivery panicked, which is a mistake in policysync: %v", cause)
		}
	}()
	return r.receive(w, request)
}

// receive takes a request, in the order that package webhook draws.
func (r *receiver) receive(w http.ResponseWriter, request *http.Request) (Delivery, error) {
	now := time.Now()
	body, err := r.admit(w, request, now)
	if errors.Is(err, errUnsignedPing) {
		return Delivery{Result: Accepted, Reason: err.Error()}, nil
	}
	if err != nil {
		return Delivery{}, err
	}
	d := Delivery{ID: clip(first(request.Header, r.delivery))}
	if d.ID != "" && !r.taken.take(newDelivery(d.ID, body), now) {
		d.Result, d.Reason = Replayed, "delivery "+d.ID+" was taken before; to run a target now, use `policysync sync`"
		return d, nil
	}
	event := first(request.Header, r.event)
	n, err := r.parse(event, body)
	if err != nil {
		return d, &refusal{http.StatusBadRequest, Malformed, 0, fmt.Sprintf("the payload is not what %s sends: %s", r.name, clip(err.Error()))}
	}
	if n.at.IsZero() || n.at.After(now) {
		n.at = now
	}
	r.wake(&d, n, clip(event))
	return d, nil
}

// admit returns the body of a genuine request, while there aren't too many.
func (r *receiver) admit(w http.ResponseWriter, request *http.Request, now time.Time) ([]byte, error) {
	body, err := r.authentic(w, request, now)
	limit := r.genuine
	if err != nil {
		limit = r.strange
	}
	if wait := limit.Take(now); wait > 0 {
		return nil, &refusal{http.StatusTooManyRequests, RateLimited, wait, "too many requests"}
	}
	return body, err
}

// errUnsignedPing is a ping of Bitbucket Data Center, which anybody could send.
var errUnsignedPing = errors.New("a ping that isn't signed: the secret was not tried")

// authentic returns the body of a request that one of the secrets has signed.
func (r *receiver) authentic(w http.ResponseWriter, request *http.Request, now time.Time) ([]byte, error) {
	if err := readable(request.Header); err != nil {
		return nil, err
	}
	_ = http.NewResponseController(w).SetReadDeadline(now.Add(bodyTimeout)) // where the server can't, it waits
	body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, MaxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, &refusal{http.StatusRequestEntityTooLarge, TooLarge, 0, fmt.Sprintf("the payload is larger than %d bytes", MaxBody)}
	}
	if err != nil {
		return nil, &refusal{http.StatusBadRequest, Malformed, 0, "the payload broke off"}
	}
	if r.name == Bitbucket && unsignedPing(request.Header) {
		return nil, errUnsignedPing
	}
	return body, r.check(signedRequest{request.Header, body, now})
}

// unsignedPing reports whether a request is what Bitbucket Data Center tests a
// connection with, never signed. It can't wake anybody.
func unsignedPing(header http.Header) bool {
	return header.Get("X-Event-Key") == dataCenterPing && header.Get("X-Hub-Signature") == ""
}

// check returns an error unless one of the secrets, each of which is tried, has
// signed the request.
func (r *receiver) check(signed signedRequest) error {
	genuine, unread := false, false
	for _, source := range r.secrets() {
		key, err := source.Read()
		unread = unread || err != nil
		genuine = err == nil && r.signed(signed, key.Reveal()) || genuine
	}
	switch {
	case genuine:
		return nil
	case unread:
		return &refusal{
			http.StatusInternalServerError, BadSignature, 0,
			fmt.Sprintf("a secret can't be read: look at server.webhooks.%s.secret_files", r.name),
		}
	default:
		return &refusal{
			http.StatusUnauthorized, BadSignature, 0,
			fmt.Sprintf("the signature is missing or wrong: set the same secret at the sender as in server.webhooks.%s.secret_files", r.name),
		}
	}
}

// readable refuses what couldn't be read even if it were genuine.
func readable(header http.Header) error {
	if coding := header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		return &refusal{http.StatusUnsupportedMediaType, Malformed, 0, "the payload is compressed: have the sender, or the proxy, leave it as it is"}
	}
	kind, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if header.Get("Content-Type") != "" && (err != nil || kind != "application/json") {
		return &refusal{http.StatusUnsupportedMediaType, Malformed, 0, "the payload is not JSON: choose the content type application/json at the sender"}
	}
	return nil
}

// wake wakes who follows what was pushed to, and says who that is, or why nobody.
func (r *receiver) wake(d *Delivery, n notice, event string) {
	if n.ping {
		d.Result, d.Reason = Accepted, "a ping, which is answered and wakes nobody"
		return
	}
	targets := newFollowers(r.options.Targets()).of(n.locations)
	if len(targets) == 0 {
		d.Result, d.Reason = IgnoredRepo, "no target's source.url is this repository: "+clip(strings.Join(n.locations, ", "))
		return
	}
	d.Result, d.Reason = IgnoredRef, fmt.Sprintf("event %q is no push", event)
	for _, u := range n.updates {
		d.Reason = fmt.Sprintf("no target follows %s", clip(u.ref))
		if u.deleted { // what its policies should become, only a commit can tell
			d.Reason = fmt.Sprintf("%s was deleted, which wakes nobody", clip(u.ref))
			continue
		}
		push := Push{Ref: clip(u.ref), Commit: clip(u.commit), Pusher: clip(n.pusher), At: n.at}
		for _, t := range targets {
			if t.Ref != "" && t.Ref == u.ref && !slices.Contains(d.Woken, t.Name) && !slices.Contains(d.Suspended, t.Name) {
				d.Result, d.Push = Accepted, push
				r.wakeOne(d, t.Name, push)
			}
		}
	}
	switch {
	case len(d.Woken) > 0:
		d.Reason = ""
	case len(d.Suspended) > 0:
		d.Reason = "whoever follows it is suspended"
	}
}

func (r *receiver) wakeOne(d *Delivery, target string, push Push) {
	if r.options.Waker.Wake(target, push) {
		d.Woken = append(d.Woken, target)
	} else {
		d.Suspended = append(d.Suspended, target)
	}
}

// clip returns what logs and answers tell of a text that a sender chose.
func clip(text string) string {
	const longest = 200
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	return text
}
