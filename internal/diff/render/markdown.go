package render

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/policysync/policysync/internal/diff"
)

// Markdown writes the plan for a comment on a merge request: the line that
// counts, a table of the changes, and the fields of each, folded away.
func Markdown(w io.Writer, d Document) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "### policysync: %s\n\n%s\n", Escape(d.Target), Counts(d.Plan))
	table(&b, "Changes", d.Plan.Changes)
	table(&b, "Reported only", d.Plan.Reported)
	if d.Commit != "" {
		fmt.Fprintf(&b, "\nCommit `%s`, plan `%s`.\n", d.Commit, d.Plan.Hash())
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	return nil
}

func table(b *bytes.Buffer, title string, changes []diff.Change) {
	if len(changes) == 0 {
		return
	}
	fmt.Fprintf(b, "\n**%s**\n\n| action | policy | where | direction | why |\n|---|---|---|---|---|\n", title)
	for _, c := range changes {
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", c.Action, Escape(Plain(c.Name)), Escape(place(c)), c.Direction, Escape(c.Reason))
	}
	for _, c := range changes {
		fields(b, c)
	}
}

func fields(b *bytes.Buffer, c diff.Change) {
	if len(c.Fields) == 0 {
		return
	}
	var lines strings.Builder
	for _, f := range c.Fields {
		fmt.Fprintln(&lines, Field(f))
	}
	fence := fenceFor(lines.String())
	fmt.Fprintf(b, "\n<details><summary>%s %s</summary>\n\n%sdiff\n%s%s\n\n</details>\n",
		c.Action, Escape(Plain(c.Name)), fence, lines.String(), fence)
}

// fenceFor returns a code fence that the text can't end: longer than any run
// of backticks in it.
func fenceFor(text string) string {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence
}

// Escape takes from a text of a manifest or the account the power to be
// anything but text in a Markdown table or in HTML.
func Escape(text string) string {
	return strings.NewReplacer(
		"&", "&amp;", "<", "&lt;", ">", "&gt;", "|", `\|`, "`", "\\`", "*", `\*`, "_", `\_`,
		"[", `\[`, "]", `\]`, "\\", `\\`, "@", "&#64;", "#", "&#35;", "\n", " ",
	).Replace(text)
}
