package yamltree

import (
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

func TestPanicOfTheParserIsAnError(t *testing.T) {
	t.Parallel()
	// A decoder without a reader is the one sure way to make it panic.
	node, err := next(new(yaml.Decoder))
	if node != nil || err == nil || !strings.Contains(err.Error(), "the parser gave up") {
		t.Errorf("got node %v, error %v", node, err)
	}
}

func TestPlaceThatTheParserDoesNotTellIsTheDocumentsFirstLine(t *testing.T) {
	t.Parallel()
	silent := new(yaml.Decoder)
	for _, name := range []string{"problem_mark", "context_mark", "event", "no such field"} {
		if at := mark(silent, name); at != (Position{}) {
			t.Errorf("%s: got %v", name, at)
		}
	}
	f := New("f", []byte("a: b\n---\nc: d\n"))
	_, err := next(silent)
	f.reportSyntax(silent, 2, 3, err)
	if got := f.Findings()[0]; got.Line != 2 || got.Col != 1 || got.Source != "---" {
		t.Errorf("got %+v", got)
	}
}
