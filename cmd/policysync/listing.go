package main

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/policysync/policysync/internal/diff/render"
	"github.com/policysync/policysync/internal/report"
)

// What status and history show to people: text, or with --format markdown
// headings, lists and tables.

func (a *app) markdown() bool { return a.flags.format == markdownFormat }

// foreign returns a text of a manifest or of the account that can't be taken
// for anything else.
func (a *app) foreign(text string) string {
	text = render.Plain(text)
	if a.markdown() {
		return render.Escape(text)
	}
	return text
}

// heading begins what is shown of a target.
func (a *app) heading(target string) {
	if a.markdown() {
		a.say("### policysync: %s\n\n", target)
		return
	}
	a.say("Target %s\n", target)
}

// item writes a line of a list that is that many lists deep.
func (a *app) item(depth int, format string, args ...any) {
	indent := strings.Repeat("  ", depth)
	if a.markdown() {
		indent += "- "
	}
	a.say(indent+format+"\n", args...)
}

// table writes rows, of which the first is the heading; as text in that width,
// for which the columns give way that may be shortened.
func (a *app) table(rows [][]string, width int, may map[int]shorten) {
	if a.markdown() {
		for i, row := range rows {
			a.say("| %s |\n", strings.Join(row, " | "))
			if i == 0 {
				a.say("|%s\n", strings.Repeat("---|", len(row)))
			}
		}
		a.say("\n")
		return
	}
	a.say("%s\n", grid(rows, width, may))
}

// run returns a run in a line, and below it why it failed.
func (a *app) run(r *report.Run) string {
	line := fmt.Sprintf("%s  %s  by %s  commit %s", r.Started.Local().Format(time.DateTime), cmp.Or(r.Result, "not ended"), r.Trigger, short(r.Commit))
	switch {
	case r.Error == "":
		return line
	case a.markdown():
		return line + ": " + render.Escape(r.Error)
	default:
		return line + "\n  " + r.Error
	}
}
