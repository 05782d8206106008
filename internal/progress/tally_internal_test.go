package progress

import (
	"testing"
	"time"
)

func TestText(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		do    func(*tally)
		after time.Duration
		want  string
	}{
		"nothing to do":    {func(t *tally) { t.begin("changes", 0, start) }, time.Second, ""},
		"nothing done":     {func(t *tally) { t.begin("changes", 500, start) }, time.Second, "0 of 500 changes"},
		"fast":             {func(t *tally) { t.begin("changes", 500, start); t.done = 36 }, 2 * time.Second, "36 of 500 changes, 18/s, 26s left"},
		"slow":             {func(t *tally) { t.begin("changes", 10, start); t.done = 5 }, 4 * time.Second, "5 of 10 changes, 1.2/s, 4s left"},
		"very slow":        {func(t *tally) { t.begin("changes", 10, start); t.done = 1 }, time.Minute, "1 of 10 changes, 1/min, 9m0s left"},
		"all done":         {func(t *tally) { t.begin("changes", 2, start); t.done = 2 }, time.Second, "2 of 2 changes, 2.0/s, 0s left"},
		"done in no time":  {func(t *tally) { t.begin("changes", 2, start); t.done = 1 }, 0, "1 of 2 changes"},
		"waits before it":  {func(t *tally) { t.wait(90*time.Second, start) }, time.Second, "waiting 1m29s for the account's rate limit"},
		"waited before it": {func(t *tally) { t.wait(90*time.Second, start) }, 2 * time.Minute, ""},
		"a wait is not work": {func(t *tally) {
			t.begin("changes", 20, start)
			t.done = 10
			t.wait(5*time.Minute, start.Add(time.Second))
		}, 5*time.Minute + 2*time.Second, "10 of 20 changes, 5.0/s, 2s left"},
		"while it waits": {
			func(t *tally) {
				t.begin("changes", 20, start)
				t.done = 10
				t.wait(5*time.Minute, start.Add(time.Second))
			},
			61 * time.Second, "10 of 20 changes, 10/s, 4m1s left, waiting 4m0s for the account's rate limit",
		},
		"several wait at once": {
			func(t *tally) {
				t.begin("changes", 20, start)
				t.done = 10
				t.wait(10*time.Second, start.Add(time.Second))
				t.wait(4*time.Second, start.Add(2*time.Second))
				t.wait(10*time.Second, start.Add(3*time.Second))
			}, 15 * time.Second, "10 of 20 changes, 3.3/s, 3s left",
		},
		"a wait that began before it": {
			func(t *tally) {
				t.wait(10*time.Second, start.Add(-5*time.Second))
				t.begin("changes", 4, start)
				t.done = 2
			},
			6 * time.Second, "2 of 4 changes, 2.0/s, 1s left",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var count tally
			tc.do(&count)
			if got := count.text(start.Add(tc.after)); got != tc.want {
				t.Errorf("text is %q, want %q", got, tc.want)
			}
		})
	}
}
