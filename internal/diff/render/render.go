// Package render writes a plan for a person or a program to read.
package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/policy"
)

// Document is a plan and where it comes from.
type Document struct {
	Target string
	Commit string // empty for a local folder
	Plan   diff.Plan
}

// Format is a way to write a plan.
type Format string

// The formats.
const (
	TextFormat     Format = "text"
	JSONFormat     Format = "json"
	MarkdownFormat Format = "markdown"
)

// Field returns a difference in a line, behind the mark of what comes (+), goes
// (-) or changes (~).
func Field(f diff.FieldChange) string { return fieldMark(f) + " " + fieldText(f) }

// fieldMark says whether a field comes, goes or changes.
func fieldMark(f diff.FieldChange) string {
	switch {
	case f.Before == nil:
		return "+"
	case f.After == nil:
		return "-"
	default:
		return "~"
	}
}

// Value writes a value on one line: a rule as "kind: body", a string as
// it is where that is plain, all else as JSON.
func Value(value any) string {
	switch v := value.(type) {
	case string:
		return Plain(v)
	case policy.Rule:
		if v.Kind != "" {
			return v.Kind + ": " + bodyText(v.Body)
		}
	}
	return jsonText(value)
}

// bodyText writes a rule's body: its value where it has one field only, else
// field=value.
func bodyText(body any) string {
	object, ok := body.(map[string]any)
	if !ok || len(object) == 0 {
		return jsonText(body)
	}
	parts := make([]string, 0, len(object))
	for _, name := range slices.Sorted(maps.Keys(object)) {
		text := Value(object[name])
		if len(object) > 1 {
			text = name + "=" + text
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " ")
}

// Plain returns a text as it stands unless that could be misread: with
// control characters, blanks at its ends, or nothing in it, it is quoted.
func Plain(text string) string {
	if text == "" || strings.TrimSpace(text) != text || strings.ContainsFunc(text, isControl) {
		return strconv.Quote(text)
	}
	return text
}

// isControl reports whether a character moves the cursor or turns the writing
// direction, and so could make a plan look like another one.
func isControl(r rune) bool { return unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Bidi_Control, r) }

func jsonText(value any) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return fmt.Sprintf("%q", err.Error())
	}
	return escapeControl(strings.TrimSpace(b.String()))
}

// escapeControl writes as \u escapes the control characters that JSON leaves
// as they are.
func escapeControl(text string) string {
	if !strings.ContainsFunc(text, isControl) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if isControl(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// place is where Git declares the change's policy, or "".
func place(c diff.Change) string {
	if c.File == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d", c.File, c.Line)
}

// counted joins counts that aren't zero: "3 to create, 1 to adopt".
func counted[K ~string](names []K, count func(K) int, word func(K) string) string {
	var parts []string
	for _, name := range names {
		if n := count(name); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, word(name)))
		}
	}
	return strings.Join(parts, ", ")
}

// Counts returns the line that ends a plan: what it would do, and how the
// policies stand that it leaves as they are.
func Counts(p diff.Plan) string {
	todo := counted(diff.Actions(), p.Count, func(a diff.Action) string { return "to " + string(a) })
	stand := counted([]diff.State{diff.InSync, diff.Drifted, diff.Orphaned, diff.Conflict, diff.Blocked, diff.Unmanaged},
		func(s diff.State) int { return standing(p, s) },
		func(s diff.State) string { return strings.ReplaceAll(string(s), "_", " ") })
	sentences := "No changes."
	if todo != "" {
		sentences = "Plan: " + todo + "."
	}
	if stand != "" {
		sentences += " " + strings.ToUpper(stand[:1]) + stand[1:] + "."
	}
	return sentences
}

// standing counts the policies that stay in a state because no change of the
// plan concerns them.
func standing(p diff.Plan, s diff.State) int {
	n := p.States[s]
	for _, c := range p.Changes {
		if c.State == s {
			n--
		}
	}
	return n
}

// Write writes the document in that format; colour only matters to text.
func Write(w io.Writer, f Format, d Document, colour bool) error {
	switch f {
	case JSONFormat:
		return JSON(w, d)
	case MarkdownFormat:
		return Markdown(w, d)
	default:
		return Text(w, d, colour)
	}
}
