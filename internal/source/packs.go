package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/go-git/go-billy/v5"
)

// smallPack is the size in bytes up to which a pack is held in memory while it
// is open. That of 10,000 manifests has about two million.
const smallPack = 8 << 20

// packsInMemory is a folder of which small packs are read whole when they are
// opened: go-git goes to the place of each object by a system call and reads
// 4 KiB there by another, which takes longer than to unpack a manifest.
type packsInMemory struct{ billy.Filesystem }

// Open opens a file.
func (p packsInMemory) Open(name string) (billy.File, error) {
	file, err := p.Filesystem.Open(name)
	if err != nil || filepath.Ext(name) != ".pack" {
		return file, err //nolint:wrapcheck // go-git asks what it is
	}
	if info, err := p.Stat(name); err != nil || info.Size() > smallPack {
		return file, err //nolint:wrapcheck // likewise
	}
	content, err := io.ReadAll(file)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read pack: %w", err), file.Close())
	}
	return packInMemory{file, bytes.NewReader(content)}, nil
}

// packInMemory is an open file whose content is in memory.
type packInMemory struct {
	billy.File
	content *bytes.Reader
}

// Read reads on, as io.Reader.
func (p packInMemory) Read(b []byte) (int, error) { return p.content.Read(b) }

// ReadAt reads from a place, as io.ReaderAt.
func (p packInMemory) ReadAt(b []byte, at int64) (int, error) { return p.content.ReadAt(b, at) }

// Seek moves to a place, as io.Seeker.
func (p packInMemory) Seek(to int64, whence int) (int64, error) { return p.content.Seek(to, whence) }
