package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/gofrs/flock"
)

const (
	// lockRetry is how often a lock that somebody else holds is tried again.
	lockRetry = 20 * time.Millisecond

	unfinishedName = "unfinished"
	lockName       = "lock"
	lastName       = "last"
)

var (
	// errAbsent says that the cache does not hold the commit.
	errAbsent = errors.New("the cache does not hold the commit")
	// errDamaged says that what the cache holds is not what was put there.
	errDamaged = errors.New("the cache is damaged")
)

// cacheDir is the folder of one URL and reference:
//
//	<hash>/      a bare repository with that commit or annotated tag, complete and never changed
//	<hash>.<id>/ the same, but of the files only those below one path
//	unfinished/  the repository that a download is filling
//	last         the commit that was last fetched with success, and what named it
//	lock         held while a commit is looked for, added or removed
//
// Each commit is downloaded whole. Haves would not make it less: for a fetch
// of depth 1 git leaves out what the client has only in a thin pack
// (--objects-edge-aggressive in builtin/pack-objects.c), which go-git cannot
// read.
type cacheDir struct {
	dir  string
	part string // what the name of a commit with the files below our path ends in
}

// commit returns the folder of a commit: with all files or our part of them.
func (c cacheDir) commit(hash plumbing.Hash, part bool) string {
	dir := filepath.Join(c.dir, hash.String())
	if part {
		dir += c.part
	}
	return dir
}

// lock waits until no other process and no other Git uses the cache. It makes
// the folder where it is missing.
func (c cacheDir) lock(ctx context.Context) (unlock func() error, err error) {
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the cache folder, which must be writable: %w", err)
	}
	lock := flock.New(filepath.Join(c.dir, lockName))
	_, err = lock.TryLockContext(ctx, lockRetry)
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("wait for the cache, which another process is using: %w", context.Cause(ctx))
	case err != nil:
		return nil, fmt.Errorf("lock the cache folder, which must be writable: %w", err)
	}
	return lock.Unlock, nil
}

// open returns a store with the commit, or errAbsent. Its packs match their
// checksums.
func (c cacheDir) open(hash plumbing.Hash) (*store, error) {
	dir := c.commit(hash, true)
	_, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		dir = c.commit(hash, false)
		_, err = os.Stat(dir)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errAbsent
	case err != nil:
		return nil, fmt.Errorf("look for the commit in the cache: %w", err)
	}
	if err := checkPacks(dir); err != nil {
		return nil, err
	}
	return openComplete(dir), nil
}

// add puts the commit that fill stores into the cache, in the place of what
// may be there of it, and forgets older ones.
func (c cacheDir) add(fill func(*store) (plumbing.Hash, error)) error {
	unfinished, hash, part, err := c.fill(fill)
	if err != nil {
		return errors.Join(err, os.RemoveAll(unfinished))
	}
	dir := c.commit(hash, part)
	if err := errors.Join(os.RemoveAll(dir), os.RemoveAll(c.commit(hash, true))); err != nil {
		return fmt.Errorf("remove a damaged commit from the cache: %w", err)
	}
	if err := os.Rename(unfinished, dir); err != nil {
		return fmt.Errorf("add the commit to the cache: %w", err)
	}
	return c.prune(hash)
}

// scratch hands use an empty store, which is removed afterwards.
func (c cacheDir) scratch(use func(*store) error) error {
	unfinished, _, _, err := c.fill(func(s *store) (plumbing.Hash, error) { return plumbing.ZeroHash, use(s) })
	return errors.Join(err, os.RemoveAll(unfinished))
}

// fill makes a new store, has it filled, and returns where it is.
func (c cacheDir) fill(fill func(*store) (plumbing.Hash, error)) (dir string, hash plumbing.Hash, part bool, err error) {
	dir = filepath.Join(c.dir, unfinishedName)
	if err := os.RemoveAll(dir); err != nil {
		return dir, hash, false, fmt.Errorf("remove an unfinished download: %w", err)
	}
	s := openToFill(dir)
	defer s.close()
	if err := s.storage.Init(); err != nil {
		return dir, hash, false, fmt.Errorf("make a folder in the cache: %w", err)
	}
	hash, err = fill(s)
	return dir, hash, s.part, err
}

// last returns what was last marked; none is the zero tip.
func (c cacheDir) last() tip {
	text, err := os.ReadFile(filepath.Join(c.dir, lastName))
	commit, want, _ := strings.Cut(string(text), " ")
	if err != nil || !fullHash.MatchString(commit) || !fullHash.MatchString(want) {
		return tip{}
	}
	return tip{commit: plumbing.NewHash(commit), want: plumbing.NewHash(want)}
}

// mark notes the commit, and the tag that named it, as the last one. A file that
// is cut off names none.
func (c cacheDir) mark(last tip) error {
	if last == c.last() {
		return nil
	}
	text := last.commit.String() + " " + last.want.String()
	if err := os.WriteFile(filepath.Join(c.dir, lastName), []byte(text), 0o600); err != nil {
		return fmt.Errorf("note the commit in the cache: %w", err)
	}
	return nil
}

// prune removes everything but the new commit, the last one, which somebody
// may still be reading, and what isn't one.
func (c cacheDir) prune(added plumbing.Hash) error {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return fmt.Errorf("list the cache: %w", err)
	}
	kept := []string{lockName, lastName, added.String(), c.last().want.String()}
	for _, e := range entries {
		name, _, _ := strings.Cut(e.Name(), ".")
		if slices.Contains(kept, name) {
			continue
		}
		if err := os.RemoveAll(filepath.Join(c.dir, e.Name())); err != nil {
			return fmt.Errorf("remove an old commit from the cache: %w", err)
		}
	}
	return nil
}
