package source

import (
	"cmp"
	"context"
	"time"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
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
	most    int // bytes of a pack that are taken; 0: all
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
		return use(ctx, conversation{session: session, adv: adv, silence: watch})
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
