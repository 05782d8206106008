package cloudflare

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// retryAfter returns how long an answer's Retry-After header (RFC 9110 10.2.3:
// seconds, or a date) asks to wait; 0 where it asks nothing.
func retryAfter(header http.Header) time.Duration {
	text := header.Get("Retry-After")
	if wait, ok := seconds(text); ok {
		return wait
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(time.Until(at), 0)
	}
	return 0
}

// exhausted returns for how long the account has no requests left, as an
// answer's Ratelimit header tells: "default";r=0;t=30 is 30 s. It is 0 where
// some are left, and where the header tells nothing. (Cloudflare sends the
// header since 2025-09-03, after draft-ietf-httpapi-ratelimit-headers.)
func exhausted(header http.Header) time.Duration {
	var longest time.Duration
	for limit := range strings.SplitSeq(strings.Join(header.Values("Ratelimit"), ","), ",") {
		var none bool
		var reset time.Duration
		for parameter := range strings.SplitSeq(limit, ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
			switch name {
			case "r":
				none = value == "0"
			case "t":
				reset, _ = seconds(value)
			}
		}
		if none {
			longest = max(longest, reset)
		}
	}
	return longest
}

// seconds reads a whole number of seconds; one too large for a time.Duration
// is the longest there is.
func seconds(text string) (time.Duration, bool) {
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, false
	}
	if n > math.MaxInt64/uint64(time.Second) {
		return math.MaxInt64, true
	}
	return time.Duration(n) * time.Second, true
}
