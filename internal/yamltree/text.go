package yamltree

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// badText returns the offset of the first character that a manifest may not
// hold and what is wrong with it, or "".
//
// YAML 1.1 and 1.2 disagree on whether U+0085, U+2028 and U+2029 end a line,
// and editors on a lone carriage return: such characters would move lines and
// could hide text from a reviewer.
func badText(text string) (offset int, problem string) {
	if strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") {
		return 0, "the file is UTF-16: save it as UTF-8"
	}
	for i := 0; i < len(text); {
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(text[i:])
		}
		switch {
		case r == utf8.RuneError && size == 1:
			return i, fmt.Sprintf("byte 0x%02x is not UTF-8: save the file as UTF-8", text[i])
		case r == '\r' && !strings.HasPrefix(text[i+1:], "\n"):
			return i, "carriage return without a line feed: end lines with LF or CRLF"
		case forbidden(r):
			return i, fmt.Sprintf("character %U is not allowed here: remove it", r)
		}
		i += size
	}
	return 0, ""
}

func forbidden(r rune) bool {
	switch r {
	case '\t', '\n', '\r':
		return false
	case '\u2028', '\u2029', '\ufeff', '\ufffe', '\uffff':
		return true
	}
	return unicode.IsControl(r)
}
