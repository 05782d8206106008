package source

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
)

// Rewind is a move of a branch that is no fast-forward: the commit that it names
// now doesn't have the former one among its ancestors, or isn't known to.
type Rewind struct {
	From, To string // full hashes
	Refused  bool   // as Options.FastForwardOnly wants it
	Unknown  error  // why it can't be told; nil: it is certain
}

// longestHistory is how many bytes are taken at most to tell whether a branch
// has moved forward: those of some hundred thousand commits, where the server
// can leave out what is in them.
const longestHistory = 64 << 20

// errLongHistory says that a history has more.
var errLongHistory = fmt.Errorf("there are more than %d MiB of history since", longestHistory>>20)

// move is a branch's from one commit to another.
type move struct{ from, to plumbing.Hash }

// follow tells Options.Rewound of a branch that has moved back or aside since it
// was last read or, with Options.FastForwardOnly, refuses that. What is refused
// is asked for and told of once.
func (g *Git) follow(ctx context.Context, next loaded) error {
	m := move{cmp.Or(g.last.at.commit, g.cache.last().commit), next.at.commit}
	if g.remote.ref.kind != branchRef || m.from.IsZero() || m.from == m.to || slices.Contains(next.parents, m.from) {
		return nil
	}
	if m != g.refused {
		forward, err := g.forward(ctx, m, next.parents)
		switch {
		case ctx.Err() != nil:
			return err
		case forward:
			return nil
		case err != nil && g.forwardOnly && !errors.Is(err, errLongHistory):
			return fmt.Errorf("tell whether commit %s follows %s: %w", m.to, m.from, err)
		case g.rewound != nil:
			g.rewound(Rewind{m.from.String(), m.to.String(), g.forwardOnly, err})
		}
	}
	if !g.forwardOnly {
		return nil
	}
	g.refused = m
	return refused(fmt.Sprintf("commit %s is refused: %s has moved to it by no fast-forward from %s, and source.fast_forward_only forbids that: "+
		"push a commit that follows both (git merge -s ours %s), or set it to false for one run", m.to, g.remote.ref, m.from, m.from))
}

// forward asks the server for the commits that lead from one to the other.
func (g *Git) forward(ctx context.Context, m move, parents []plumbing.Hash) (forward bool, err error) {
	err = g.cache.scratch(func(s *store) error {
		if err := g.remote.history(ctx, s, m); err != nil {
			return err
		}
		forward = s.reaches(parents, m.from)
		return nil
	})
	return forward, err
}

// history stores the commits that the later one has and the earlier one hasn't,
// without what is in them where the server can leave that out.
func (r *remote) history(ctx context.Context, into *store, m move) error {
	return r.talk(ctx, func(ctx context.Context, c conversation) error {
		request := packp.NewUploadPackRequestFromCapabilities(c.adv.Capabilities)
		var err error
		if c.adv.Capabilities.Supports(capability.Filter) {
			request.Filter = packp.FilterTreeDepth(0)
			err = request.Capabilities.Set(capability.Filter)
		}
		if c.adv.Capabilities.Supports(capability.NoProgress) {
			err = errors.Join(err, request.Capabilities.Set(capability.NoProgress))
		}
		if err != nil {
			return fmt.Errorf("ask for commits: %w", err)
		}
		request.Wants, request.Haves = []plumbing.Hash{m.to}, []plumbing.Hash{m.from}
		c.most = longestHistory
		if err := c.pull(ctx, into, request); !errors.Is(err, packfile.ErrEmptyPackfile) {
			return err
		}
		return nil // the branch has moved back
	})
}

// reaches reports whether a commit is one of those, or an ancestor of theirs by
// way of commits that are there.
func (s *store) reaches(from []plumbing.Hash, goal plumbing.Hash) bool {
	seen := map[plumbing.Hash]bool{}
	for next := slices.Clone(from); len(next) > 0; {
		hash := next[len(next)-1]
		next = next[:len(next)-1]
		if hash == goal {
			return true
		}
		if seen[hash] {
			continue
		}
		seen[hash] = true
		if commit, err := s.commit(hash); err == nil {
			next = append(next, commit.ParentHashes...)
		}
	}
	return false
}

// atMost reads so many bytes, and then fails.
type atMost struct {
	io.Reader
	left int
}

// Read reads on.
func (r *atMost) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if r.left -= n; r.left < 0 {
		return 0, told{errLongHistory}
	}
	return n, err //nolint:wrapcheck // io.EOF must stay bare
}
