package web

import (
	"net/http"

	"github.com/policysync/policysync/internal/visitor"
)

// Discreet returns what the API writes its answers to a visitor to.
func Discreet(w http.ResponseWriter, to visitor.Visitor) http.ResponseWriter { return discreet{w, to} }
