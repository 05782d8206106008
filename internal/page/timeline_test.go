package page_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/state"
	"github.com/policysync/policysync/internal/visitor"
)

func TestTimelineTellsWhatHappenedTheNewestFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sync := diff.Plan{States: map[diff.State]int{diff.InSync: 7}}
	ago := func(d time.Duration, what state.Occasion, by, text string) state.Note {
		return state.Note{Target: "production", At: noon.Add(-d), What: what, By: by, Text: text}
	}
	notes := []state.Note{
		ago(26*time.Hour, state.WasStarted, "", ""), ago(20*time.Hour, state.WasSuspended, "ann@example.com", "incident 7"),
		ago(2*time.Hour, state.HasExpired, "", ""), ago(110*time.Minute, state.WasResumed, "ann@example.com", ""),
		ago(100*time.Minute, state.WasAsked, "bob@example.com", ""), ago(90*time.Minute, state.ConfigRefused, "", "line 3: unknown key"),
		ago(80*time.Minute, state.WasChanged, "", ""),
		{Target: "stage", At: noon, What: state.WasStarted},
	}
	if err := w.Note(t.Context(), notes); err != nil {
		t.Fatal(err)
	}
	w.ran(t, "run-1", noon.Add(-25*time.Hour), sync, event.Success, nil)
	for i := range 7 {
		key := fmt.Sprint("p", i)
		intent := state.Intent{Target: "production", Key: key, Action: "create", Run: "run-1", At: noon}
		if err := errors.Join(w.Intend(t.Context(), intent), w.Abandon(t.Context(), state.Change{
			Run: "run-1", Target: "production", Action: "create", Key: key, Name: "Policy " + key, Result: "failed", At: noon,
		})); err != nil {
			t.Fatal(err)
		}
	}
	w.ran(t, "run-2", noon.Add(-time.Hour), diff.Plan{}, event.Failed, errors.New("fetch: it is gone"))
	got := words(t, w.get("/targets/production/runs").Body.String())
	from := 0
	for _, want := range []string{
		"1 to 9 of the latest 9",
		"2026-11-23", "10:59:58 failed by webhook, commit c0ffee5eed5c fetch: it is gone",
		"10:40:00 config the target's settings have changed", "10:30:00 config refused line 3: unknown key", "10:20:00 told to run by bob@example.com", "10:10:00 resumed by ann@example.com",
		"10:00:00 resumed the suspension's time was over",
		"2026-11-22", "16:00:00 suspended by ann@example.com incident 7", "10:59:58 success by webhook", "create Policy p0 failed create Policy p1", "and 2 more",
		"10:00:00 policysync started",
	} {
		at := strings.Index(got[from:], want)
		if at < 0 {
			t.Fatalf("after %q there is no %q in %q", got[:from], want, got[from:])
		}
		from += at
	}
	inspect(t, w.get("/targets/production/runs").Body.String())
	discreet := words(t, w.getAs(visitor.Visitor{}, "/targets/production/runs").Body.String())
	if strings.Contains(got, `""`) {
		t.Errorf("nothing is shown as a text: %q", got)
	}
	if strings.Contains(discreet, "ann@example.com") {
		t.Error("who suspended is shown to somebody who may not see addresses")
	}
}

func TestQuietRunsAreOneEntryOfADay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sync, off := diff.Plan{States: map[diff.State]int{diff.InSync: 1}}, diff.Plan{States: map[diff.State]int{diff.Drifted: 2}}
	for i, plan := range []diff.Plan{sync, sync, sync, off, sync, sync} {
		w.ran(t, fmt.Sprint("run-", i), noon.Add(time.Duration(i-12)*2*time.Hour), plan, event.Noop, nil)
	}
	text := w.get("/targets/production/runs").Body.String()
	inspect(t, text)
	want := "2026-11-22 21:59:58 no changes by webhook, commit c0ffee5eed5c 1 more like it, since 19:59:58 19:59:58 by webhook" +
		" 17:59:58 no changes by webhook, commit c0ffee5eed5c 2 not as Git says" +
		" 15:59:58 no changes by webhook, commit c0ffee5eed5c 2 more like it, since 11:59:58 13:59:58 by webhook 11:59:58 by webhook"
	if got := words(t, text); !strings.Contains(got, want) {
		t.Errorf("the page says %q, want %q", got, want)
	}
	if !strings.Contains(text, `<details id="before-run-0">`) {
		t.Error("what somebody opens can't be known again when a run is added")
	}
}

func TestAStripSaysHowTheLastRunsEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sync := diff.Plan{States: map[diff.State]int{diff.InSync: 1}}
	off := diff.Plan{States: map[diff.State]int{diff.Drifted: 1}}
	for i := range 39 {
		w.ran(t, fmt.Sprintf("run-%02d", i), noon.Add(time.Duration(i-60)*time.Minute), sync, event.Noop, nil)
	}
	w.ran(t, "run-39", noon.Add(-3*time.Minute), off, event.Noop, nil)
	w.ran(t, "run-40", noon.Add(-2*time.Minute), diff.Plan{}, event.Failed, errors.New("gone"))
	text := w.get("/").Body.String()
	if want := `aria-label="the last 40 that are recorded: 38 well, 1 partly or not at an end, 1 failed"`; !strings.Contains(text, want) {
		t.Errorf("there is no %s in %s", want, text)
	}
	if n := strings.Count(text, "<rect "); n != 40 || !strings.Contains(text, `<rect class="bad" x="312" y="0" width="6" height="24"/></svg>`) {
		t.Errorf("%d bars in %s", n, text)
	}
}
