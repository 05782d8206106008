package cloudflare

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// How often a request that may be repeated is sent at most, and until when.
// Waits grow from up to 1 s to up to 30 s, each chosen at random between
// nothing and its bound ("full jitter"), unless the server names one.
const (
	maxTries   = 5
	maxElapsed = longestPause
)

// call is a request before it is sent.
type call struct {
	operation Operation
	policyID  string
	method    string
	path      string // below the base URL
	query     url.Values
	body      []byte
	leave     func() error // called before it leaves; nil: nothing is to be done
}

func (q call) writes() bool { return q.method != http.MethodGet }

// do sends a request, again where that is safe and may help, and returns the
// last failure.
func (c *Client) do(ctx context.Context, q call) (answer, error) {
	var last *Error
	got, err := backoff.Retry(ctx, func() (answer, error) {
		var got answer
		if got, last = c.send(ctx, q); last != nil {
			return got, again(q, last)
		}
		return got, nil
	}, backoff.WithMaxTries(maxTries), backoff.WithMaxElapsedTime(maxElapsed), backoff.WithBackOff(&backoff.ExponentialBackOff{
		InitialInterval: 500 * time.Millisecond, RandomizationFactor: 1, Multiplier: 2, MaxInterval: 15 * time.Second,
	}), backoff.WithNotify(func(_ error, wait time.Duration) {
		if last.Status == http.StatusTooManyRequests {
			c.options.Waiting(wait)
			c.options.Waited(wait)
		}
	}))
	if err == nil {
		return got, nil
	}
	if ctx.Err() != nil && last.Err == nil {
		last.Err = ended(ctx)
	} else if ctx.Err() != nil && !errors.Is(last, ctx.Err()) {
		last.Err = fmt.Errorf("%w: %w", last.Err, ended(ctx))
	}
	return answer{}, last
}

// again returns the failure in the form that tells package backoff whether
// and when to try again. A write is repeated only after a 429, by which the
// server says that it did nothing.
func again(q call, e *Error) error {
	refused := e.Status == http.StatusTooManyRequests
	switch {
	case e.Permanent(), e.unsent, q.writes() && !refused, e.RetryAfter > longestPause:
		return backoff.Permanent(e)
	case e.RetryAfter > 0:
		return &backoff.RetryAfterError{Duration: e.RetryAfter}
	default:
		return e
	}
}

// send sends a request once, when the budget allows.
func (c *Client) send(ctx context.Context, q call) (answer, *Error) {
	failed := &Error{Operation: q.operation, PolicyID: q.policyID}
	waited, err := c.options.Budget.Wait(ctx, c.options.Waiting)
	if waited > 0 {
		c.options.Waited(waited)
	}
	if err != nil {
		failed.Err, failed.unsent = err, true
		return answer{}, failed
	}
	defer c.options.Budget.ended()
	credentials, err := c.options.Credentials()
	if err == nil {
		err = credentials.check()
	}
	if err != nil {
		failed.Err, failed.unsent = err, true
		return answer{}, failed
	}
	if q.leave != nil {
		if err := q.leave(); err != nil {
			failed.Err, failed.unsent = err, true
			return answer{}, failed
		}
	}
	start := time.Now()
	got, ok := c.exchange(ctx, q, credentials, failed)
	ended := Request{Operation: q.operation, PolicyID: q.policyID, Status: failed.Status, Ray: failed.Ray, At: start, Took: time.Since(start)}
	if ok {
		failed = nil
	}
	ended.Code = class(failed)
	c.options.Observe(ended)
	return got, failed
}

type rayKey struct{}

// WithRay returns a context with which each request that writes leaves there the
// cf-ray of its answer, empty where there was none. What shares the context must
// send one such request at a time.
func WithRay(ctx context.Context, to *string) context.Context {
	return context.WithValue(ctx, rayKey{}, to)
}

func noteRay(ctx context.Context, q call, ray string) {
	if to, wanted := ctx.Value(rayKey{}).(*string); wanted && q.writes() {
		*to = ray
	}
}

// exchange sends a request and reads its answer. Unless it is a success, it
// fills in the failure and returns false.
func (c *Client) exchange(ctx context.Context, q call, credentials Credentials, failed *Error) (answer, bool) {
	if q.writes() { // once it has left, its end must be seen
		ctx = context.WithoutCancel(ctx)
	}
	noteRay(ctx, q, "")
	tooLate := fmt.Errorf("no whole answer within %s", c.options.Timeout)
	ctx, cancel := context.WithTimeoutCause(ctx, c.options.Timeout, tooLate)
	defer cancel()
	request, err := c.request(ctx, q, credentials)
	if err != nil {
		failed.Err = err
		return answer{}, false
	}
	response, err := c.http.Do(request)
	if err != nil {
		c.options.Budget.lost()
		failed.Err = scrubbed(ctx, err, credentials)
		failed.Ambiguous = q.writes() && !neverLeft(err)
		return answer{}, false
	}
	defer response.Body.Close() //nolint:errcheck // only read from: what matters was reported by Read
	failed.Status = response.StatusCode
	failed.Ray = oneLine(credentials.scrub(response.Header.Get("Cf-Ray")), 64)
	noteRay(ctx, q, failed.Ray)
	failed.RetryAfter = retryAfter(response.Header)
	failed.Ambiguous = q.writes() && (failed.Status < 400 || failed.Status > 499)
	c.heed(response)
	text, err := read(response.Body)
	if err != nil {
		failed.Err = scrubbed(ctx, err, credentials)
		return answer{}, false
	}
	var got answer
	got, failed.Errors, failed.Err = decode(failed.Status, text, credentials.scrub)
	got.ray = failed.Ray
	return got, failed.Err == nil && is2xx(failed.Status)
}

// heed tells the budget what an answer says of how many requests the server
// takes, and when.
func (c *Client) heed(response *http.Response) {
	now := time.Now()
	c.options.Budget.heed(allowances(response.Header, now), now)
	if response.StatusCode == http.StatusTooManyRequests {
		c.options.Budget.pause(retryAfter(response.Header))
	}
}

func (c *Client) request(ctx context.Context, q call, credentials Credentials) (*http.Request, error) {
	address := c.options.BaseURL + q.path
	if q.query != nil {
		address += "?" + q.query.Encode()
	}
	var body io.Reader
	if q.body != nil {
		body = bytes.NewReader(q.body)
	}
	request, err := http.NewRequestWithContext(ctx, q.method, address, body)
	if err != nil {
		return nil, err
	}
	if q.body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", c.options.UserAgent)
	credentials.sign(request.Header)
	return request, nil
}

// scrubbed returns an error of a transport without secrets and the address,
// and with the context's reason where that is why it failed.
func scrubbed(ctx context.Context, err error, credentials Credentials) error {
	if ctx.Err() != nil {
		return ended(ctx)
	}
	if wrapper, ok := errors.AsType[*url.Error](err); ok {
		err = wrapper.Err
	}
	if text := credentials.scrub(err.Error()); text != err.Error() {
		return errors.New(text)
	}
	return err
}

// ended returns why a context that is done ended. It wraps the context's own
// error too, which the cause may not.
func ended(ctx context.Context) error {
	if cause := context.Cause(ctx); !errors.Is(cause, ctx.Err()) {
		return fmt.Errorf("%w: %w", cause, ctx.Err())
	}
	return context.Cause(ctx)
}
