package schema_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/policysync/policysync/internal/diagnostic"
)

// exception is a class of mistakes that no schema need find, by what the decoder
// says of them.
type exception struct{ message, reason string }

// verdict holds a schema against the decoder on some files.
type verdict struct {
	schema  []string // what it says of documents that it refuses
	must    []string // mistakes that it must refuse
	classes []string // of exceptions, those that were found
	notYAML bool     // there are mistakes that concern YAML itself
}

// classify sorts what the decoder found.
func (v *verdict) classify(found diagnostic.List, notYAML map[string]bool, exceptions []exception) {
	for _, d := range found {
		class := ""
		for _, e := range exceptions {
			if regexp.MustCompile(e.message).MatchString(d.Message) {
				class = e.message
			}
		}
		switch {
		case notYAML[d.Message]:
			v.notYAML = true
		case class != "":
			v.classes = append(v.classes, class)
		default:
			v.must = append(v.must, d.Message)
		}
	}
}

// disagreement says how schema and decoder disagree, or nothing.
func (v *verdict) disagreement() string {
	switch {
	case len(v.must) > 0 && len(v.schema) == 0:
		return "the schema accepts what the decoder refuses: " + strings.Join(v.must, "; ")
	case len(v.must) == 0 && len(v.classes) == 0 && len(v.schema) > 0:
		return "the schema refuses what the decoder accepts: " + strings.Join(v.schema, "; ")
	}
	return ""
}

// needs finds out which exceptions are needed: those for which the schema
// accepts a file that the decoder refuses.
type needs struct {
	unneeded map[string]string // their reasons
	notYAML  bool
}

func newNeeds(exceptions []exception) *needs {
	n := &needs{unneeded: map[string]string{}}
	for _, e := range exceptions {
		n.unneeded[e.message] = e.reason
	}
	return n
}

func (n *needs) note(v verdict) {
	if len(v.schema) > 0 {
		return
	}
	n.notYAML = n.notYAML || v.notYAML
	for _, class := range v.classes {
		delete(n.unneeded, class)
	}
}

func (n *needs) check(t *testing.T) {
	t.Helper()
	for message, reason := range n.unneeded {
		t.Errorf("no file needs the exception %q (%s): remove it", message, reason)
	}
	if !n.notYAML {
		t.Error("no file is wrong as YAML alone")
	}
}
