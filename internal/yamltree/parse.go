package yamltree

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"gopkg.in/yaml.v3"
)

// Documents gives the root of each document that isn't empty, in order.
// Mistakes in the YAML are reported; a document with a syntax error is left
// out, one with other mistakes holds Broken values.
func (f *File) Documents() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if f.corrupt {
			return
		}
		for line, text := range split(f.text) {
			if f.Full() || !f.parse(line, text, yield) {
				return
			}
		}
	}
}

// parse gives the documents of the piece of the file that begins on that line:
// one, and more only when "..." ends some. It reports whether the caller wants to go on.
func (f *File) parse(first int, text string, yield func(Value) bool) bool {
	decoder := yaml.NewDecoder(strings.NewReader(text))
	for {
		root, err := next(decoder)
		if errors.Is(err, io.EOF) {
			return true
		}
		if err != nil {
			f.unread = true
			f.reportSyntax(decoder, first, first+strings.Count(strings.TrimRight(text, "\n"), "\n"), err)
			return true
		}
		if root.Tag == "!!null" && root.Value == "" {
			continue
		}
		b := builder{file: f, linesBefore: first - 1, left: MaxValues}
		v := b.build(root)
		if v.Shape == Broken || b.left < 0 {
			f.unread = true
		} else if !yield(v) {
			return false
		}
	}
}

// next returns the next document's root. The library panics on some inputs,
// by its own words ("internal error: please report"): that is an error too.
func next(decoder *yaml.Decoder) (root *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			root, err = nil, fmt.Errorf("yaml: the parser gave up: %v", r)
		}
	}()
	var document yaml.Node
	if err := decoder.Decode(&document); err != nil {
		return nil, fmt.Errorf("parse YAML: %w", err)
	}
	return document.Content[0], nil
}
