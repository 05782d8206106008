package cloudflare

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// window is the time in which Cloudflare counts requests:
	// developers.cloudflare.com/fundamentals/api/reference/limits
	window = 5 * time.Minute

	// longestPause is how long an order of the server to wait is sat out. For a
	// longer one every request fails at once instead, until it is over.
	longestPause = 15 * time.Minute

	// remembered is how many requests a Budget keeps the times of: as many as
	// Cloudflare allows in a window.
	remembered = 1200
)

// errPaused says that the server ordered a pause too long to sit out.
var errPaused = errors.New("the server asked for no requests")

// Budget bounds the requests of all clients that share it: no more than a
// number of them in any 5 minutes, wherever the 5 minutes begin. (A bucket of
// tokens would let twice that many through.) It may be used from several
// goroutines, which are served in the order of their calls.
type Budget struct {
	turn     chan struct{} // full while someone is at the head of the queue
	answered chan struct{} // full when a request has ended of late
	passes   atomic.Int64  // twice the times that somebody at the head waited, plus one while somebody does
	kept     ring

	mu     sync.Mutex
	limit  int                  // requests in a window
	begun  []time.Time          // ring of the last requests, more than limit; zero: none yet
	next   int                  // index of the one to come
	resume time.Time            // nothing may begin before
	under  int                  // requests that have begun and not ended
	server map[string]allowance // what the server said last, by the names of its limits
}

// NewBudget returns a budget of that many requests in 5 minutes, 1 to 1200.
func NewBudget(requests int) *Budget {
	b := &Budget{
		turn: make(chan struct{}, 1), answered: make(chan struct{}, 1),
		begun: make([]time.Time, remembered), server: map[string]allowance{},
	}
	b.Allow(requests)
	return b
}

// Allow changes how many requests there may be in 5 minutes, 1 to 1200. Those
// that were sent already count.
func (b *Budget) Allow(requests int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limit = min(max(requests, 1), remembered)
}

// OpenBudget returns a NewBudget that goes on where the last one with that
// file ended, so that a restart doesn't forget what was used. The file is made
// where there is none; of its folder nothing is. One process may use it at a
// time.
func OpenBudget(file string, requests int) (*Budget, error) {
	b := NewBudget(requests)
	b.kept = ring(file)
	used, err := b.kept.read(time.Now())
	if err != nil {
		return nil, err
	}
	b.next = copy(b.begun, used[max(0, len(used)-remembered):]) % remembered
	return b, b.kept.write(b.begun)
}

// Wait blocks until one more request may begin, and counts it. It returns how
// long it had to wait, and tells waiting how long it is going to take whenever it is
// at the head of the queue and can tell; waiting may be nil. An error means that nothing was counted: it is the context's,
// or says that the server ordered a pause of more than 15 minutes, or that the
// budget's file can't be written.
func (b *Budget) Wait(ctx context.Context, waiting func(time.Duration)) (time.Duration, error) {
	waited := b.stopwatch()
	if ctx.Err() != nil {
		return 0, ended(ctx)
	}
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-ctx.Done():
		return waited(), ended(ctx)
	}
	for {
		wait, err := b.take(time.Now())
		if wait == 0 || err != nil {
			return waited(), err
		}
		if wait != untilAnswered && waiting != nil {
			waiting(wait)
		}
		if err := b.pass(ctx, wait); err != nil {
			return waited(), err
		}
	}
}

// stopwatch returns a function that tells how long ago that was, and nothing as
// long as neither the caller nor anybody before it in the queue had to wait.
func (b *Budget) stopwatch() func() time.Duration {
	start, passes := time.Now(), b.passes.Load()
	return func() time.Duration {
		if passes%2 == 0 && b.passes.Load() == passes {
			return 0
		}
		return time.Since(start)
	}
}

// untilAnswered, in place of a time to wait, is until a request under way has
// ended.
const untilAnswered time.Duration = -1

// pass waits.
func (b *Budget) pass(ctx context.Context, wait time.Duration) error {
	b.passes.Add(1)
	defer b.passes.Add(1)
	if wait != untilAnswered {
		return sleep(ctx, wait)
	}
	select {
	case <-b.answered:
		return nil
	case <-ctx.Done():
		return ended(ctx)
	}
}

