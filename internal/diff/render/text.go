package render

import (
	"bufio"
	"fmt"
	"io"

	"github.com/fatih/color"

	"github.com/policysync/policysync/internal/diff"
)

// Text writes the plan for a terminal: a line for each change and below it
// the fields that come (+), go (-) or change (~), then what is only reported,
// then a line that counts. With colour, it uses ANSI escapes.
func Text(w io.Writer, d Document, colour bool) error {
	t := textWriter{bufio.NewWriter(w), newPalette(colour)}
	for _, c := range d.Plan.Changes {
		t.change(c, c.Action.Mark(), t.palette[c.Action.Mark()])
	}
	if len(d.Plan.Reported) > 0 {
		t.line("Reported only; nothing is done about these:\n\n")
		for _, c := range d.Plan.Reported {
			t.change(c, "!", t.palette["!"])
		}
	}
	t.line("%s\n", t.palette["#"](Counts(d.Plan)))
	if err := t.w.Flush(); err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	return nil
}

// paint puts a text in a colour.
type paint func(a ...any) string

// newPalette returns the paint of each mark; "#" is that of the last line.
func newPalette(colour bool) map[string]paint {
	palette := map[string]paint{}
	for mark, attribute := range map[string]color.Attribute{
		"+": color.FgGreen, "~": color.FgYellow, "-": color.FgRed, "=": color.FgCyan,
		"x": color.FgMagenta, "!": color.FgYellow, "#": color.Bold,
	} {
		c := color.New(attribute)
		c.DisableColor()
		if colour {
			c.EnableColor()
		}
		palette[mark] = c.SprintFunc()
	}
	return palette
}

type textWriter struct {
	w       *bufio.Writer
	palette map[string]paint
}

// line writes to the buffer; its error comes again from Flush.
func (t textWriter) line(format string, args ...any) {
	_, _ = fmt.Fprintf(t.w, format, args...)
}

func (t textWriter) change(c diff.Change, mark string, p paint) {
	t.line("%s %s", p("  "+mark+" "+string(c.Action)), Plain(c.Name))
	if c.ID != "" {
		t.line(" (%s)", Plain(c.ID))
	}
	if at := place(c); at != "" {
		t.line("  %s", at)
	}
	t.line("\n      # %s; %s\n", c.Reason, c.Direction)
	for _, f := range c.Fields {
		sign := fieldMark(f)
		t.line("      %s %s\n", t.palette[sign](sign), fieldText(f))
	}
	t.line("\n")
}

func fieldText(f diff.FieldChange) string {
	switch {
	case f.Before == nil:
		return f.Path + " = " + Value(f.After)
	case f.After == nil:
		return f.Path + " = " + Value(f.Before)
	default:
		return f.Path + " = " + Value(f.Before) + " -> " + Value(f.After)
	}
}
