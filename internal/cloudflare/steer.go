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

// allowance is how many more requests the server takes until a time.
type allowance struct {
	left  int
	until time.Time
}

// allowances returns what an answer says that the server still takes, by the
// names of the server's limits. Ratelimit: "default";r=50;t=30 is 50 requests
// in the next 30 s; where it names no time, it is the limit's whole window, as
// Ratelimit-Policy: "default";q=100;w=60 tells. (Cloudflare sends the headers
// since 2025-09-03, after draft-ietf-httpapi-ratelimit-headers.)
func allowances(header http.Header, now time.Time) map[string]allowance {
	all := map[string]allowance{}
	windows := limits(header, "Ratelimit-Policy")
	for name, told := range limits(header, "Ratelimit") {
		left, err := strconv.ParseUint(told["r"], 10, 31)
		reset, timed := seconds(told["t"])
		if _, stated := told["t"]; !stated {
			reset, timed = seconds(windows[name]["w"])
		}
		if err == nil && timed {
			all[name] = allowance{int(left), now.Add(reset)}
		}
	}
	return all
}

// limits reads a header of the form "name";key=value;key=value, "other";….
func limits(header http.Header, name string) map[string]map[string]string {
	all := map[string]map[string]string{}
	for item := range strings.SplitSeq(strings.Join(header.Values(name), ","), ",") {
		limit, rest, _ := strings.Cut(item, ";")
		parameters := map[string]string{}
		for parameter := range strings.SplitSeq(rest, ";") {
			key, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
			parameters[key] = value
		}
		all[strings.TrimSpace(limit)] = parameters
	}
	return all
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
