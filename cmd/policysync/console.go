package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
)

// console is an event.Sink for a person who waits for a command: a line for
// each change and each warning.
type console struct {
	mu   sync.Mutex
	w    io.Writer
	done map[string]map[diff.Action]int // changes made, by target
}

func newConsole(w io.Writer) *console {
	return &console{w: w, done: map[string]map[diff.Action]int{}}
}

// Emit writes the event's line. It may be called from several goroutines.
func (c *console) Emit(e event.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch e := e.(type) {
	case event.Warned:
		c.line("Warning: %s", e.Message)
	case event.BudgetWaiting:
		if e.Wait >= time.Second {
			c.line("waiting %s for the account's rate limit", e.Wait.Round(time.Second))
		}
	case event.ChangeDone:
		c.changed(e)
	default:
	}
}

func (c *console) changed(e event.ChangeDone) {
	switch e.Outcome {
	case event.Applied:
		if c.done[e.Target] == nil {
			c.done[e.Target] = map[diff.Action]int{}
		}
		c.done[e.Target][e.Change.Action]++
		c.line("%s: %s", e.Change.Name, e.Change.Action.Done())
	case event.Refused, event.Unknown:
		c.line("%s: not %s: %s", e.Change.Name, e.Change.Action.Done(), e.Outcome)
	case event.Skipped:
	}
}

func (c *console) line(format string, args ...any) {
	_, _ = fmt.Fprintf(c.w, format+"\n", args...) // a closed terminal: nobody reads any more
}

// applied counts in words the changes made to a target: "3 created".
func (c *console) applied(target string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var parts []string
	for _, action := range diff.Actions() {
		if n := c.done[target][action]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, action.Done()))
		}
	}
	return strings.Join(parts, ", ")
}
