package web

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"

	"github.com/policysync/policysync/internal/visitor"
)

// discreet passes JSON on as a visitor may see it. Each Write must be of whole
// values.
type discreet struct {
	http.ResponseWriter

	to visitor.Visitor
}

var jsonText = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// Write writes the JSON, without what the visitor isn't to see (io.Writer).
func (d discreet) Write(text []byte) (int, error) {
	shown := text
	if !d.to.Addresses {
		shown = jsonText.ReplaceAllFunc(text, d.show)
	}
	if _, err := d.ResponseWriter.Write(shown); err != nil {
		return 0, err
	}
	return len(text), nil
}

// show returns one JSON text as the visitor may see it.
func (d discreet) show(literal []byte) []byte {
	var text string
	if !bytes.ContainsRune(literal, '@') && !bytes.Contains(literal, []byte("%40")) || json.Unmarshal(literal, &text) != nil {
		return literal
	}
	shown, err := json.Marshal(d.to.Text(text))
	if err != nil {
		return literal
	}
	return shown
}

// Unwrap returns what it writes to (http.ResponseController).
func (d discreet) Unwrap() http.ResponseWriter { return d.ResponseWriter }
