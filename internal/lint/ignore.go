package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/policysync/policysync/internal/diagnostic"
	"github.com/policysync/policysync/internal/manifest"
	"github.com/policysync/policysync/internal/policy"
)

// place is a line of a file and a lint that is silenced there.
type place struct {
	file, code string
	line       int
}

// silence takes out the findings that comments are about, and adds those about
// the comments themselves.
func silence(found diagnostic.List, set manifest.Set, things map[policy.Reference][]policy.Thing) diagnostic.List {
	about := BadIgnores(set)
	silenced := map[place]manifest.Ignore{}
	for _, ignore := range set.Ignores {
		codes, _ := parse(ignore.Text)
		for _, code := range codes {
			silenced[place{ignore.File, code, ignore.About}] = ignore
		}
	}
	used := map[place]bool{}
	found = slices.DeleteFunc(found, func(d diagnostic.Diagnostic) bool {
		at := place{d.Path, d.Code, d.Line}
		_, used[at] = silenced[at]
		return used[at]
	})
	for at, ignore := range silenced {
		if !used[at] && len(set.Unset) == 0 && sees(at.code, things) {
			about = append(about, ignored(ignore, UnusedIgnore, diagnostic.Warning, unused(at)))
		}
	}
	return append(found, about...)
}

// BadIgnores returns what is wrong with the comments of a set that silence
// lints, sorted, without the lines: see manifest.Excerpts. The set may be one of
// manifests with mistakes.
func BadIgnores(set manifest.Set) (found diagnostic.List) {
	for _, ignore := range set.Ignores {
		if _, problem := parse(ignore.Text); problem != "" {
			found = append(found, ignored(ignore, badIgnore, diagnostic.Error, problem))
		}
	}
	found.Sort()
	return found
}

func unused(at place) string {
	if at.line == 0 {
		return "no line follows that the comment could be about: remove it, or put it above one"
	}
	return fmt.Sprintf("%s is not found on line %d: remove the comment, or put it on the line of a finding", at.code, at.line)
}

// sees reports whether every case of a lint could be seen with these lists.
func sees(code string, things map[policy.Reference][]policy.Thing) bool {
	l, _ := named(code)
	_, listed := things[l.Lists]
	return l.Lists == "" || listed
}

func ignored(at manifest.Ignore, code string, severity diagnostic.Severity, message string) diagnostic.Diagnostic {
	return diagnostic.Diagnostic{Path: at.File, Line: at.Line, Col: at.Col, Severity: severity, Code: code, Message: message}
}

// form is how a comment is written, for the end of a message.
const form = ": write # policysync:ignore CODE reason"

// parse returns the codes that a comment silences, or what is wrong with it.
func parse(text string) (codes []string, problem string) {
	for more := true; more; {
		var word string
		word, text, _ = strings.Cut(strings.TrimSpace(text), " ")
		word, more = strings.CutSuffix(word, ",")
		for code := range strings.SplitSeq(word, ",") {
			if problem := checkCode(code); problem != "" {
				return nil, problem
			}
			codes = append(codes, code)
		}
	}
	if strings.TrimSpace(text) == "" {
		return nil, "the reason is missing" + form
	}
	return codes, ""
}

// checkCode returns what is wrong with the code of a lint to silence, or "".
func checkCode(code string) string {
	l, known := named(code)
	switch {
	case code == "":
		return "the code of a lint is missing" + form
	case !known:
		var codes []string
		for _, l := range lints {
			codes = append(codes, l.Code)
		}
		if near := diagnostic.Nearest(code, codes); near != "" {
			return fmt.Sprintf("no lint is %q: did you mean %s?", code, near)
		}
		return fmt.Sprintf("no lint is %q", code) + form
	case l.check == nil:
		return l.Code + " can't be silenced: remove the comment"
	}
	return ""
}
