package web

import (
	"net/http"

	"github.com/policysync/policysync/internal/visitor"
)

// Discreet returns what the API writes its answers to a visitor to.
func Discreet(w http.ResponseWriter, to visitor.Visitor) http.ResponseWriter { return discreet{w, to} }

// Routes returns the patterns of those routes that are for everybody, and of
// those that are for who is let in.
func Routes(o Options) (open, guarded []string) {
	g := newGate(o)
	for pattern := range g.open() {
		open = append(open, pattern)
	}
	for pattern := range g.guarded() {
		guarded = append(guarded, pattern)
	}
	return open, guarded
}
