// Package lookout tells when files hold something new.
package lookout

import (
	"crypto/sha256"
	"os"
	"time"
)

// Every is how often files are looked at. Nothing tells of changes as surely on
// every file system, through every way to replace a file.
const Every = 2 * time.Second

// Lookout looks at files for changes: of what is in them, wherever they lie, so
// that links may be turned, as Kubernetes does with what it mounts. It is for one
// goroutine at a time.
type Lookout struct {
	paths       []string
	taken, last fingerprint
}

// fingerprint is what files hold, or why they can't be read.
type fingerprint [sha256.Size]byte

// New returns a Lookout that has taken what the files hold now.
func New(paths ...string) *Lookout {
	l := &Lookout{paths: paths}
	l.Take()
	return l
}

// Take remembers what the files hold now as what was read.
func (l *Lookout) Take() {
	l.last = l.look()
	l.taken = l.last
}

// Changed reports whether the files hold something that was not read yet, and
// takes it for read. They must have held that at the last look, too: else somebody
// may still be writing.
func (l *Lookout) Changed() bool {
	now := l.look()
	settled := now == l.last
	l.last = now
	if !settled || now == l.taken {
		return false
	}
	l.taken = now
	return true
}

func (l *Lookout) look() fingerprint {
	all := sha256.New()
	for _, path := range l.paths {
		text, err := os.ReadFile(path)
		if err != nil {
			text = []byte("can't be read: " + err.Error())
		}
		one := sha256.Sum256(text)
		all.Write(one[:])
	}
	return fingerprint(all.Sum(nil))
}
