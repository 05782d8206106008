// Package signature tells whether something in Git is signed by one of the keys
// that files list: OpenPGP keys, or those of OpenSSH's allowed_signers.
//
//	signature ──► OpenPGP ──► key ring        ──► who signed
//	          └─► ssh     ──► allowed_signers ──┘
//
// Both are judged as git judges them (gpg-interface.c), which asks gpg and
// ssh-keygen, and where that leaves a doubt more strictly.
package signature

import (
	"bytes"
	"errors"
	"strings"
	"time"
	"unicode"
)

// The first lines of armored signatures (gpg-interface.c in git).
const (
	beginOpenPGP = "-----BEGIN PGP SIGNATURE-----"
	beginSSH     = "-----BEGIN SSH SIGNATURE-----"
	beginX509    = "-----BEGIN SIGNED MESSAGE-----"
)

// Begins reports whether a signature begins with text.
func Begins(text []byte) bool {
	for _, first := range []string{beginOpenPGP, beginSSH, beginX509} {
		if bytes.HasPrefix(text, []byte(first)) {
			return true
		}
	}
	return false
}

// Keys are the files with the keys of those whose signatures count; "" is none.
// They are read at each use.
type Keys struct {
	OpenPGP        string // public keys, armored or not
	AllowedSigners string // as ssh-keygen(1) describes it
}

// IsZero reports whether there are no keys at all.
func (k Keys) IsZero() bool { return k == Keys{} }

// Refusal is why a signature doesn't count: a phrase about what is signed, such
// as "is not signed", which says who signed it with what and ends in what to
// do. It is one line without control characters.
type Refusal string

// Error returns the phrase.
func (r Refusal) Error() string { return "it " + string(r) }

// Signer checks the armored signature of a payload and returns in words whose
// key made it. The time is when the payload says that it was signed: as git
// does, dates in allowed_signers are compared with it. An OpenPGP key must not
// have expired by now.
//
// The error is a Refusal, or about a file that can't be read.
func (k Keys) Signer(payload, armored []byte, signed time.Time) (string, error) {
	armored = bytes.TrimSpace(armored)
	switch {
	case len(armored) == 0:
		return "", Refusal("is not signed: sign with a key that source.verify lists")
	case bytes.HasPrefix(armored, []byte(beginX509)):
		return "", Refusal("is signed with an X.509 certificate, which can't be checked here: sign with an OpenPGP or ssh key")
	case whole(armored, beginSSH):
		return k.ssh(payload, armored, signed)
	case whole(armored, beginOpenPGP):
		return k.openPGP(payload, armored)
	}
	return "", Refusal("has a signature that is not one whole OpenPGP or ssh signature: sign anew")
}

// whole reports whether the text is one armored block and nothing besides.
func whole(armored []byte, begin string) bool {
	end := strings.Replace(begin, "BEGIN", "END", 1)
	return bytes.HasPrefix(armored, []byte(begin)) && bytes.HasSuffix(armored, []byte(end)) &&
		bytes.Count(armored, []byte("-----BEGIN ")) == 1 && bytes.Count(armored, []byte("-----END ")) == 1
}

// errAltered says that the signature is of other content.
var errAltered = errors.New("the signature is not of this content")

// printable makes a name out of a key or a file one line.
func printable(name string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, "�"))
}
