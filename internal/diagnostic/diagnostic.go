// Package diagnostic holds findings about places in files, the way a compiler
// reports them: path:line:col: message, all of them at once, in path order.
package diagnostic

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// Severity is how much a finding matters.
type Severity int

// The severities.
const (
	Error   Severity = iota // nothing is done before it is corrected
	Warning                 // most likely a mistake
)

// String returns error or warning.
func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// Diagnostic is one finding about one place.
type Diagnostic struct {
	Path     string // slash-separated, as the user wrote or sees it
	Line     int    // from 1; 0 when the finding is about the whole file
	Col      int    // from 1, in characters; 0 when unknown
	Severity Severity
	Message  string // what is wrong and, where that helps, what to do
	Code     string // of the lint whose page says more; empty for most errors
	Source   string // the offending line as it stands, without its line break; may be empty
}

// String returns path:line:col: message, with "warning: " before a warning's
// message and the code, if any, in brackets behind it.
func (d Diagnostic) String() string {
	text := d.Where() + ": "
	if d.Severity == Warning {
		text += "warning: "
	}
	if text += d.Message; d.Code != "" {
		text += " (" + d.Code + ")"
	}
	return text
}

// Where returns path:line:col; parts that are unknown are left out.
func (d Diagnostic) Where() string {
	var b strings.Builder
	b.WriteString(d.Path)
	if d.Line > 0 {
		fmt.Fprintf(&b, ":%d", d.Line)
		if d.Col > 0 {
			fmt.Fprintf(&b, ":%d", d.Col)
		}
	}
	return b.String()
}

// Excerpt returns String and below it the offending line with a caret under
// the column, as compilers do. Tabs are kept so that the caret stays in place.
func (d Diagnostic) Excerpt() string {
	if d.Source == "" || d.Col < 1 {
		return d.String()
	}
	pad := []rune(d.Source)
	pad = pad[:min(d.Col-1, len(pad))]
	for i, r := range pad {
		if r != '\t' {
			pad[i] = ' '
		}
	}
	return fmt.Sprintf("%s\n    %s\n    %s^", d.String(), d.Source, string(pad))
}

// List is any number of findings. A List with entries is an error.
type List []Diagnostic

// Error returns every finding with its excerpt, one after another.
func (l List) Error() string {
	parts := make([]string, len(l))
	for i, d := range l {
		parts[i] = d.Excerpt()
	}
	return strings.Join(parts, "\n")
}

// Err returns the list sorted as an error, or nil when it is empty.
func (l List) Err() error {
	if len(l) == 0 {
		return nil
	}
	l.Sort()
	return l
}

// Sort orders the findings by path, line, column, code and message.
func (l List) Sort() {
	slices.SortFunc(l, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Col, b.Col), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Message, b.Message))
	})
}

// Of returns the findings of that severity.
func (l List) Of(s Severity) List {
	return slices.DeleteFunc(slices.Clone(l), func(d Diagnostic) bool { return d.Severity != s })
}

// Nearest returns the candidate that word most likely misspells, or "" when
// none is near: about a third of the letters may differ, and their case.
func Nearest(word string, candidates []string) string {
	best, bestDistance := "", len(word)
	for _, c := range candidates {
		d := levenshtein.Distance(strings.ToLower(word), strings.ToLower(c), nil)
		if d < bestDistance && 3*d <= max(len(word), len(c))+1 {
			best, bestDistance = c, d
		}
	}
	return best
}
