package config

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// shortest is the least time between two runs, and between two full lists:
// robfig/cron counts in whole seconds and turns anything less into one.
const shortest = time.Second

// Schedule says when runs begin: a robfig/cron expression of five fields, a
// descriptor such as @hourly, or @every and a duration of whole seconds; with
// CRON_TZ= and a time zone before it if it shall not go by the local one. Where
// the clock is set forward, a time that is skipped doesn't come that day; where it
// is set back, one comes twice only if it is to come in every hour. Its zero value
// never fires. A Schedule is immutable and safe for concurrent use.
type Schedule struct {
	text string
	cron cron.Schedule
}

// ParseSchedule parses an expression. It refuses, besides what robfig/cron
// refuses, what would panic there, never fire, or fire more often than once a
// second.
func ParseSchedule(text string) (Schedule, error) {
	parsed, err := parseCron(text)
	if err != nil {
		return Schedule{}, fmt.Errorf("schedule is %q: %w", text, err)
	}
	return Schedule{text: text, cron: parsed}, nil
}

// UnmarshalText is ParseSchedule.
func (s *Schedule) UnmarshalText(text []byte) error {
	parsed, err := ParseSchedule(string(text))
	if err != nil {
		return err
	}
	*s = parsed
	return nil
}

// String returns the expression as it was written.
func (s Schedule) String() string { return s.text }

// Next returns the first time after t at which a run begins, in t's location;
// the zero time when there is none.
func (s Schedule) Next(t time.Time) time.Time {
	if s.cron == nil {
		return time.Time{}
	}
	next := s.cron.Next(t)
	for s.came(next) {
		next = s.cron.Next(next)
	}
	return next
}

// everyHour is the bit by which robfig/cron knows that hours are written as *.
const everyHour = 1 << 63

// came reports whether a clock that was set back shows t for the second time
// though the schedule doesn't ask for every hour, as it does for Vixie cron.
func (s Schedule) came(t time.Time) bool {
	spec, ok := s.cron.(*cron.SpecSchedule)
	if !ok || spec.Hour&everyHour != 0 || t.IsZero() {
		return false
	}
	if spec.Location != time.Local { // which stands for t's own
		t = t.In(spec.Location)
	}
	setBack, _ := t.ZoneBounds()
	_, before := setBack.Add(-time.Second).Zone()
	_, now := t.Zone()
	return t.Sub(setBack) < time.Duration(before-now)*time.Second
}

// Next returns when the schedule begins a run after a time, with the target's
// own share of ScheduleJitter: always the same for the same name.
func (t *Target) Next(after time.Time) time.Time {
	next := t.Schedule.Next(after)
	if next.IsZero() {
		return next
	}
	name := sha256.Sum256([]byte(t.Name)) // spreads names that differ by a digit, which simpler sums don't
	share := float64(binary.BigEndian.Uint32(name[:])) / (1 << 32)
	return next.Add(time.Duration(share * float64(t.ScheduleJitter)).Truncate(time.Millisecond))
}

// The errors don't repeat the expression, nor do they wrap robfig/cron's,
// which do: it may have come out of an environment variable.
var (
	errCron = errors.New("want minute 0-59, hour 0-23, day 1-31, month 1-12, weekday 0-6, " +
		"or @hourly, @daily, @every 1m, …")
	errZone  = errors.New("want a known time zone, a space and an expression, as in CRON_TZ=Europe/Berlin 0 6 * * *")
	errEvery = errors.New("want whole seconds, at least 1s, after @every, such as @every 1m")
	errNever = errors.New("this never comes: there is no such day")
)

func parseCron(text string) (parsed cron.Schedule, err error) {
	expression, err := withoutZone(text)
	if err != nil {
		return nil, err
	}
	if every, ok := strings.CutPrefix(expression, "@every "); ok {
		if d, err := time.ParseDuration(every); err != nil || d < shortest || d%time.Second != 0 {
			return nil, errEvery
		}
	}
	defer func() { // the parser indexes into its input without looking
		if recover() != nil {
			parsed, err = nil, errCron
		}
	}()
	if parsed, err = cron.ParseStandard(text); err != nil {
		return nil, errCron
	}
	// The date doesn't matter, only that it is the same for everyone: Next
	// looks five years ahead, and any five years here have a 29 February.
	if parsed.Next(time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, errNever
	}
	return parsed, nil
}

// withoutZone returns the expression behind TZ= or CRON_TZ=, if there is one,
// the way robfig/cron finds it.
func withoutZone(text string) (string, error) {
	if !strings.HasPrefix(text, "TZ=") && !strings.HasPrefix(text, "CRON_TZ=") {
		return text, nil
	}
	head, expression, _ := strings.Cut(text, " ")
	_, zone, _ := strings.Cut(head, "=")
	if _, err := time.LoadLocation(zone); err != nil || expression == "" {
		return "", errZone
	}
	return strings.TrimSpace(expression), nil
}
