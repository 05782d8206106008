package yamltree

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"gopkg.in/yaml.v3"
)

// indent is how far an object or list stands within another, in blanks.
const indent = 2

// Encode writes a value as a document, objects and lists on lines of their own
// but for those with Flow. A text gets quotes where any version of YAML reads
// something else without; each text is on one line. Positions and Plain don't
// matter, and a Broken value is written as null.
func Encode(v Value) (text []byte, err error) {
	defer func() { // as in next
		if r := recover(); r != nil {
			text, err = nil, fmt.Errorf("write YAML: the emitter gave up: %v", r)
		}
	}()
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(indent)
	if err := encoder.Encode(node(v)); err != nil {
		return nil, fmt.Errorf("write YAML: %w", err)
	}
	if err := encoder.Close(); err != nil {
		return nil, fmt.Errorf("write YAML: %w", err)
	}
	return out.Bytes(), nil
}

func node(v Value) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Value: v.Text}
	if v.Flow {
		n.Style = yaml.FlowStyle
	}
	switch v.Shape {
	case Broken, Null:
		n.Value = "null"
	case Bool, Number, Date:
	case Text:
		n = textNode(v.Text)
	case List:
		n.Kind = yaml.SequenceNode
		for _, item := range v.Items {
			n.Content = append(n.Content, node(item))
		}
	case Object:
		n.Kind = yaml.MappingNode
		for _, e := range v.Entries {
			n.Content = append(n.Content, textNode(e.Key), node(e.Value))
		}
	}
	return n
}

// misread are the texts that YAML 1.1 takes for booleans or for numbers to the
// base of 60; what YAML 1.2 takes for something else, the library knows.
var misread = regexp.MustCompile(`^(?i:y|n|yes|no|on|off|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?)$`)

func textNode(text string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
	if misread.MatchString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}
