package visitor

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// hidden stands in place of what comes before the @ of an address.
const hidden = "***"

// Text returns a text as the visitor may see it: whole if they may see
// addresses; else every e-mail address in it, and what looks like one, is
// without what comes before its @. In doubt more is hidden than need be.
func (v Visitor) Text(text string) string {
	if v.Addresses {
		return text
	}
	var b strings.Builder
	for rest := text; ; {
		before, at, after := cut(rest)
		if at == "" {
			return b.String() + rest
		}
		if local := localPart(before); local != "" && startsDomain(after) {
			before = strings.TrimSuffix(before, local) + hidden
		}
		b.WriteString(before + at)
		rest = after
	}
}

// cut returns what is before and after the first @, also as links have it.
func cut(text string) (before, at, after string) {
	for i := range text {
		for _, at := range []string{"@", "%40"} {
			if strings.HasPrefix(text[i:], at) {
				return text[:i], at, text[i+len(at):]
			}
		}
	}
	return text, "", ""
}

// localPart returns the end of a text that may be what comes before the @ of an
// address, quoted or not (RFC 5321 4.1.2).
func localPart(text string) string {
	if quoted, is := strings.CutSuffix(text, `"`); is {
		return text[max(strings.LastIndex(quoted, `"`), 0):]
	}
	return text[len(strings.TrimRightFunc(text, isLocal)):]
}

// isLocal reports whether a character may be part of what comes before an @, as
// it stands in texts.
func isLocal(r rune) bool {
	return !unicode.IsSpace(r) && !unicode.IsControl(r) && !strings.ContainsRune("\"<>()[]{},;:`", r)
}

func startsDomain(text string) bool {
	r, _ := utf8.DecodeRuneInString(text)
	return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '['
}
