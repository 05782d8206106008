package state

import (
	"fmt"
	"time"
)

// ParseUntil returns when a suspension is to end that begins now and lasts as
// an operator says: until a time of RFC 3339, or for so long, such as 48h; the
// zero time, which is for ever, for an empty text. An error says what was
// wanted, or that it is over already.
func ParseUntil(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if d, isDuration := time.ParseDuration(text); isDuration == nil {
		at, err = now.Add(d), nil
	}
	if err != nil {
		return at, fmt.Errorf("until is %q: want a time such as %s, or how long, such as 90m or 48h", text, now.Add(time.Hour).Format(time.RFC3339))
	}
	if !at.After(now) {
		return at, fmt.Errorf("until is %q, which is over", text)
	}
	return at, nil
}
