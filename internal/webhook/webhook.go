package webhook

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/policysync/policysync/internal/secret"
)

// Provider is a kind of Git host, and the last part of its route.
type Provider string

// The providers.
const (
	GitHub    Provider = "github"
	GitLab    Provider = "gitlab"
	Gitea     Provider = "gitea" // Forgejo too
	Gogs      Provider = "gogs"
	Bitbucket Provider = "bitbucket" // Cloud and Data Center
	Generic   Provider = "generic"   // GitHub's payload, signed in X-Signature-256
)

// Providers returns all providers, sorted.
func Providers() []Provider { return slices.Sorted(maps.Keys(hosts())) }

// Result is what became of a request.
type Result string

// The results.
const (
	Accepted     Result = "accepted"      // targets were woken, or would have been were they not suspended; or it was a ping
	BadSignature Result = "bad_signature" // no secret of the receiver has signed it
	IgnoredRepo  Result = "ignored_repo"  // no target has that repository
	IgnoredRef   Result = "ignored_ref"   // no target follows what was pushed to, or nothing was
	Malformed    Result = "malformed"     // it isn't what the provider sends
	TooLarge     Result = "too_large"     // the body is larger than MaxBody
	RateLimited  Result = "rate_limited"  // there were too many
	Replayed     Result = "replayed"      // this very delivery was taken before
)

// Results returns all results.
func Results() []Result {
	return []Result{Accepted, BadSignature, IgnoredRepo, IgnoredRef, Malformed, TooLarge, RateLimited, Replayed}
}

// MaxBody is the size of the largest payload taken, in bytes.
const MaxBody = 1 << 20

// Target is who may be woken.
type Target struct {
	Name string
	URL  string // of its repository: with any scheme, scp-like, or a path
	Ref  string // the whole name of what it follows, such as refs/heads/main; empty: nothing that could move
}

// Push is what a delivery says of a push, for logs and measuring alone.
type Push struct {
	Ref    string // the whole name
	Commit string
	Pusher string
	At     time.Time // when it was pushed, as far as the payload tells, else when it was received
}

// Waker wakes targets. It is used concurrently and must not block for long.
type Waker interface {
	// Wake makes a target look at its source now. It reports whether it will:
	// a suspended one won't.
	Wake(target string, push Push) bool
}

// Delivery is a request that was answered. What stands in it comes from the
// sender; where the signature is bad, only Provider, Result and Reason do not
// stand empty.
type Delivery struct {
	Provider  Provider
	Result    Result
	Reason    string // why no target was woken; empty where one was
	ID        string // what the provider calls the delivery, if anything
	Push      Push   // zero unless a target matches
	Woken     []string
	Suspended []string // would have been woken
}

// Options say who is received and who is woken. All are required. Secrets and
// Targets are asked at each request, as they may change; what the secrets are is
// read then, too.
type Options struct {
	Secrets func() map[Provider][]secret.Source // a provider without any has no route
	Targets func() []Target
	Waker   Waker
	Observe func(Delivery) // told of each request; called concurrently
}

// Handler returns the handler of POST /webhooks/{provider} for each provider
// that has a secret. Any one of a provider's secrets may sign.
func Handler(o Options) http.Handler {
	mux := http.NewServeMux()
	for name, host := range hosts() {
		mux.Handle("/webhooks/"+string(name), newReceiver(name, host, o))
	}
	return mux
}
