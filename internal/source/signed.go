package source

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/policysync/policysync/internal/source/signature"
)

// ErrRefused says that there is a commit that may not be used: it isn't signed
// as it must be, or the branch was moved back or aside to it.
var ErrRefused = errors.New("the commit is refused")

// refused is a sentence about why; it matches ErrRefused.
type refused string

// Error returns the sentence.
func (r refused) Error() string { return string(r) }

// Is makes errors.Is(err, ErrRefused) true.
func (r refused) Is(target error) bool { return target == ErrRefused }

// signed is the object whose signature vouches for a commit: itself or, where a
// tag is followed, the annotated tag.
type signed struct {
	hash      plumbing.Hash
	what, by  string // for people
	payload   []byte // all but the signature
	signature []byte // armored; none: it isn't signed
	time      time.Time
}

// signer returns who signed it, in words. What is not signed by one of the keys
// is an error that matches ErrRefused; who needs no keys is told nothing.
func (s signed) signer(keys signature.Keys) (string, error) {
	if keys.IsZero() {
		return "", nil
	}
	signer, err := keys.Signer(s.payload, s.signature, s.time)
	if because, is := errors.AsType[signature.Refusal](err); is {
		return "", refused(fmt.Sprintf("%s by %s is refused: %s", s.what, oneLine(s.by), because))
	}
	return signer, err
}

// signedCommit takes a commit apart. (EncodeWithoutSignature of go-git takes more
// than one signature out, and so would let pass what the other doesn't cover.)
func (s *store) signedCommit(commit *object.Commit) (signed, error) {
	_, raw, err := s.read(commit.Hash)
	if err != nil {
		return signed{}, err
	}
	payload, armored := cutHeader(raw)
	return signed{
		hash: commit.Hash, what: "commit " + commit.Hash.String(), by: commit.Committer.String(),
		payload: payload, signature: armored, time: signedAt(commit.Committer),
	}, nil
}

// signedTag takes an annotated tag of a commit apart. It must be the tag that is
// followed: one that bears another name was signed to say something else.
func (s *store) signedTag(found tip, name string) (signed, error) {
	if found.want == found.commit {
		return signed{}, refused("tag " + name + " is refused: it is a lightweight tag, which can't be signed: make it anew with `git tag -s`")
	}
	kind, raw, err := s.read(found.want)
	if err != nil {
		return signed{}, err
	}
	tag := &object.Tag{}
	if kind != plumbing.TagObject {
		err = fmt.Errorf("%s is a %s", found.want, kind)
	} else {
		err = tag.Decode(newObject(kind, raw))
	}
	if err != nil {
		return signed{}, fmt.Errorf("read tag %s: %w", name, err)
	}
	if tag.Name != name || tag.Target != found.commit || tag.TargetType != plumbing.CommitObject {
		return signed{}, refused(fmt.Sprintf("tag %s is refused: its tag object %s says tag %q of %s %s: make it anew with `git tag -s`",
			name, found.want, tag.Name, tag.TargetType, tag.Target))
	}
	at := lastSignature(raw)
	return signed{
		hash: found.want, what: fmt.Sprintf("tag %s, which names commit %s,", name, found.commit), by: tag.Tagger.String(),
		payload: raw[:at], signature: raw[at:], time: signedAt(tag.Tagger),
	}, nil
}

// signedAt returns when that was or, where it can't be told, now, as git does.
func signedAt(who object.Signature) time.Time {
	if who.When.IsZero() {
		return time.Now()
	}
	return who.When
}

// cutHeader takes the signature out of a commit: the lines that begin with
// gpgsig and those that go on from there, indented by a space
// (gitformat-signature). Of several, one for another hash for example, none
// would cover the whole: together they are no signature.
func cutHeader(raw []byte) (payload, armored []byte) {
	body, inside := false, false
	for line := range bytes.Lines(raw) {
		body = body || line[0] == '\n'
		inside = !body && (inside && line[0] == ' ' || bytes.HasPrefix(line, []byte("gpgsig")))
		if !inside {
			payload = append(payload, line...)
			continue
		}
		_, text, _ := bytes.Cut(line, []byte(" "))
		armored = append(armored, text...)
	}
	return payload, armored
}

// lastSignature returns where a tag's signature begins: at the last line that
// any does (gpg-interface.c in git, parse_signed_buffer).
func lastSignature(raw []byte) int {
	last, at := len(raw), 0
	for line := range bytes.Lines(raw) {
		if signature.Begins(line) {
			last = at
		}
		at += len(line)
	}
	return last
}
