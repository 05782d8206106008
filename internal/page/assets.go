package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"time"
)

//go:embed assets
var files embed.FS

// shipped are the files that pages load, each with a hash of its content.
type shipped struct {
	etags   map[string]string
	version string // another one: some file is another one
}

// load returns the files of those names, which are there.
func load(names ...string) shipped {
	s := shipped{etags: map[string]string{}}
	all := sha256.New()
	for _, name := range names {
		content, _ := fs.ReadFile(files, "assets/"+name) // embedded: it can't fail
		sum := sha256.Sum256(content)
		all.Write(sum[:])
		s.etags[name] = `"` + hex.EncodeToString(sum[:8]) + `"`
	}
	s.version = hex.EncodeToString(all.Sum(nil)[:8])
	return s
}

// serve answers with a file. Whoever has it asks each time whether it is still
// that one, so that no page of this version meets a script of the last.
func (s shipped) serve(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	etag, is := s.etags[name]
	content, err := fs.ReadFile(files, "assets/"+name)
	if !is || err != nil {
		http.Error(w, fmt.Sprintf("There is no file %s.", clip(name)), http.StatusNotFound)
		return
	}
	w.Header().Set("ETag", etag)
	w.Header().Set("Cache-Control", "private, no-cache")
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
}
