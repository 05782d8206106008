package manifest

import (
	"strings"

	"github.com/policysync/policysync/internal/yamltree"
)

// Ignore is a comment "# policysync:ignore CODE reason".
type Ignore struct {
	Place
	Text  string // what follows policysync:ignore, without blanks around it
	About int    // the line of the same file that it is about: its own, else the next that has content; 0: none
}

// ignores returns those comments of a file that has no mistakes.
func ignores(file *yamltree.File) []Ignore {
	var all []Ignore
	for _, c := range file.Comments("policysync:ignore") {
		at := Place{file.Path(), c.Line, c.Col}
		all = append(all, Ignore{at, strings.Clone(c.Text), c.About}) // cloned, so that the file's text can be freed
	}
	return all
}
