package yamltree

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Position is a place in a file.
type Position struct {
	Line int // from 1
	Col  int // from 1, in characters
}

// Shape is what YAML takes a value for.
type Shape uint8

// The shapes. Broken stands for a value that was already reported.
const (
	Broken Shape = iota
	Null
	Bool
	Number
	Date
	Text
	List
	Object
)

// Style is how a scalar is written.
type Style uint8

// The styles. The last two are for who fills variables in.
const (
	Quoted Style = iota // or a block text
	Plain
	Filled // its variables have been put in
	Open   // it holds variables whose values aren't known
)

// Value is one YAML value, aliases and merge keys resolved.
type Value struct {
	Position // where it stands; of an alias, where the alias stands
	Shape    Shape
	Style    Style   // of a scalar
	Flow     bool    // an object or list within braces or brackets
	Text     string  // of a scalar: as written, without quotes and escapes
	Items    []Value // of a List
	Entries  []Entry // of an Object, each Key once: its own first, then those merged in
}

// Entry is one key of an object and its value.
type Entry struct {
	Key   string
	At    Position // of the key
	Value Value
}

// Get returns the value under that key of an object.
func (v Value) Get(key string) (Value, bool) {
	for _, e := range v.Entries {
		if e.Key == key {
			return e.Value, true
		}
	}
	return Value{}, false
}

// String says what the value is, for a sentence: the number 12, a list.
func (v Value) String() string {
	switch v.Shape {
	case Null:
		return "nothing (null)"
	case Bool, Number:
		return map[Shape]string{Bool: "the boolean ", Number: "the number "}[v.Shape] + Short(v.Text)
	case Date:
		return "the date " + Short(v.Text)
	case Text:
		return "the text " + Quote(v.Text)
	case List:
		return "a list"
	case Object:
		return "an object"
	default:
		return fmt.Sprintf("a value of shape %d", v.Shape)
	}
}

// longestQuote is how much of a text a message repeats, in characters.
const longestQuote = 60

// Quote returns a text in quotes for a message, shortened when long.
func Quote(text string) string { return strconv.Quote(Short(text)) }

// Short returns a text for a message, shortened when long.
func Short(text string) string {
	if utf8.RuneCountInString(text) <= longestQuote {
		return text
	}
	return string([]rune(text)[:longestQuote]) + "…"
}
