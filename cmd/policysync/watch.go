package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// watchEvery is how often what is watched is looked at.
const watchEvery = 2 * time.Second

// watch calls show, which writes to stdout, again and again until ctx ends. A
// terminal shows what it wrote last, as far as there is room; elsewhere it is
// written again when it has changed.
func (a *app) watch(ctx context.Context, show func() error) error {
	out := a.stdout
	defer func() { a.stdout = out }()
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for shown := ""; ctx.Err() == nil; {
		var now bytes.Buffer
		a.stdout = &now
		if err := show(); err != nil && ctx.Err() == nil {
			return err
		} else if err == nil && now.String() != shown {
			shown = now.String()
			if err := draw(out, shown); err != nil {
				return err
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	return nil
}

// draw writes a text in place of what a terminal shows.
func draw(out io.Writer, text string) error {
	if terminal, ok := out.(*os.File); ok && isTerminal(out) {
		const toTop, toClear = "\x1b[H", "\x1b[2J"
		_, rows, err := term.GetSize(int(terminal.Fd()))
		if err != nil {
			return err
		}
		text = toTop + toClear + crop(text, rows)
	}
	_, err := io.WriteString(out, text)
	return err
}

// crop returns the lines of a text for which a screen of that many has room.
func crop(text string, rows int) string {
	lines := strings.SplitAfter(text, "\n")
	if room := rows - 2; room > 0 && len(lines) > rows {
		return strings.Join(lines[:room], "") + fmt.Sprintf("… and %d lines more, without --watch\n", len(lines)-room-1)
	}
	return text
}
