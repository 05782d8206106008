// Package progress shows on a terminal how far a run is, in one line that
// overwrites itself:
//
//	37 of 500 changes, 18/s, 26s left
package progress

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/policysync/policysync/internal/event"
)

// every is how often the line is drawn anew.
const every = 100 * time.Millisecond

// What a terminal does when told so (ECMA-48: CR, and EL to the line's end).
const (
	toStart = "\r"
	toClear = "\x1b[K"
)

// Line is an event.Sink that draws the line, and an io.Writer for all else
// that goes to the same terminal. Its methods may be called concurrently.
type Line struct {
	out   io.Writer
	width func() int

	mu    sync.Mutex
	count tally
	shown string
}

// New returns a line for a terminal; width tells how many columns that has.
func New(out io.Writer, width func() int) *Line { return &Line{out: out, width: width} }

// Run draws the line until ctx ends, and then takes it away.
func (l *Line) Run(ctx context.Context) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			l.change(l.end)
			return
		case <-tick.C:
			l.change(func() {})
		}
	}
}

// Emit takes note of an event.
func (l *Line) Emit(e event.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch e := e.(type) {
	case event.PlanMade:
		l.count.begin("changes", len(e.Plan.Changes), time.Now())
	case event.ChangeDone:
		l.count.done++
	case event.Progressed:
		if e.What != l.count.what || e.Total != l.count.total {
			l.count.begin(e.What, e.Total, time.Now())
		}
		l.count.done = e.Done
		if e.Done == e.Total {
			l.end()
		}
	case event.BudgetWaiting:
		l.count.wait(e.Wait, time.Now())
	case event.RunDone:
		l.end()
	default:
	}
}

// Write writes what isn't progress: above the line, if there is one.
func (l *Line) Write(text []byte) (n int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.show("")
	n, err = l.out.Write(text)
	l.draw()
	return n, err
}

// end takes the line away, so that what goes to the terminal not by Write
// begins on a line of its own.
func (l *Line) end() {
	l.count = tally{}
	l.draw()
}

func (l *Line) change(how func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	how()
	l.draw()
}

func (l *Line) draw() { l.show(cut(l.count.text(time.Now()), l.width()-1)) }

// show puts a text in place of the line that is there. Where the terminal is
// gone, nobody misses it.
func (l *Line) show(text string) {
	if text != l.shown {
		_, _ = io.WriteString(l.out, toStart+text+toClear)
		l.shown = text
	}
}

// cut shortens a text to that many characters, so that it never wraps.
func cut(text string, most int) string {
	if runes := []rune(text); len(runes) > max(most, 0) {
		return string(runes[:max(most, 0)])
	}
	return text
}
