package source

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // Git's own checksum of a pack (gitformat-pack), no security rests on it
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// deltaCache is the memory one store keeps for the bases of deltas.
const deltaCache = 4 * cache.MiByte

// store reads the objects of a bare repository and believes none before it
// has checked its hash. It is safe for concurrent use, which go-git's storage is
// not.
type store struct {
	mu      sync.Mutex
	storage *filesystem.Storage
	deltas  cache.Object
	broken  atomic.Bool // an object could not be read
	part    bool        // it has been filled with the files of one folder alone
}

// openToFill opens a repository that is about to be written.
func openToFill(dir string) *store { return open(dir, filesystem.Options{}) }

// openComplete opens a repository that nobody will change; nothing is read yet.
func openComplete(dir string) *store { return open(dir, filesystem.Options{ExclusiveAccess: true}) }

func open(dir string, o filesystem.Options) *store {
	o.KeepDescriptors = true // to open a pack for each object takes longer than to read it
	files, deltas := packsInMemory{osfs.New(dir, osfs.WithBoundOS())}, cache.NewObjectLRU(deltaCache)
	return &store{storage: filesystem.NewStorageWithOptions(files, deltas, o), deltas: deltas}
}

// close releases files and memory. Files were only read, so that nothing can
// be lost; the next read opens them again.
func (s *store) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.storage.ObjectStorage.Close()
	s.deltas.Clear()
}

// has reports whether the object is there.
func (s *store) has(hash plumbing.Hash) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.storage.HasEncodedObject(hash) == nil
}

// size returns an object's length in bytes without reading its content.
func (s *store) size(hash plumbing.Hash) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	size, err := s.storage.EncodedObjectSize(hash)
	if err != nil {
		return 0, s.damaged(hash, err)
	}
	return size, nil
}

// read returns an object's type and content, which has the hash asked for.
func (s *store) read(hash plumbing.Hash) (plumbing.ObjectType, []byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept, err := s.storage.EncodedObject(plumbing.AnyObject, hash)
	if err != nil {
		return 0, nil, s.damaged(hash, err)
	}
	content, err := contentOf(kept)
	if err != nil {
		return 0, nil, s.damaged(hash, err)
	}
	if got := plumbing.ComputeHash(kept.Type(), content); got != hash {
		return 0, nil, s.damaged(hash, fmt.Errorf("its content has the hash %s", got))
	}
	return kept.Type(), content, nil
}

func (s *store) damaged(hash plumbing.Hash, err error) error {
	s.broken.Store(true)
	return fmt.Errorf("%w: read object %s: %w", errDamaged, hash, err)
}

func contentOf(o plumbing.EncodedObject) ([]byte, error) {
	r, err := o.Reader()
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(r)
	return content, errors.Join(err, r.Close())
}

func newObject(kind plumbing.ObjectType, content []byte) *plumbing.MemoryObject {
	o := &plumbing.MemoryObject{}
	o.SetType(kind)
	_, _ = o.Write(content) // into memory
	return o
}

// blob returns a file's content.
func (s *store) blob(hash plumbing.Hash) ([]byte, error) {
	kind, content, err := s.read(hash)
	if err != nil {
		return nil, err
	}
	if kind != plumbing.BlobObject {
		return nil, fmt.Errorf("object %s is a %s and not a file: run git fsck on the repository", hash, kind)
	}
	return content, nil
}

// tree returns a folder.
func (s *store) tree(hash plumbing.Hash) (*object.Tree, error) {
	kind, content, err := s.read(hash)
	if err != nil {
		return nil, err
	}
	tree := &object.Tree{}
	if err := tree.Decode(newObject(kind, content)); err != nil {
		return nil, fmt.Errorf("read folder %s: %w", hash, err)
	}
	return tree, nil
}

// commit returns a commit.
func (s *store) commit(hash plumbing.Hash) (*object.Commit, error) {
	kind, content, err := s.read(hash)
	if err != nil {
		return nil, err
	}
	if kind != plumbing.CommitObject {
		return nil, notFound(fmt.Sprintf("%s is a %s and not a commit", hash, kind))
	}
	commit := &object.Commit{}
	if err := commit.Decode(newObject(kind, content)); err != nil {
		return nil, fmt.Errorf("read commit %s: %w", hash, err)
	}
	return commit, nil
}

// checkPacks compares every pack with the checksum at its end. (The checksum of
// an index is compared by go-git when it is read.)
func checkPacks(dir string) error {
	packs, err := filepath.Glob(filepath.Join(dir, "objects", "pack", "*.pack"))
	if err != nil {
		return fmt.Errorf("look for packs: %w", err)
	}
	for _, pack := range packs {
		if err := checkPack(pack); err != nil {
			return fmt.Errorf("%w: %w", errDamaged, err)
		}
	}
	return nil
}

func checkPack(name string) (err error) {
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("open pack: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("measure pack: %w", err)
	}
	sum := sha1.New() //nolint:gosec // see the import
	if _, err := io.CopyN(sum, f, info.Size()-sha1.Size); err != nil {
		return fmt.Errorf("read pack %s: %w", name, err)
	}
	trailer, err := io.ReadAll(f)
	if err != nil {
		return fmt.Errorf("read pack %s: %w", name, err)
	}
	if !bytes.Equal(trailer, sum.Sum(nil)) {
		return fmt.Errorf("pack %s does not match its checksum", name)
	}
	return nil
}
