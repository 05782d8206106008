package yamltree

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/policysync/policysync/internal/diagnostic"
)

// What one file may cost.
const (
	MaxDepth    = 32      // objects and lists within each other
	MaxValues   = 200_000 // per document, after the expansion of aliases
	MaxFindings = 1_000   // per file; one more says that the rest was left unread
	maxSource   = 400     // bytes of an offending line that are worth showing
)

// File is the text of one YAML file and what was found wrong with it. It may
// not be used by several goroutines at once until Documents is through; then
// Diagnostic, Findings and Comments may.
type File struct {
	path    string
	text    string
	lines   []int // offset in text at which each line begins
	found   diagnostic.List
	corrupt bool // the text isn't one that YAML can be read from
	unread  bool // a document wasn't given
}

// New returns the file of that path and content, its encoding checked.
func New(path string, content []byte) *File {
	f := &File{path: path, text: strings.TrimPrefix(string(content), "\ufeff")}
	f.lines = make([]int, 1, 2+strings.Count(f.text, "\n"))
	for i := range len(f.text) {
		if f.text[i] == '\n' {
			f.lines = append(f.lines, i+1)
		}
	}
	if offset, problem := badText(f.text); problem != "" {
		f.corrupt, f.unread = true, true
		f.Report(f.position(offset), "%s", problem)
	}
	return f
}

// Report notes an error.
func (f *File) Report(at Position, format string, args ...any) {
	if !f.Full() {
		f.Add(f.Diagnostic(at, fmt.Sprintf(format, args...)))
	}
}

// Add notes a finding.
func (f *File) Add(d diagnostic.Diagnostic) {
	if !f.Full() {
		f.found = append(f.found, d)
	}
}

// Full reports whether further findings are dropped, so that there is no use
// in looking for them.
func (f *File) Full() bool { return len(f.found) >= MaxFindings }

// Unread reports whether Documents left something out, of which nothing is known
// then but findings.
func (f *File) Unread() bool { return f.unread || f.Full() }

// Findings returns what was reported, in order of position and each once: what
// stands in an anchor is looked at for every alias.
func (f *File) Findings() diagnostic.List {
	found := slices.Clone(f.found)
	found.Sort()
	found = slices.Compact(found)
	if f.Full() {
		at := f.within(Position{Line: len(f.lines) + 1}, len(f.lines))
		found = append(found, f.Diagnostic(at, "too many errors: what follows is not looked at"))
	}
	return found
}

// Diagnostic returns a finding about a place in the file without noting it.
func (f *File) Diagnostic(at Position, message string) diagnostic.Diagnostic {
	d := diagnostic.Diagnostic{Path: f.path, Line: at.Line, Col: at.Col, Message: message}
	if line := f.line(at.Line); len(line) <= maxSource && utf8.ValidString(line) {
		d.Source = line
	}
	return d
}

// Path returns the file's path.
func (f *File) Path() string { return f.path }

// line returns the line of that number without its line break.
func (f *File) line(number int) string {
	if number < 1 || number > len(f.lines) {
		return ""
	}
	line, _, _ := strings.Cut(f.text[f.lines[number-1]:], "\n")
	return strings.TrimSuffix(line, "\r")
}

// position returns the line and column of a byte of the text.
func (f *File) position(offset int) Position {
	line, exact := slices.BinarySearch(f.lines, offset)
	if exact {
		line++
	}
	return Position{line, utf8.RuneCountInString(f.text[f.lines[line-1]:offset]) + 1}
}

// within returns the nearest position up to the line of that number that the
// file has: a finding at the end is one behind the last character.
func (f *File) within(at Position, last int) Position {
	for last > 1 && f.line(last) == "" {
		last--
	}
	if at.Line > last {
		return Position{last, utf8.RuneCountInString(f.line(last)) + 1}
	}
	return Position{at.Line, min(max(at.Col, 1), utf8.RuneCountInString(f.line(at.Line))+1)}
}
