package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/gofrs/flock"
)

const (
	// keptCommits is how many commits a cache keeps: the new one, and the one
	// before it, which somebody may still be reading.
	keptCommits = 2

	// lockRetry is how often a lock that somebody else holds is tried again.
	lockRetry = 20 * time.Millisecond

	unfinishedName = "unfinished"
	lockName       = "lock"
)

var (
	// errAbsent says that the cache does not hold the commit.
	errAbsent = errors.New("the cache does not hold the commit")
	// errDamaged says that what the cache holds is not what was put there.
	errDamaged = errors.New("the cache is damaged")
)

// cacheDir is the folder of one URL and reference:
//
//	<hash>/      a bare repository with that commit, complete and never changed
//	unfinished/  the repository that a download is filling
//	lock         held while a commit is looked for, added or removed
//
// Each commit is downloaded whole. Haves would not make it less: for a fetch
// of depth 1 git leaves out what the client has only in a thin pack
// (--objects-edge-aggressive in builtin/pack-objects.c), which go-git cannot
// read.
type cacheDir struct{ dir string }

func (c cacheDir) commit(hash plumbing.Hash) string { return filepath.Join(c.dir, hash.String()) }

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
// checksums. The folder's time says when it was last used.
func (c cacheDir) open(hash plumbing.Hash) (*store, error) {
	dir := c.commit(hash)
	switch err := os.Chtimes(dir, time.Time{}, time.Now()); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errAbsent
	case err != nil:
		return nil, fmt.Errorf("mark the commit in the cache as used: %w", err)
	}
	if err := checkPacks(dir); err != nil {
		return nil, err
	}
	return openComplete(dir), nil
}

// add puts the commit that fill stores into the cache, in the place of what
// may be there of it, and forgets older ones.
func (c cacheDir) add(fill func(*store) (plumbing.Hash, error)) (plumbing.Hash, error) {
	unfinished := filepath.Join(c.dir, unfinishedName)
	if err := os.RemoveAll(unfinished); err != nil {
		return plumbing.ZeroHash, fmt.Errorf("remove an unfinished download: %w", err)
	}
	hash, err := fillNew(unfinished, fill)
	if err != nil {
		return plumbing.ZeroHash, errors.Join(err, os.RemoveAll(unfinished))
	}
	if err := os.RemoveAll(c.commit(hash)); err != nil {
		return plumbing.ZeroHash, fmt.Errorf("remove a damaged commit from the cache: %w", err)
	}
	if err := os.Rename(unfinished, c.commit(hash)); err != nil {
		return plumbing.ZeroHash, fmt.Errorf("add the commit to the cache: %w", err)
	}
	return hash, c.prune(hash)
}

func fillNew(dir string, fill func(*store) (plumbing.Hash, error)) (plumbing.Hash, error) {
	s := openToFill(dir)
	defer s.close()
	if err := s.storage.Init(); err != nil {
		return plumbing.ZeroHash, fmt.Errorf("make a folder in the cache: %w", err)
	}
	return fill(s)
}

// prune removes everything but the new commit, those used last, and the lock.
func (c cacheDir) prune(added plumbing.Hash) error {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return fmt.Errorf("list the cache: %w", err)
	}
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		return e.Name() == lockName || e.Name() == added.String()
	})
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return modified(b).Compare(modified(a)) })
	for i, e := range entries {
		if i < keptCommits-1 {
			continue
		}
		if err := os.RemoveAll(filepath.Join(c.dir, e.Name())); err != nil {
			return fmt.Errorf("remove an old commit from the cache: %w", err)
		}
	}
	return nil
}

// modified returns the time of an entry; one that cannot be told is old.
func modified(e fs.DirEntry) time.Time {
	info, err := e.Info()
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}
