package config_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/policysync/policysync/internal/config"
)

func TestScheduleComesWhenItSays(t *testing.T) {
	t.Parallel()
	monday := time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"@every 1m":                            monday.Add(time.Minute),
		"@every 1s":                            monday.Add(time.Second),
		"@hourly":                              monday.Add(time.Hour),
		"*/5 * * * *":                          monday.Add(5 * time.Minute),
		"0 0 * * SUN":                          time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC),
		"0 0 29 2 *":                           time.Date(2028, 2, 29, 0, 0, 0, 0, time.UTC),
		"CRON_TZ=America/New_York 0 12 * * *":  time.Date(2026, 11, 23, 17, 0, 0, 0, time.UTC),
		"TZ=Asia/Tokyo 0 12 * * *":             time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC),
		"CRON_TZ=America/New_York   @every 2m": monday.Add(2 * time.Minute),
	} {
		s, err := config.ParseSchedule(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := s.Next(monday); !got.Equal(want) {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
		if s.String() != text {
			t.Errorf("%s: is printed as %q", text, s)
		}
	}
}

func TestZeroScheduleNeverFires(t *testing.T) {
	t.Parallel()
	var s config.Schedule
	if next := s.Next(time.Unix(0, 0)); !next.IsZero() {
		t.Errorf("fires at %s", next)
	}
}

func TestRefusedScheduleLeavesTheOldOne(t *testing.T) {
	t.Parallel()
	s := schedule(t, "@hourly")
	if err := s.UnmarshalText([]byte("TZ=0")); err == nil || s.String() != "@hourly" {
		t.Errorf("got schedule %q and error %v", s, err)
	}
}

// The parser below panics on some texts; whatever it lets through must fire.
func TestScheduleIsRefusedOrFires(t *testing.T) {
	t.Parallel()
	words := rapid.SampledFrom([]string{
		"TZ=", "CRON_TZ=", "UTC", "Europe/Berlin", "0", " ", "  ", "@every", "@daily", "1ns", "1s", "-1h", "5m",
		"*", "?", "*/", "/", "-", ",", "1-5", "30", "2", "59", "99", "MON", "FEB", "\t", "=", "é",
	})
	rapid.Check(t, func(t *rapid.T) {
		text := ""
		for _, word := range rapid.SliceOfN(words, 0, 12).Draw(t, "words") {
			text += word
		}
		s, err := config.ParseSchedule(text)
		if err != nil {
			return
		}
		now := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "now"), 0)
		if next := s.Next(now); !next.After(now) || next.Sub(now) < time.Second/2 {
			t.Fatalf("%q after %s comes at %s", text, now, next)
		}
	})
}