// take counts a request that begins now, or returns how long to wait first.
func (b *Budget) take(now time.Time) (time.Duration, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	earliest := b.allowed(now)
	if earliest.Sub(now) > longestPause {
		return 0, fmt.Errorf("%w until %s", errPaused, earliest.UTC().Format(time.RFC3339))
	}
	if last := b.begun[(b.next-b.limit+remembered)%remembered]; !last.IsZero() && last.Add(window).After(earliest) {
		earliest = last.Add(window)
	}
	if earliest.After(now) {
		return earliest.Sub(now), nil
	}
	if b.under > 0 && b.spent() {
		return untilAnswered, nil
	}
	if err := b.kept.set(b.next, now); err != nil {
		return 0, err
	}
	b.begun[b.next] = now
	b.next = (b.next + 1) % remembered
	b.under++
	return 0, nil
}

// Left returns how many requests may begin now, by this budget and by what the
// server said last. It may be called concurrently.
func (b *Budget) Left() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.left(time.Now())
}

func (b *Budget) left(now time.Time) int {
	if b.allowed(now).After(now) {
		return 0
	}
	left := b.limit
	for _, t := range b.begun {
		if t.Add(window).After(now) {
			left--
		}
	}
	left = max(left, 0)
	for _, a := range b.server {
		if a.until.After(now) {
			left = min(left, max(a.left-b.under, 0))
		}
	}
	return left
}

// Allowance is how many requests may begin, as a Budget tells.
type Allowance struct {
	Left  int       // now
	Limit int       // in any 5 minutes
	More  time.Time // when there will be more; zero: nothing is used up
}

// Allowance tells how many requests may begin now and when there will be more,
// as far as that is known. It may be called concurrently.
func (b *Budget) Allowance() Allowance {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	a := Allowance{Left: b.left(now), Limit: b.limit}
	for _, t := range b.begun {
		if back := t.Add(window); back.After(now) && (a.More.IsZero() || back.Before(a.More)) {
			a.More = back
		}
	}
	if from := b.allowed(now); from.After(now) {
		a.More = from
	}
	return a
}

// allowed returns from when on the server may take one more request.
func (b *Budget) allowed(now time.Time) time.Time {
	from := b.resume
	for _, a := range b.server {
		if a.left <= 0 && a.until.After(now) && a.until.After(from) {
			from = a.until
		}
	}
	return from
}

// spent reports whether nothing is left of what the server said, should it have
// counted none of those under way by then. When the time is over of which it said so, it takes at least one more, and perhaps no
// second one: only the answer to that one tells.
func (b *Budget) spent() bool {
	for _, a := range b.server {
		if a.left <= b.under {
			return true
		}
	}
	return false
}

// ended says that a request that Wait let begin has come to its end, or that
// it was not sent after all.
func (b *Budget) ended() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.under--
	select {
	case b.answered <- struct{}{}:
	default: // somebody is told already
	}
}

// heed takes what the answer to a request tells of what the server still takes.
// Of a time that isn't over, the least that any answer told counts: those that
// were told more have been counted by then, and only those under way perhaps
// haven't. An answer that tells nothing may be to one that hasn't either. What was
// said of a time that is over holds until the next answer.
func (b *Budget) heed(told map[string]allowance, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	maps.DeleteFunc(b.server, func(_ string, held allowance) bool { return !held.until.After(now) })
	b.miss(told)
	for name, a := range told {
		held, known := b.server[name]
		if known && held.left <= a.left {
			continue
		}
		if held.until.After(a.until) {
			a.until = held.until
		}
		b.server[name] = a
	}
}

// lost says that a request may have reached the server, and its answer is lost.
func (b *Budget) lost() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.miss(nil)
}

// miss takes one from what is left by those limits of which an answer tells
// nothing.
func (b *Budget) miss(told map[string]allowance) {
	for name, a := range b.server {
		if _, said := told[name]; !said {
			b.server[name] = allowance{a.left - 1, a.until}
		}
	}
}

// pause lets nothing begin for that long from now.
func (b *Budget) pause(length time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if until := time.Now().Add(length); until.After(b.resume) {
		b.resume = until
	}
}

func sleep(ctx context.Context, length time.Duration) error {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ended(ctx)
	}
}
