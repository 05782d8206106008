package progress_test

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/progress"
)

// screen is what a terminal shows of all that was written to it: lines, the
// last of them unfinished.
func screen(written string) []string {
	lines := strings.Split(written, "\n")
	for i, line := range lines {
		lines[i] = strings.ReplaceAll(line[strings.LastIndex(line, "\r")+1:], "\x1b[K", "")
	}
	return lines
}

// run starts a line that is columns wide and returns it, what it has written
// and a function that ends it.
func run(t *testing.T, columns int) (line *progress.Line, written *bytes.Buffer, end func()) {
	t.Helper()
	written = &bytes.Buffer{}
	line = progress.New(written, func() int { return columns })
	ctx, cancel := context.WithCancel(t.Context())
	var drawing sync.WaitGroup
	drawing.Go(func() { line.Run(ctx) })
	return line, written, func() { cancel(); drawing.Wait() }
}

func planOf(n int) event.PlanMade {
	return event.PlanMade{Plan: diff.Plan{Changes: make([]diff.Change, n)}}
}

func TestLineIsBelowWhatElseIsWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		line, written, end := run(t, 80)
		defer end()
		wait := func(d time.Duration) { time.Sleep(d); synctest.Wait() }
		wait(time.Second)
		if written.Len() != 0 {
			t.Errorf("before there is a plan: %q", written)
		}
		line.Emit(planOf(4))
		wait(time.Second)
		for _, name := range []string{"a", "b"} {
			line.Emit(event.ChangeDone{})
			if _, err := line.Write([]byte(name + ": created\n")); err != nil {
				t.Fatal(err)
			}
			wait(time.Second)
		}
		if got, want := strings.Join(screen(written.String()), "|"), "a: created|b: created|2 of 4 changes, 40/min, 3s left"; got != want {
			t.Errorf("the terminal shows %q, want %q", got, want)
		}
		line.Emit(event.BudgetWaiting{Wait: 10 * time.Second})
		wait(time.Second)
		if got := screen(written.String())[2]; !strings.HasSuffix(got, "left, waiting 9s for the account's rate limit") {
			t.Errorf("while it waits: %q", got)
		}
		line.Emit(event.RunDone{})
		if got := screen(written.String())[2]; got != "" {
			t.Errorf("after the run: %q", got)
		}
	})
}

func TestLineCountsWhatElseThereIsToWaitFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		line, written, end := run(t, 80)
		defer end()
		for _, step := range []struct {
			event.Progressed
			want string
		}{
			{event.Progressed{What: "lists", Total: 1}, "0 of 1 lists"},
			{event.Progressed{What: "lists", Done: 1, Total: 3}, "1 of 3 lists, 1.0/s, 2s left"},
			{event.Progressed{What: "lists", Done: 2, Total: 3}, "2 of 3 lists, 1.0/s, 1s left"},
			{event.Progressed{What: "files", Done: 0, Total: 20}, "0 of 20 files"},
			{event.Progressed{What: "files", Done: 20, Total: 20}, ""},
		} {
			line.Emit(step.Progressed)
			if step.want != "" { // what is done is gone at once
				time.Sleep(time.Second)
			}
			synctest.Wait()
			if got := screen(written.String())[0]; got != step.want {
				t.Errorf("the terminal shows %q, want %q", got, step.want)
			}
		}
	})
}

func TestLineGoesAwayWithItsContextAndNeverWraps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		line, written, end := run(t, 10)
		line.Emit(planOf(1000))
		time.Sleep(time.Second)
		synctest.Wait()
		if got := screen(written.String())[0]; got != "0 of 1000" {
			t.Errorf("10 columns show %q", got)
		}
		end()
		if got := screen(written.String())[0]; got != "" {
			t.Errorf("after the end: %q", got)
		}
	})
}
