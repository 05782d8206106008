package manifest

import (
	"fmt"
	"io/fs"

	"github.com/policysync/policysync/internal/diagnostic"
	"github.com/policysync/policysync/internal/yamltree"
)

// lateFindings are those that can be seen only when all files are decoded.
type lateFindings struct{ found diagnostic.List }

func (l *lateFindings) report(at Place, format string, args ...any) {
	l.found = append(l.found, diagnostic.Diagnostic{Path: at.File, Line: at.Line, Col: at.Col, Message: fmt.Sprintf(format, args...)})
}

// Excerpts puts into each finding the line that it is about. The files are read
// once more for that: it is rare, and to keep them would cost memory always.
// Where one can't be read, its findings show no line.
func Excerpts(fsys fs.FS, found diagnostic.List) {
	var file *yamltree.File
	for i, d := range found {
		if file == nil || file.Path() != d.Path {
			content, _ := read(fsys, d.Path)
			file = yamltree.New(d.Path, content)
		}
		found[i].Source = file.Diagnostic(yamltree.Position{Line: d.Line, Col: d.Col}, "").Source
	}
}
