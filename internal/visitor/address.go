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
	if v.Addresses || !strings.Contains(text, "@") {
		return text
	}
	var b strings.Builder
	for rest := text; ; {
		before, after, found := strings.Cut(rest, "@")
		if !found {
			b.WriteString(rest)
			return b.String()
		}
		if local := localPart(before); local != "" && startsDomain(after) {
			before = strings.TrimSuffix(before, local) + hidden
		}
		b.WriteString(before + "@")
		rest = after
	}
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
