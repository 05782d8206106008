package yamltree

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Comment is a comment that begins with a certain word.
type Comment struct {
	Position        // of the "#"
	Text     string // what follows the word, without blanks around it
	About    int    // the line with content that it is about: its own, else the next; 0: none follows
}

// Comments returns the comments that begin with a word, which has no blanks, in
// order. One in a line that is itself commented out is none. The file's YAML
// must be correct.
func (f *File) Comments(word string) []Comment {
	if !strings.Contains(f.text, word) {
		return nil
	}
	var found []Comment
	for number := 1; number <= len(f.lines); number++ {
		if c, ok := f.comment(number, word); ok {
			found = append(found, c)
		}
	}
	return f.outsideValues(found, word)
}

// comment returns what looks like such a comment on a line.
func (f *File) comment(number int, word string) (Comment, bool) {
	line := f.line(number)
	for at, r := range line {
		before := line[:at]
		if r != '#' || before != "" && !strings.ContainsAny(before[at-1:], " \t") {
			continue
		}
		text, found := strings.CutPrefix(strings.TrimLeft(line[at+1:], " \t"), word)
		ends := text == "" || strings.ContainsAny(text[:1], " \t")
		switch before = strings.TrimSpace(before); {
		case found && ends:
			c := Comment{Position{number, utf8.RuneCountInString(line[:at]) + 1}, strings.TrimSpace(text), number}
			if before == "" {
				c.About = f.nextContent(number + 1)
			}
			return c, true
		case before == "":
			return Comment{}, false
		}
	}
	return Comment{}, false
}

// nextContent returns the first line from that number on that is more than a
// comment, or 0.
func (f *File) nextContent(number int) int {
	for ; number <= len(f.lines); number++ {
		if line := strings.TrimSpace(f.line(number)); line != "" && line[0] != '#' {
			return number
		}
	}
	return 0
}

// outsideValues returns those of the comments that are comments indeed: what
// looks like one in quotes or in a block text is part of a value. Rather than
// to know all of YAML's rules, put other words in their places, read the file
// once more, and see which of them turn up in its values.
func (f *File) outsideValues(all []Comment, word string) []Comment {
	marker := word
	for strings.Contains(f.text, marker) {
		marker += "_"
	}
	mark := func(i int) string { return fmt.Sprintf("%s%d.", marker, i) }
	var text strings.Builder
	done := 0
	for i, c := range all {
		at := f.lines[c.Line-1] + f.byteAt(c.Position)
		at += strings.Index(f.text[at:], word)
		text.WriteString(f.text[done:at] + mark(i))
		done = at + len(word)
	}
	text.WriteString(f.text[done:])
	var values []string
	for root := range New(f.path, []byte(text.String())).Documents() {
		values = root.appendTexts(values, marker)
	}
	inValue := strings.Join(values, "\n")
	var comments []Comment
	for i, c := range all {
		if !strings.Contains(inValue, mark(i)) {
			comments = append(comments, c)
		}
	}
	return slices.Clip(comments)
}

// appendTexts appends the keys and scalars in v that hold a word.
func (v Value) appendTexts(texts []string, word string) []string {
	if strings.Contains(v.Text, word) {
		texts = append(texts, v.Text)
	}
	for _, item := range v.Items {
		texts = item.appendTexts(texts, word)
	}
	for _, e := range v.Entries {
		if strings.Contains(e.Key, word) {
			texts = append(texts, e.Key)
		}
		texts = e.Value.appendTexts(texts, word)
	}
	return texts
}
