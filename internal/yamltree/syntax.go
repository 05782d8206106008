package yamltree

import (
	"reflect"
	"strings"

	"gopkg.in/yaml.v3"
)

// reportSyntax reports what the YAML parser couldn't read in the lines from
// first to last, where it stands.
func (f *File) reportSyntax(decoder *yaml.Decoder, first, last int, err error) {
	_, problem, _ := strings.Cut(err.Error(), "yaml: ")
	if rest, found := strings.CutPrefix(problem, "line "); found {
		_, problem, _ = strings.Cut(rest, ": ")
	}
	from := "problem_mark"
	message, known := syntaxMessages[problem]
	switch anchor, isAnchor := strings.CutPrefix(problem, "unknown anchor "); {
	case isAnchor:
		from = "event"
		message.text = "no anchor " + Quote(strings.Trim(strings.TrimSuffix(anchor, " referenced"), "'")) + " above in this document"
	case !known:
		message.text = "YAML syntax: " + problem
	case message.atContext:
		from = "context_mark"
	}
	marked := func(name string) Position {
		at := mark(decoder, name)
		at.Line = max(at.Line, 1) + first - 1
		return f.within(at, last)
	}
	at := marked(from)
	if problem := marked("problem_mark"); strings.HasSuffix(f.line(problem.Line)[:f.byteAt(problem)], "$") {
		at = Position{problem.Line, problem.Col - 1}
		message.text = "put the text with this ${ in quotes: between { } and [ ], YAML takes its brace for that of an object"
	}
	if strings.HasPrefix(f.line(at.Line)[f.byteAt(at):], "\t") {
		message.text = "a tab can't indent YAML: use blanks"
	}
	f.Report(at, "%s", message.text)
}

// byteAt returns the offset of a position in its line.
func (f *File) byteAt(at Position) int {
	col := 1
	for offset := range f.line(at.Line) {
		if col == at.Col {
			return offset
		}
		col++
	}
	return len(f.line(at.Line))
}

// mark reads a position out of the parser. The library's own message has a
// line at best, and often the one before (go-yaml/yaml issue 666 and others);
// the parser knows better but keeps it to itself. Where a version of it should
// not have the field, the result is zero and the finding names the document's
// first line.
func mark(decoder *yaml.Decoder, name string) Position {
	v := member(reflect.ValueOf(decoder), "parser")
	if name == "event" {
		v = member(member(v, "event"), "start_mark")
	} else {
		v = member(member(v, "parser"), name)
	}
	line, column := member(v, "line"), member(v, "column")
	if !line.IsValid() || !line.CanInt() || !column.IsValid() || !column.CanInt() {
		return Position{}
	}
	return Position{int(line.Int()) + 1, int(column.Int()) + 1}
}

// member returns a struct's field, through a pointer too, or the zero Value.
func member(v reflect.Value, name string) reflect.Value {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return reflect.Value{}
	}
	return v.FieldByName(name)
}

type syntaxMessage struct {
	text      string
	atContext bool // the place where the construct began says more
}

// syntaxMessages are the parser's commonest problems in plain words.
var syntaxMessages = map[string]syntaxMessage{
	"mapping values are not allowed in this context":         {text: "no key can stand here: check the indentation, or put text that has a colon in quotes"},
	"block sequence entries are not allowed in this context": {text: "no list can begin here: write it on the next line, or put the text in quotes"},
	"found character that cannot start any token":            {text: "a value can't begin with this character: put it in quotes"},
	"found a tab character that violates indentation":        {text: "a tab can't indent YAML: use blanks"},
	"did not find expected key":                              {text: "want a key here: check the indentation, and the brackets and quotes before it"},
	"did not find expected '-' indicator":                    {text: "want \"- \" here, as for the list's other entries: check the indentation"},
	"could not find expected ':'":                            {text: "want a colon and a blank after the key", atContext: true},
	"did not find expected ',' or '}'":                       {text: "the \"{\" here is not closed, or a comma is missing", atContext: true},
	"did not find expected ',' or ']'":                       {text: "the \"[\" here is not closed, or a comma is missing", atContext: true},
	"found unexpected end of stream":                         {text: "the quote here is not closed", atContext: true},
	"found unexpected document indicator":                    {text: "the quote here is not closed", atContext: true},
	"did not find expected node content":                     {text: "want a value or a closing bracket here"},
	"found unknown escape character":                         {text: "unknown escape in double quotes: write \\\\ for a backslash"},
	"did not find expected alphabetic or numeric character":  {text: "want the name of an anchor or alias here, or quotes around the text", atContext: true},
	"did not find expected comment or line break":            {text: "want the text on the next line, indented"},
	"did not find expected <document start>":                 {text: "want \"---\" before a further document"},
	"exceeded max depth of 10000":                            {text: "nested too deep"},
}
