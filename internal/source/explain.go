package source

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"strings"
	"unicode"

	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
)

// longestMessage caps what is passed on of a server's words, in characters:
// go-git's errors hold whole HTML pages.
const longestMessage = 200

// explain turns the error of a conversation into one short line that says what
// to do, without the password. The server's own words are kept only where
// nothing better is known.
func (r *remote) explain(ctx context.Context, l login, err error) error {
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	switch {
	case errors.Is(err, ErrNotFound), errors.As(err, &told{}):
		return err
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed):
		if r.tokens != nil {
			r.tokens.Forget()
			return errors.New("the server refused the GitHub App's token: check that the app is installed for this repository")
		}
		return l.refused(err)
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		return notFound("the repository has no commits yet: push one to " + r.ref.String())
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return r.noRepository()
	case errors.Is(err, exec.ErrNotFound):
		return errors.New("git-upload-pack is not installed: local repositories are read with it, so install git or use an https URL")
	case errors.Is(err, pktline.ErrInvalidPktLen):
		return errors.New("the server's answer is not Git's: check that the URL is that of the repository and not of a web or login page")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, packp.ErrEmptyInput):
		return errors.New("the server hung up in the middle of its answer: " + oneLine(l.scrub(err.Error())))
	case r.ref.pinned() && strings.Contains(err.Error(), "not our ref"):
		return noCommit(r.ref)
	}
	return errors.New(oneLine(l.scrub(err.Error())))
}

// told is an error that is in words for a person already.
type told struct{ error }

// Unwrap returns the error itself.
func (t told) Unwrap() error { return t.error }

// toldOf returns err as told, or nil.
func toldOf(err error) error {
	if err == nil {
		return nil
	}
	return told{err}
}

func (r *remote) noRepository() error {
	switch {
	case r.address.local():
		return notFound("there is no Git repository: check the path")
	case r.address.ssh():
		return notFound("there is no Git repository, or this key may not read it: check the URL, and what the key is registered for")
	case !r.address.web():
		return notFound("there is no Git repository, or git-daemon doesn't export it: check the URL")
	}
	return notFound("there is no Git repository, or this user may not see it: check the URL, user name and password")
}

// noCommit says that a pinned commit is not in the repository.
func noCommit(r reference) error {
	return notFound(r.String() + " is not in the repository's branches and tags")
}

// refused says what to check when the server turned the login down. It does not
// name the user: some hosts take a token in its place.
func (l login) refused(err error) error {
	if l.username == "" {
		return errors.New("the server wants a user name and password: set them for this source")
	}
	if errors.Is(err, transport.ErrAuthorizationFailed) {
		return errors.New("the server does not let this user read the repository: check the rights of the user or token")
	}
	return errors.New("the server refused the user name and password: check both, and whether the token has expired")
}

// oneLine makes any text one line of printable characters of bearable length.
func oneLine(text string) string {
	text = strings.Map(func(c rune) rune {
		if unicode.IsSpace(c) {
			return ' '
		}
		if !unicode.IsPrint(c) {
			return -1
		}
		return c
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > longestMessage {
		return string(runes[:longestMessage]) + "…"
	}
	return text
}
