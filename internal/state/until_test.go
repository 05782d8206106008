package state_test

import (
	"testing"
	"time"

	"github.com/policysync/policysync/internal/state"
)

func TestParseUntil(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"": {}, "90m": now.Add(90 * time.Minute), "2026-11-23T13:00:00+01:00": {}, "2026-11-23T14:00:00+01:00": now.Add(time.Hour),
		"0s": {}, "-1h": {}, "tomorrow": {}, "2026-11-24": {},
	} {
		got, err := state.ParseUntil(text, now)
		if fails := text != "" && want.IsZero(); (err != nil) != fails || !fails && !got.Equal(want) {
			t.Errorf("%q: %s, %v; want %s", text, got, err, want)
		}
	}
}
