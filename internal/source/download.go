package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
)

// download stores the commit that the reference names now, with at least the
// files below folder, and returns which that is.
func (r *remote) download(ctx context.Context, into *store, folder string) (tip, error) {
	var found tip
	err := r.talk(ctx, func(ctx context.Context, c conversation) (err error) {
		if found, err = r.ref.tip(c.adv); err != nil {
			return err
		}
		request, err := r.request(c.adv, found.want)
		if err != nil {
			return err
		}
		if folder == "." || request.Depth.IsZero() || !r.filters(c.adv) {
			return c.pull(ctx, into, request)
		}
		return c.pullFolder(ctx, into, request, found.commit, folder)
	})
	if err == nil && !into.has(found.commit) {
		err = noCommit(r.ref)
	}
	return found, err
}

// filters reports whether the server leaves files out when asked to, and gives
// out those that are asked for by their hashes. Where the server is a program
// on this machine, nothing is gained.
func (r *remote) filters(adv *packp.AdvRefs) bool {
	return !r.address.local() && adv.Capabilities.Supports(capability.Filter) &&
		adv.Capabilities.Supports(capability.AllowTipSHA1InWant) && adv.Capabilities.Supports(capability.AllowReachableSHA1InWant)
}

// pull stores what is asked for.
func (c conversation) pull(ctx context.Context, into *store, request *packp.UploadPackRequest) error {
	response, err := c.UploadPack(ctx, request)
	if err != nil {
		return err
	}
	pack := demultiplex(request.Capabilities, c.silence.heard(response))
	if c.most > 0 {
		pack = &atMost{pack, c.most}
	}
	return errors.Join(packfile.UpdateObjectStorage(into.storage, pack), response.Close())
}

// pullFolder stores the commit with all its folders, and then, of its files,
// those below one folder alone (git-clone(1), --filter=blob:none). A server
// that doesn't give them out after all is asked for everything.
func (c conversation) pullFolder(
	ctx context.Context, into *store, request *packp.UploadPackRequest, hash plumbing.Hash, folder string,
) error {
	if err := request.Capabilities.Set(capability.Filter); err != nil {
		return fmt.Errorf("ask for no files: %w", err)
	}
	folders, rest := *request, *request
	folders.Filter = packp.FilterBlobNone()
	if err := c.pull(ctx, into, &folders); err != nil {
		return err
	}
	files, err := into.filesBelow(hash, folder)
	if into.part = true; err != nil || len(files) == 0 {
		return nil //nolint:nilerr // who opens the commit gets the same error, each time without a download
	}
	rest.Wants, rest.Depth = files, packp.DepthCommits(0)
	if err = c.pull(ctx, into, &rest); err != nil && strings.Contains(err.Error(), "not our ref") {
		into.part = false
		return c.pull(ctx, into, request)
	}
	return err
}

// request asks for one object with the files it leads to. A pinned commit that
// is no tip and that the server does not give out by its hash is found by
// asking for everything. So it is with a local repository, where nothing is
// gained: when git-upload-pack refuses a hash it hangs up while go-git is still
// writing, and its reason is lost.
func (r *remote) request(adv *packp.AdvRefs, want plumbing.Hash) (*packp.UploadPackRequest, error) {
	request := packp.NewUploadPackRequestFromCapabilities(adv.Capabilities)
	if adv.Capabilities.Supports(capability.NoProgress) {
		if err := request.Capabilities.Set(capability.NoProgress); err != nil {
			return nil, fmt.Errorf("ask for no progress messages: %w", err)
		}
	}
	tips := branchesAndTags(adv)
	anyHash := !r.address.local() && adv.Capabilities.Supports(capability.AllowReachableSHA1InWant)
	if !anyHash && !slices.Contains(tips, want) {
		request.Wants = tips
		return request, nil
	}
	request.Wants = []plumbing.Hash{want}
	if !adv.Capabilities.Supports(capability.Shallow) {
		return request, nil
	}
	if err := request.Capabilities.Set(capability.Shallow); err != nil {
		return nil, fmt.Errorf("ask for a shallow pack: %w", err)
	}
	request.Depth = packp.DepthCommits(1)
	return request, nil
}

// branchesAndTags returns the objects that they name, each once.
func branchesAndTags(adv *packp.AdvRefs) []plumbing.Hash {
	var tips []plumbing.Hash
	for name, hash := range adv.References {
		if strings.HasPrefix(name, branchFolder) || strings.HasPrefix(name, tagFolder) {
			tips = append(tips, hash)
		}
	}
	plumbing.HashesSort(tips)
	return slices.Compact(tips)
}

// demultiplex takes the pack out of the channel it shares with messages.
func demultiplex(agreed *capability.List, stream io.Reader) io.Reader {
	switch {
	case agreed.Supports(capability.Sideband64k):
		return sideband.NewDemuxer(sideband.Sideband64k, stream)
	case agreed.Supports(capability.Sideband):
		return sideband.NewDemuxer(sideband.Sideband, stream)
	}
	return stream
}
