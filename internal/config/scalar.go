package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/policysync/policysync/internal/enum"
)

// Percent is a share in whole percents, 0 to 100.
type Percent int

// UnmarshalText accepts 0% to 100%, with the sign and without a fraction.
func (p *Percent) UnmarshalText(text []byte) error {
	digits, signed := strings.CutSuffix(string(text), "%")
	n, err := strconv.ParseUint(digits, 10, 8)
	if err != nil || !signed || n > 100 {
		return fmt.Errorf("percentage is %q: want a whole number with its sign, 0%% to 100%%", text)
	}
	*p = Percent(n)
	return nil
}

// String returns the share as the file writes it: 50%.
func (p Percent) String() string { return strconv.Itoa(int(p)) + "%" }

// Days is a span of time in whole days.
type Days int

// UnmarshalText accepts 0d to 99999d.
func (d *Days) UnmarshalText(text []byte) error {
	const most = 99999 // about 270 years, near the longest time.Duration
	digits, unit := strings.CutSuffix(string(text), "d")
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil || !unit || n > most {
		return fmt.Errorf("number of days is %q: want a whole number with its unit, such as 400d", text)
	}
	*d = Days(n)
	return nil
}

// Duration returns the days as 24 hours each.
func (d Days) Duration() time.Duration { return time.Duration(d) * 24 * time.Hour }

// Level is the least severe kind of log line that is written.
type Level string

// The levels, each with all that the next one writes.
const (
	LevelDebug Level = "debug"
	LevelInfo  Level = "info"
	LevelWarn  Level = "warn"
	LevelError Level = "error"
)

// UnmarshalText accepts debug, info, warn and error; its error lists them.
func (l *Level) UnmarshalText(text []byte) error {
	return enum.Parse(l, text, "level", LevelDebug, LevelInfo, LevelWarn, LevelError)
}

// Format is the form of log lines.
type Format string

// The formats.
const (
	FormatJSON    Format = "json"    // one object a line, for machines
	FormatConsole Format = "console" // for people
)

// UnmarshalText accepts json and console; its error lists them.
func (f *Format) UnmarshalText(text []byte) error {
	return enum.Parse(f, text, "format", FormatJSON, FormatConsole)
}
