package source

import (
	"errors"
	"io/fs"
	"time"
)

// ErrNotFound says that what the options name is not there: the repository, its
// first commit, the branch, tag or commit, or the path in it. Asking again
// helps only after somebody has changed the repository or the options.
var ErrNotFound = errors.New("not found in the source")

// Snapshot is the files of one commit, or a local folder. It is immutable and
// safe for concurrent use.
type Snapshot struct {
	Commit  string    // full hex hash; "" for a local folder
	Author  string    // name <email> of the commit's author; "" for a local folder
	Subject string    // first line of the commit's message; "" for a local folder
	Time    time.Time // when the commit was committed; zero for a local folder
	Signer  string    // who signed it, with what; "" without Options.Trusted

	// Root is the local folder that FS shows, by the name that was given for it; ""
	// for a commit.
	Root string

	// FS is rooted at Options.Path and is also an fs.ReadDirFS, fs.ReadFileFS
	// and fs.StatFS.
	//
	// It lists what is there under the names that are there, even those that
	// are not UTF-8 (which no fs.FS can open). Symbolic links are listed as
	// fs.ModeSymlink and submodules as fs.ModeIrregular; both refuse to be
	// opened, and Stat describes the link and not its target. Sizes are known
	// without reading a file.
	//
	// In a commit, each FileInfo has a method ContentHash() string: what has
	// the same hash has the same content. The content is read from the cache
	// when asked for: once a later Fetch has returned another Snapshot a read
	// may fail, but it never gives other bytes than the commit's. A local
	// folder is read as it is at that moment.
	FS fs.FS
}

// Release closes the files and frees the memory that reading FS has taken up.
// FS can still be read.
func (s *Snapshot) Release() {
	if files, fromGit := s.FS.(*treeFS); fromGit {
		files.store.close()
	}
}

// notFound is a sentence about something missing; it matches ErrNotFound.
type notFound string

// Error returns the sentence.
func (n notFound) Error() string { return string(n) }

// Is makes errors.Is(err, ErrNotFound) true.
func (n notFound) Is(target error) bool { return target == ErrNotFound }
