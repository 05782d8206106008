package source

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Git fetches the files of one reference of one repository. It is safe for
// concurrent use; calls wait for one another.
type Git struct {
	remote *remote
	cache  cacheDir
	folder string

	mu   sync.Mutex
	last *Snapshot
}

// NewGit checks the options and returns every mistake in them. It asks neither
// the network nor the disk, so that the error is never a passing one.
func NewGit(o Options) (*Git, error) {
	address, addressErr := parseAddress(o.URL)
	ref, refErr := newReference(o)
	if err := errors.Join(addressErr, refErr, o.check(), o.checkLogin(address)); err != nil {
		return nil, fmt.Errorf("set up the Git source: %w", err)
	}
	return &Git{remote: newRemote(address, ref, o), cache: o.cacheFor(address, ref), folder: o.folder()}, nil
}

// Fetch returns the files of the commit that the reference names now. It asks
// the server for its list of references, and for the files only when the commit
// is neither that of the last call nor in the cache. With Options.Commit it does
// not even ask for the list when the commit is in the cache. While the commit
// stays the same, and can be read, so does the pointer.
//
// What the options name and the repository lacks is an error that matches
// ErrNotFound. An ended ctx, or a server that is silent for longer than the
// timeout, gives an error that matches the one of package context. No error has
// the password in it. After an error the Snapshot of an earlier call is as good
// as before, and whether to go on with it is up to the caller.
func (g *Git) Fetch(ctx context.Context) (*Snapshot, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	snapshot, err := g.fetch(ctx)
	if err != nil {
		return nil, fmt.Errorf("fetch %s of %s: %w", g.remote.ref, g.remote.address, err)
	}
	g.last = snapshot
	return snapshot, nil
}

func (g *Git) fetch(ctx context.Context) (*Snapshot, error) {
	commit, err := g.tip(ctx)
	if err != nil {
		return nil, err
	}
	if g.last != nil && g.last.Commit == commit.String() && g.last.readable() {
		return g.last, nil
	}
	unlock, err := g.cache.lock(ctx)
	if err != nil {
		return nil, err
	}
	snapshot, err := g.load(ctx, commit)
	if err == nil {
		err = g.cache.mark(plumbing.NewHash(snapshot.Commit))
	}
	return snapshot, errors.Join(err, unlock())
}

// Last returns what the last Fetch that succeeded returned, be it one of an
// earlier process with the same URL, reference and CacheDir; nil where there is
// none that can be read. The server isn't asked.
func (g *Git) Last(ctx context.Context) *Snapshot {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.last != nil && g.last.readable() {
		return g.last
	}
	unlock, err := g.cache.lock(ctx)
	if err != nil {
		return nil
	}
	last, err := g.open(g.cache.last())
	if errors.Join(err, unlock()) != nil {
		return nil
	}
	g.last = last
	return last
}

// tip returns the commit to show; only a branch or a tag has to be asked for.
func (g *Git) tip(ctx context.Context) (plumbing.Hash, error) {
	if g.remote.ref.pinned() {
		return plumbing.NewHash(g.remote.ref.name), nil
	}
	tip, err := g.remote.tip(ctx)
	return tip.commit, err
}

// load takes the commit from the cache or, where it is not there or damaged,
// puts it there first.
func (g *Git) load(ctx context.Context, commit plumbing.Hash) (*Snapshot, error) {
	snapshot, err := g.open(commit)
	if !errors.Is(err, errAbsent) && !errors.Is(err, errDamaged) {
		return snapshot, err
	}
	commit, err = g.cache.add(func(s *store) (plumbing.Hash, error) {
		return g.remote.download(ctx, s, g.folder)
	})
	if err != nil {
		return nil, err
	}
	return g.open(commit)
}

// open reads a commit and its folders out of the cache and makes sure that
// every file is there.
func (g *Git) open(hash plumbing.Hash) (*Snapshot, error) {
	objects, err := g.cache.open(hash)
	if err != nil {
		return nil, err
	}
	defer objects.close()
	commit, err := objects.commit(hash)
	if err != nil {
		return nil, err
	}
	reader := treeReader{store: objects, time: commit.Committer.When}
	root, err := reader.open(commit, g.folder)
	if err == nil {
		err = root.each(func(file *node) (err error) {
			file.size, err = objects.size(file.hash)
			return err
		})
	}
	if err != nil {
		return nil, err
	}
	return newSnapshot(commit, &treeFS{root: root, store: objects}), nil
}

func newSnapshot(commit *object.Commit, files *treeFS) *Snapshot {
	subject, _, _ := strings.Cut(strings.TrimLeft(commit.Message, "\n"), "\n")
	return &Snapshot{
		Commit:  commit.Hash.String(),
		Author:  strings.ToValidUTF8(commit.Author.String(), "�"),
		Subject: strings.ToValidUTF8(subject, "�"),
		Time:    commit.Committer.When,
		FS:      files,
	}
}

// readable reports whether no file has failed to be read so far.
func (s *Snapshot) readable() bool {
	files, fromGit := s.FS.(*treeFS)
	return fromGit && !files.store.broken.Load()
}
