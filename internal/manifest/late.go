package manifest

import (
	"fmt"
	"io/fs"

	"github.com/policysync/policysync/internal/diagnostic"
	"github.com/policysync/policysync/internal/yamltree"
)

// lateFindings are those that can be seen only when all files are decoded. The
// files are read once more for the lines to show: that is rare, and to keep
// them would cost memory always.
type lateFindings struct {
	fsys  fs.FS
	file  *yamltree.File // that was read last
	found diagnostic.List
}

func (l *lateFindings) report(at Place, format string, args ...any) {
	if l.file == nil || l.file.Path() != at.File {
		content, _ := read(l.fsys, at.File) // without it, the finding shows no line
		l.file = yamltree.New(at.File, content)
	}
	l.found = append(l.found, l.file.Diagnostic(yamltree.Position{Line: at.Line, Col: at.Col}, fmt.Sprintf(format, args...)))
}
