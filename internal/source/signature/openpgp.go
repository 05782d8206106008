package signature

import (
	"bufio"
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// skew is how far a signer's clock may be ahead of ours.
const skew = 5 * time.Minute

// openPGP returns who made an OpenPGP signature. As gpg does, it refuses keys
// that are revoked, have expired by now, or are not for signing.
func (k Keys) openPGP(payload, armored []byte) (string, error) {
	made, body, err := readSignature(armored)
	if err != nil {
		return "", Refusal("has an OpenPGP signature that can't be read (" + printable(err.Error()) + "): sign anew")
	}
	with := fmt.Sprintf("OpenPGP key %X", made.IssuerFingerprint)
	if len(made.IssuerFingerprint) == 0 {
		with = fmt.Sprintf("OpenPGP key %016X", *made.IssuerKeyId)
	}
	if k.OpenPGP == "" {
		return "", Refusal("is signed with " + with + ", and source.verify names no openpgp_keys_file: sign with an ssh key that is listed")
	}
	ring, err := readKeyRing(k.OpenPGP)
	if err != nil {
		return "", err
	}
	listed := ring.KeysById(*made.IssuerKeyId)
	if len(listed) == 0 {
		return "", Refusal("is signed with " + with + ", which openpgp_keys_file doesn't list: sign with a key that it lists")
	}
	signer := owner(listed[0].Entity)
	judged := &packet.Config{Time: func() time.Time { return time.Now().Add(skew) }}
	if made.Hash == crypto.SHA1 || made.SigType != packet.SigTypeBinary {
		err = errWeak
	} else {
		_, _, err = openpgp.VerifyDetachedSignature(ring, bytes.NewReader(payload), bytes.NewReader(body), judged)
	}
	if err != nil {
		return "", Refusal("is signed with " + with + " of " + signer + ", and " + objection(err))
	}
	return signer, nil
}

// errWeak says that a signature leaves too much open.
var errWeak = errors.New("SHA-1, or text")

// objection says what is wrong with a signature by a listed key.
func objection(err error) string {
	switch {
	case errors.Is(err, pgperrors.ErrUnknownIssuer):
		return "that key is not for signing: sign with one that is"
	case errors.Is(err, pgperrors.ErrKeyRevoked):
		return "that key is revoked: sign with another"
	case errors.Is(err, pgperrors.ErrKeyExpired):
		return "that key has expired: sign with another, or put it into openpgp_keys_file anew if its time was extended"
	case errors.Is(err, pgperrors.ErrSignatureExpired):
		return "the signature has expired or is from the future: sign anew, with the clock set right"
	case errors.Is(err, errWeak):
		return "the signature is by SHA-1, which can be forged, or in text mode: sign anew, with gpg's defaults"
	}
	return errAltered.Error() + " (" + printable(err.Error()) + "): find out who altered it"
}

// owner names a key and whose it is, as the key ring says.
func owner(key *openpgp.Entity) string {
	name := ""
	if identity := key.PrimaryIdentity(); identity != nil {
		name = printable(identity.Name) + " "
	}
	return fmt.Sprintf("%s(OpenPGP %X)", name, key.PrimaryKey.Fingerprint)
}

// readSignature returns the one signature in a block, and its bytes. Several are
// refused, as git does (gpg-interface.c, parse_gpg_output).
func readSignature(armored []byte) (*packet.Signature, []byte, error) {
	block, err := armor.Decode(bytes.NewReader(armored))
	if err != nil {
		return nil, nil, err
	}
	body, err := io.ReadAll(block.Body)
	if err != nil {
		return nil, nil, err
	}
	packets := packet.NewReader(bytes.NewReader(body))
	first, err := packets.Next()
	if err != nil {
		return nil, nil, err
	}
	made, is := first.(*packet.Signature)
	if !is || made.IssuerKeyId == nil {
		return nil, nil, errors.New("it doesn't say which key made it")
	}
	if _, err := packets.Next(); !errors.Is(err, io.EOF) {
		return nil, nil, errors.New("there is more than one")
	}
	return made, body, nil
}

// readKeyRing reads a file of public keys: armored blocks, or none of them.
func readKeyRing(name string) (openpgp.EntityList, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read openpgp_keys_file: %w", err)
	}
	ring, err := parseKeyRing(text)
	if err != nil {
		return nil, fmt.Errorf("read openpgp_keys_file: %s has no OpenPGP keys (%w): write it with `gpg --armor --export`", name, err)
	}
	if len(ring) == 0 {
		return nil, fmt.Errorf("read openpgp_keys_file: %s has no OpenPGP keys: write it with `gpg --armor --export`", name)
	}
	for _, key := range ring {
		if key.PrivateKey != nil {
			return nil, fmt.Errorf("read openpgp_keys_file: %s has the private key of %s: write only public ones, with `gpg --armor --export`", name, owner(key))
		}
	}
	return ring, nil
}

func parseKeyRing(text []byte) (openpgp.EntityList, error) {
	if !bytes.Contains(text, []byte("-----BEGIN PGP ")) {
		return openpgp.ReadKeyRing(bytes.NewReader(text))
	}
	var ring openpgp.EntityList
	for r := bufio.NewReader(bytes.NewReader(text)); ; {
		block, err := armor.Decode(r)
		if errors.Is(err, io.EOF) {
			return ring, nil
		}
		if err != nil {
			return nil, err
		}
		keys, err := openpgp.ReadKeyRing(block.Body)
		if err != nil {
			return nil, err
		}
		ring = append(ring, keys...)
	}
}
