package progress

import (
	"fmt"
	"strings"
	"time"
)

// tally is how far a run is.
type tally struct {
	what        string // is counted
	total, done int
	began       time.Time
	waits       time.Duration // all waits since, up to until
	until       time.Time     // when the last of them ends
}

func (t *tally) begin(what string, total int, now time.Time) {
	*t = tally{what: what, total: total, began: now, until: t.until}
	t.waits = max(0, t.until.Sub(now))
}

// wait notes a wait from now on; where several overlap, the time counts once.
func (t *tally) wait(length time.Duration, now time.Time) {
	from, until := now, now.Add(length)
	if t.until.After(from) {
		from = t.until
	}
	if until.After(from) {
		t.waits += until.Sub(from)
		t.until = until
	}
}

// text returns the line; empty when there is nothing to say.
func (t *tally) text(now time.Time) string {
	var parts []string
	waiting := max(0, t.until.Sub(now))
	if t.total > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d %s", t.done, t.total, t.what))
		working := now.Sub(t.began) - t.waits + waiting
		if t.done > 0 && working > 0 {
			each := working / time.Duration(t.done)
			left := each*time.Duration(t.total-t.done) + waiting
			parts = append(parts, rate(each), seconds(left)+" left")
		}
	}
	if waiting > 0 {
		parts = append(parts, "waiting "+seconds(waiting)+" for the account's rate limit")
	}
	return strings.Join(parts, ", ")
}

// rate says how many are done in a time when each takes that long.
func rate(each time.Duration) string {
	perSecond := float64(time.Second) / float64(max(each, 1))
	switch {
	case perSecond >= 10:
		return fmt.Sprintf("%.0f/s", perSecond)
	case perSecond >= 1:
		return fmt.Sprintf("%.1f/s", perSecond)
	default:
		return fmt.Sprintf("%.0f/min", 60*perSecond)
	}
}

// seconds writes a time in whole seconds, rounded up: it never says that none
// are left while some are.
func seconds(d time.Duration) string {
	return (d + time.Second - 1).Truncate(time.Second).String()
}
