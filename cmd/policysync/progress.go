package main

import (
	"context"
	"os"
	"sync"

	"golang.org/x/term"

	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/progress"
)

// progress shows what line is told of on stderr until end is called, below
// what else is written there, if that is a terminal.
func (a *app) progress(ctx context.Context) (line event.Sink, end func()) {
	terminal, ok := a.stderr.(*os.File)
	if !ok || !isTerminal(terminal) {
		return event.Sinks{}, func() {}
	}
	shown := progress.New(terminal, func() int { return columns(terminal) })
	a.stderr = shown
	ctx, cancel := context.WithCancel(ctx)
	var drawing sync.WaitGroup
	drawing.Go(func() { shown.Run(ctx) })
	return shown, func() { cancel(); drawing.Wait() }
}

// usualColumns is how wide most terminals have been.
const usualColumns = 80

// columns returns how wide a terminal is, or what most have been.
func columns(terminal *os.File) int {
	width, _, err := term.GetSize(int(terminal.Fd()))
	if err != nil || width == 0 {
		return usualColumns
	}
	return width
}
