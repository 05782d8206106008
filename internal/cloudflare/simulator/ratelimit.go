package simulator

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// window is the time in which requests are counted, and for which all are
// refused once there were too many:
// developers.cloudflare.com/fundamentals/api/reference/limits
const window = 5 * time.Minute

// limiter counts requests.
type limiter struct {
	limit        int
	let          []time.Time // when those were let in that still count
	blockedUntil time.Time
}

// allowance is how one request stands to the limit.
type allowance struct {
	limit     int
	remaining int
	reset     time.Duration // until more remain
	blocked   bool
}

// take counts a request and tells whether it is let in.
func (l *limiter) take(now time.Time) allowance {
	for len(l.let) > 0 && !l.let[0].After(now.Add(-window)) {
		l.let = l.let[1:]
	}
	if len(l.let) >= l.limit && !now.Before(l.blockedUntil) {
		l.blockedUntil = now.Add(window)
	}
	if now.Before(l.blockedUntil) {
		return allowance{limit: l.limit, reset: l.blockedUntil.Sub(now), blocked: true}
	}
	l.let = append(l.let, now)
	return allowance{limit: l.limit, remaining: l.limit - len(l.let), reset: l.let[0].Add(window).Sub(now)}
}

// describe writes the headers that Cloudflare sends since 2025-09-03; a
// Retry-After only where the request was refused.
func (a allowance) describe(header http.Header) {
	reset := int((a.reset + time.Second - 1) / time.Second)
	header.Set("Ratelimit", fmt.Sprintf(`"default";r=%d;t=%d`, a.remaining, reset))
	header.Set("Ratelimit-Policy", fmt.Sprintf(`"default";q=%d;w=%d`, a.limit, int(window/time.Second)))
	if a.blocked {
		header.Set("Retry-After", strconv.Itoa(reset))
	}
}
