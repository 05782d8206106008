package config_test

import (
	"fmt"
	"strings"
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

// TestClocksThatAreSetLeaveOutOrRepeatNothingButEveryHour follows schedules over
// both days on which clocks are set, in zones named by the schedule and by the machine.
func TestClocksThatAreSetLeaveOutOrRepeatNothingButEveryHour(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ zone, expression, after, want string }{
		// 2026-03-29 has no 2:00 to 2:59 in Berlin, 2026-10-25 has it twice.
		{"Europe/Berlin", "30 2 * * *", "03-28 12:00", "03-30 02:30+2 03-31 02:30+2"},
		{"Europe/Berlin", "0 3 * * *", "03-28 12:00", "03-29 03:00+2 03-30 03:00+2"},
		{"Europe/Berlin", "30 * * * *", "03-29 00:45", "03-29 01:30+1 03-29 03:30+2"},
		{"Europe/Berlin", "30 2 * * *", "10-24 12:00", "10-25 02:30+2 10-26 02:30+1"},
		{"Europe/Berlin", "0 2 * * *", "10-24 12:00", "10-25 02:00+2 10-26 02:00+1"},
		{"Europe/Berlin", "0,59 2,3 * * *", "10-24 12:00", "10-25 02:00+2 10-25 02:59+2 10-25 03:00+1 10-25 03:59+1"},
		{"Europe/Berlin", "@daily", "10-24 12:00", "10-25 00:00+2 10-26 00:00+1"},
		{"Europe/Berlin", "30 * * * *", "10-25 01:45", "10-25 02:30+2 10-25 02:30+1 10-25 03:30+1"},
		{"Europe/Berlin", "*/30 * * * *", "10-25 01:45", "10-25 02:00+2 10-25 02:30+2 10-25 02:00+1 10-25 02:30+1 10-25 03:00+1"},
		{"America/New_York", "30 1 * * *", "10-31 12:00", "11-01 01:30-4 11-02 01:30-5"},
		// Half an hour, and at midnight.
		{"Australia/Lord_Howe", "45 1 * * *", "04-04 12:00", "04-05 01:45+11 04-06 01:45+10.5"},
		{"America/Havana", "30 0 * * *", "03-07 12:00", "03-09 00:30-4 03-10 00:30-4"},
		{"America/Havana", "30 0 * * *", "10-31 12:00", "11-01 00:30-4 11-02 00:30-5"},
		{"UTC", "30 2 * * *", "10-24 12:00", "10-25 02:30+0 10-26 02:30+0"},
	} {
		zone, err := time.LoadLocation(tc.zone)
		if err != nil {
			t.Fatal(err)
		}
		after, err := time.ParseInLocation("2006-01-02 15:04", "2026-"+tc.after, zone)
		if err != nil {
			t.Fatal(err)
		}
		for text, from := range map[string]time.Time{tc.expression: after, "CRON_TZ=" + tc.zone + " " + tc.expression: after.UTC()} {
			s := schedule(t, text)
			var got []string
			for range strings.Count(tc.want, ":") {
				from = s.Next(from)
				_, offset := from.In(zone).Zone()
				got = append(got, fmt.Sprintf("%s%+g", from.In(zone).Format("01-02 15:04"), float64(offset)/3600))
			}
			if got := strings.Join(got, " "); got != tc.want {
				t.Errorf("%s in %s after %s: got %s, want %s", text, tc.zone, tc.after, got, tc.want)
			}
		}
	}
}

func TestJitterSpreadsTargetsAndLeavesEachItsShare(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	tenths := map[int]int{}
	for i := range 200 {
		target := config.Target{Name: fmt.Sprintf("team-%d", i), Schedule: schedule(t, "@hourly"), ScheduleJitter: 10 * time.Minute}
		late := target.Next(noon).Sub(noon.Add(time.Hour))
		if again := target.Next(noon.Add(late)).Sub(noon.Add(time.Hour)); again != late || late < 0 || late >= 10*time.Minute {
			t.Errorf("%s is %s late, and then %s", target.Name, late, again)
		}
		tenths[int(late/time.Minute)]++
	}
	for i := range 10 {
		if tenths[i] < 5 || tenths[i] > 45 {
			t.Errorf("%d of 200 targets run in minute %d of 10", tenths[i], i)
		}
	}
	steady := config.Target{Name: "a", Schedule: schedule(t, "@hourly")}
	if next := steady.Next(noon); !next.Equal(noon.Add(time.Hour)) {
		t.Errorf("without jitter it comes at %s", next)
	}
	if next := (&config.Target{Name: "a", ScheduleJitter: time.Hour}).Next(noon); !next.IsZero() {
		t.Errorf("what never comes comes at %s", next)
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
