package source

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/plumbing/transport/file"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"

	"github.com/policysync/policysync/internal/secret"
	"github.com/policysync/policysync/internal/source/githubapp"
)

// remote is the server's side of one reference.
type remote struct {
	address address
	ref     reference
	timeout time.Duration

	username   string
	password   secret.Source
	tokens     *githubapp.Tokens // of an app; nil: there is none
	caFile     string
	sshKeyFile secret.Source
	passphrase secret.Source
	knownHosts string
}

func newRemote(a address, r reference, o Options) *remote {
	remote := &remote{
		address: a, ref: r, timeout: cmp.Or(o.Timeout, DefaultTimeout),
		username: o.Username, password: o.Password, caFile: o.CAFile,
		sshKeyFile: o.SSHKey, passphrase: o.Passphrase, knownHosts: o.KnownHosts,
	}
	if !o.GitHubApp.IsZero() {
		remote.tokens = &githubapp.Tokens{App: o.GitHubApp, API: githubapp.API(a.endpoint.Protocol, a.authority())}
	}
	return remote
}

// session is an exchange with git-upload-pack: first it tells its references.
type session interface {
	AdvertisedReferencesContext(context.Context) (*packp.AdvRefs, error)
	UploadPack(context.Context, *packp.UploadPackRequest) (*packp.UploadPackResponse, error)
	Close() error
}

// conversation is a session after the references were told.
type conversation struct {
	session
	adv     *packp.AdvRefs
	silence *silence
}

// tip asks the server which commit the reference names now: one request.
func (r *remote) tip(ctx context.Context) (tip, error) {
	var found tip
	err := r.talk(ctx, func(_ context.Context, c conversation) (err error) {
		found, err = r.ref.tip(c.adv)
		return err
	})
	return found, err
}

// download stores the commit that the reference names now, with its files, and
// returns its hash.
func (r *remote) download(ctx context.Context, into *store) (plumbing.Hash, error) {
	var found tip
	err := r.talk(ctx, func(ctx context.Context, c conversation) (err error) {
		if found, err = r.ref.tip(c.adv); err != nil {
			return err
		}
		request, err := r.request(c.adv, found.want)
		if err != nil {
			return err
		}
		response, err := c.UploadPack(ctx, request)
		if err != nil {
			return err
		}
		pack := demultiplex(request.Capabilities, c.silence.heard(response))
		return errors.Join(packfile.UpdateObjectStorage(into.storage, pack), response.Close())
	})
	if err == nil && !into.has(found.commit) {
		err = noCommit(r.ref)
	}
	return found.commit, err
}

// talk opens a conversation, lets use lead it, and closes it. An error comes
// back in words for a person.
func (r *remote) talk(ctx context.Context, use func(context.Context, conversation) error) error {
	ctx, watch := watchSilence(ctx, r.timeout)
	defer watch.stop()
	session, login, release, err := r.open(ctx)
	if err != nil {
		return r.explain(ctx, login, err)
	}
	defer release()
	return r.explain(ctx, login, func() error {
		// All that was asked for has been read or has failed by then, so that
		// the server's last words don't matter.
		defer func() { _ = session.Close() }()
		adv, err := session.AdvertisedReferencesContext(ctx)
		if err != nil {
			return err
		}
		watch.sound()
		return use(ctx, conversation{session, adv, watch})
	}())
}

// open makes ready for a conversation. What it leads over is its own: nothing
// is shared with the rest of the process, and nothing is left after release.
func (r *remote) open(ctx context.Context) (s session, l login, release func(), err error) {
	endpoint := r.address.endpoint
	switch {
	case r.address.local():
		client := file.NewClient(transport.UploadPackServiceName, transport.ReceivePackServiceName)
		s, err = client.NewUploadPackSession(&endpoint, nil)
		return s, l, func() {}, err
	case r.address.ssh():
		s, release, err = r.openSSH(ctx)
		return s, l, release, err
	case !r.address.web():
		return r.openDaemon(ctx), l, func() {}, nil
	}
	client, release, err := r.httpClient()
	if err != nil {
		return nil, l, nil, told{err}
	}
	if l, err = r.login(ctx, client); err == nil {
		s, err = githttp.NewClient(client).NewUploadPackSession(&endpoint, l.method())
	}
	if err != nil {
		release()
	}
	return s, l, release, err
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
