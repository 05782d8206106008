package source

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/policysync/policysync/internal/source/signature"
)

// Git fetches the files of one reference of one repository. It is safe for
// concurrent use; calls wait for one another.
type Git struct {
	remote  *remote
	cache   cacheDir
	folder  string
	trusted signature.Keys

	forwardOnly bool
	rewound     func(Rewind) // nil: nobody wants to know

	mu      sync.Mutex
	last    loaded
	refused move // the one that was last refused
}

// loaded is a Snapshot with what vouches for it.
type loaded struct {
	*Snapshot
	at      tip
	parents []plumbing.Hash
	signed  signed
}

// NewGit checks the options and returns every mistake in them. It asks neither
// the network nor the disk, so that the error is never a passing one.
func NewGit(o Options) (*Git, error) {
	address, addressErr := parseAddress(o.URL)
	ref, refErr := newReference(o)
	if err := errors.Join(addressErr, refErr, o.check(), o.checkLogin(address)); err != nil {
		return nil, fmt.Errorf("set up the Git source: %w", err)
	}
	return &Git{
		remote: newRemote(address, ref, o), cache: o.cacheFor(address, ref), folder: o.folder(), trusted: o.Trusted,
		forwardOnly: o.FastForwardOnly, rewound: o.Rewound,
	}, nil
}

// Fetch returns the files of the commit that the reference names now. It asks
// the server for its list of references, and for the files only when the commit
// is neither that of the last call nor in the cache. With Options.Commit it does
// not even ask for the list when the commit is in the cache. While the commit
// stays the same, and can be read, so does the pointer.
//
// With Options.Trusted, what isn't signed by one of these keys, as their files
// are now, is an error that matches ErrRefused, and so is, with
// Options.FastForwardOnly, a move of the branch that is no fast-forward. What the options name and the
// repository lacks is one that matches ErrNotFound. An ended ctx, or a server that is silent for longer than the
// timeout, gives an error that matches the one of package context. No error has
// the password in it. After an error the Snapshot of an earlier call is as good
// as before, and whether to go on with it is up to the caller.
func (g *Git) Fetch(ctx context.Context) (*Snapshot, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	last, err := g.fetch(ctx)
	if err != nil {
		return nil, fmt.Errorf("fetch %s of %s: %w", g.remote.ref, g.remote.address, err)
	}
	g.last = last
	return last.Snapshot, nil
}

func (g *Git) fetch(ctx context.Context) (loaded, error) {
	found, err := g.tip(ctx)
	if err != nil {
		return loaded{}, err
	}
	if g.last.at == found && g.last.readable() {
		_, err := g.last.signed.signer(g.trusted)
		return g.last, err
	}
	unlock, err := g.cache.lock(ctx)
	if err != nil {
		return loaded{}, err
	}
	next, err := g.load(ctx, found)
	if err == nil {
		err = g.follow(ctx, next)
	}
	if err == nil {
		err = g.cache.mark(next.at)
	}
	return next, errors.Join(err, unlock())
}

// Last returns what the last Fetch that succeeded returned, be it one of an
// earlier process with the same URL, reference and CacheDir; nil where there is
// none that can be read or, with Options.Trusted, none that is signed by one of
// the keys as their files are now. The server isn't asked.
func (g *Git) Last(ctx context.Context) *Snapshot {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.last.Snapshot != nil && g.last.readable() {
		if _, err := g.last.signed.signer(g.trusted); err != nil {
			return nil
		}
		return g.last.Snapshot
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
	return last.Snapshot
}

// tip returns the commit to show; only a branch or a tag has to be asked for.
func (g *Git) tip(ctx context.Context) (tip, error) {
	if g.remote.ref.pinned() {
		hash := plumbing.NewHash(g.remote.ref.name)
		return tip{hash, hash}, nil
	}
	return g.remote.tip(ctx)
}

// load takes the commit from the cache or, where it is not there or damaged,
// puts it there first.
func (g *Git) load(ctx context.Context, found tip) (loaded, error) {
	next, err := g.open(found)
	if !errors.Is(err, errAbsent) && !errors.Is(err, errDamaged) {
		return next, err
	}
	err = g.cache.add(func(s *store) (_ plumbing.Hash, err error) {
		found, err = g.remote.download(ctx, s, g.folder)
		return found.want, err
	})
	if err != nil {
		return loaded{}, err
	}
	return g.open(found)
}

// open reads a commit out of the cache and, once it is sure that it is signed as
// it must be, its folders; it makes sure that every file is there.
func (g *Git) open(found tip) (loaded, error) {
	objects, err := g.cache.open(found.want)
	if err != nil {
		return loaded{}, err
	}
	defer objects.close()
	commit, err := objects.commit(found.commit)
	if err != nil {
		return loaded{}, err
	}
	signed, err := g.signed(objects, found, commit)
	if err != nil {
		return loaded{}, err
	}
	signer, err := signed.signer(g.trusted)
	if err != nil {
		return loaded{}, err
	}
	root, err := objects.folder(commit, g.folder)
	if err != nil {
		return loaded{}, err
	}
	snapshot := newSnapshot(commit, &treeFS{root: root, store: objects})
	snapshot.Signer = signer
	return loaded{snapshot, found, commit.ParentHashes, signed}, nil
}

// signed takes apart what vouches for a commit, if anything has to.
func (g *Git) signed(objects *store, found tip, commit *object.Commit) (signed, error) {
	switch {
	case g.trusted.IsZero():
		return signed{}, nil
	case g.remote.ref.kind != tagRef:
		return objects.signedCommit(commit)
	}
	return objects.signedTag(found, g.remote.ref.name)
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
