package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
)

// stream leads to one git-upload-pack, which answers one request and ends.
// Its reads and writes fail once the context that it was made with ends.
type stream interface {
	io.ReadWriteCloser
	// because returns err or, where the server has said more, that.
	because(err error) error
}

// streamSession is a conversation over streams (gitprotocol-pack): the server
// tells its references, then takes a request. go-git has one for ssh too, but
// it reads ~/.ssh/config, asks an agent and can't be given up while it connects.
type streamSession struct {
	start  func() (stream, error)
	stream stream // nil before the references are told and after a request
}

// AdvertisedReferencesContext starts a git-upload-pack and returns what it
// tells. The context is that of start.
func (s *streamSession) AdvertisedReferencesContext(context.Context) (*packp.AdvRefs, error) {
	started, err := s.start()
	if err != nil {
		return nil, err
	}
	s.stream = started
	adv := packp.NewAdvRefs()
	switch err := adv.Decode(started); {
	case errors.Is(err, packp.ErrEmptyAdvRefs), err == nil && adv.IsEmpty():
		return nil, transport.ErrEmptyRemoteRepository
	case err != nil:
		return nil, missing(started.because(err))
	}
	transport.FilterUnsupportedCapabilities(adv.Capabilities)
	return adv, nil
}

// UploadPack sends a request, to another git-upload-pack where the one that
// told the references has answered one already.
func (s *streamSession) UploadPack(ctx context.Context, request *packp.UploadPackRequest) (*packp.UploadPackResponse, error) {
	if s.stream == nil {
		if _, err := s.AdvertisedReferencesContext(ctx); err != nil {
			return nil, err
		}
	}
	used := s.stream
	s.stream = nil
	// Who refuses a request may hang up while it is written: what was said
	// before is still there to be read.
	sent := errors.Join(request.UploadRequest.Encode(used), request.UploadHaves.Encode(used, false), pktline.NewEncoder(used).EncodeString("done\n"))
	response := packp.NewUploadPackResponse(request)
	if err := response.Decode(used); err != nil {
		return nil, errors.Join(used.because(err), sent, used.Close())
	}
	return response, nil
}

// Close ends the git-upload-pack that has had no request.
func (s *streamSession) Close() error {
	if s.stream == nil {
		return nil
	}
	return errors.Join(pktline.NewEncoder(s.stream).Flush(), s.stream.Close())
}

// missing turns the words with which hosts say that a repository isn't there,
// or isn't for us, into one error.
func missing(err error) error {
	for _, words := range []string{
		"does not appear to be a git repository",                         // git-upload-pack
		"access denied or repository not exported", "no such repository", // git-daemon
		"epository not found", "epository does not exist", "could not be found", // GitHub, Bitbucket, Gogs, GitLab
	} {
		if strings.Contains(err.Error(), words) {
			return fmt.Errorf("%w: %w", transport.ErrRepositoryNotFound, err)
		}
	}
	return err
}
