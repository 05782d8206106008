package yamltree

import (
	"iter"
	"strings"
)

// split cuts a text where documents begin and gives each piece with the number
// of its first line. In YAML a line that starts with "---" begins a document
// wherever it stands, also within quotes and block texts (YAML 1.2.2, 9.1.2),
// so that a piece's mistakes don't spoil those after it. Comments and
// directives before the first "---" stay with the document they precede.
func split(text string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		first, begin, begun := 1, 0, false
		for number, offset := 1, 0; offset < len(text); number++ {
			line, _, _ := strings.Cut(text[offset:], "\n")
			marker := isMarker(line)
			if marker && begun {
				if !yield(first, text[begin:offset]) {
					return
				}
				first, begin = number, offset
			}
			begun = begun || marker || hasContent(line)
			offset += len(line) + 1
		}
		if begun {
			yield(first, text[begin:])
		}
	}
}

func isMarker(line string) bool {
	rest, found := strings.CutPrefix(line, "---")
	return found && (rest == "" || strings.ContainsRune(" \t\r", rune(rest[0])))
}

// hasContent reports whether a line before the first document belongs to it:
// it is neither blank, nor a comment, nor a directive.
func hasContent(line string) bool {
	line = strings.TrimRight(line, " \t\r")
	if strings.HasPrefix(line, "%") {
		return false
	}
	line = strings.TrimLeft(line, " \t")
	return line != "" && line[0] != '#'
}
