// Package throttle bounds how often others may ask us for something.
package throttle

import (
	"math"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Rate is how many requests are taken: at once, and then each second.
type Rate struct {
	Burst     int     // 1 or more
	PerSecond float64 // more than 0
}

// Bucket counts requests. It is safe for concurrent use.
type Bucket struct{ limiter *rate.Limiter }

// NewBucket returns a bucket that nothing was taken from.
func NewBucket(r Rate) *Bucket { return &Bucket{rate.NewLimiter(rate.Limit(r.PerSecond), r.Burst)} }

// Take counts a request and returns 0, or returns how long until one would be
// taken. It reserves nothing, so that what is refused makes nobody wait.
func (b *Bucket) Take(now time.Time) time.Duration {
	if b.limiter.AllowN(now, 1) {
		return 0
	}
	return max(time.Millisecond, b.Wait(now))
}

// Wait returns how long until a request would be taken; 0: it would be now.
func (b *Bucket) Wait(now time.Time) time.Duration {
	missing := 1 - b.limiter.TokensAt(now)
	return time.Duration(max(0, missing) / float64(b.limiter.Limit()) * float64(time.Second))
}

func (b *Bucket) full(now time.Time) bool {
	return b.limiter.TokensAt(now) >= float64(b.limiter.Burst())
}

// maxClients is how many clients are known at a time. Those who come when there
// are more share a bucket.
const maxClients = 10_000

// Clients are a bucket for each client, by its name. They are safe for
// concurrent use.
type Clients struct {
	rate    Rate
	others  *Bucket
	mu      sync.Mutex
	buckets map[string]*Bucket
}

// NewClients returns buckets that nothing was taken from.
func NewClients(r Rate) *Clients {
	return &Clients{rate: r, others: NewBucket(r), buckets: map[string]*Bucket{}}
}

// Of returns a client's bucket.
func (c *Clients) Of(client string, now time.Time) *Bucket {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b := c.buckets[client]; b != nil {
		return b
	}
	if len(c.buckets) >= maxClients {
		for name, b := range c.buckets { // one that is full tells no more than none
			if b.full(now) {
				delete(c.buckets, name)
			}
		}
	}
	if len(c.buckets) >= maxClients {
		return c.others
	}
	c.buckets[client] = NewBucket(c.rate)
	return c.buckets[client]
}

// RetryAfter returns what the header of that name says of a time to wait: whole
// seconds, enough of them (RFC 9110 section 10.2.3).
func RetryAfter(wait time.Duration) string { return strconv.Itoa(int(math.Ceil(wait.Seconds()))) }
