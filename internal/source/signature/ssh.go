package signature

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"
)

// namespace is what git signs for (PROTOCOL.sshsig in OpenSSH).
const namespace = "git"

// ssh returns who made an ssh signature.
func (k Keys) ssh(payload, armored []byte, signed time.Time) (string, error) {
	made, err := sshsig.Unarmor(armored)
	if err != nil {
		return "", Refusal("has an ssh signature that can't be read (" + printable(err.Error()) + "): sign anew")
	}
	with := fmt.Sprintf("ssh key %s %s", made.PublicKey.Type(), ssh.FingerprintSHA256(made.PublicKey))
	if k.AllowedSigners == "" {
		return "", Refusal("is signed with " + with + ", and source.verify names no ssh_allowed_signers_file: sign with an OpenPGP key that is listed")
	}
	signers, err := readAllowedSigners(k.AllowedSigners)
	if err != nil {
		return "", err
	}
	switch {
	case made.Namespace != namespace:
		err = fmt.Errorf("the signature is for the namespace %q and not for git: sign with git", printable(made.Namespace))
	case made.Signature.Format == ssh.KeyAlgoRSA: // behind a certificate, of which sshsig doesn't look at the key
		err = errors.New("the signature is by SHA-1, which can be forged: sign anew, with OpenSSH 8.1 or later")
	case sshsig.Verify(bytes.NewReader(payload), made, made.PublicKey, made.HashAlgorithm, namespace) != nil:
		err = fmt.Errorf("%w: find out who altered it", errAltered)
	default:
		principal, err := find(signers, made.PublicKey, signed)
		if err == nil {
			return fmt.Sprintf("%s (%s)", printable(principal), with), nil
		}
		return "", Refusal("is signed with " + with + ", " + err.Error())
	}
	return "", Refusal("is signed with " + with + ", and " + err.Error())
}

func readAllowedSigners(name string) ([]*allowedSigner, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read ssh_allowed_signers_file: %w", err)
	}
	var signers []*allowedSigner
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		signer, err := parseAllowedSigner(line)
		if err != nil {
			return nil, fmt.Errorf("read ssh_allowed_signers_file: %s:%d: %w: see ALLOWED SIGNERS in ssh-keygen(1)", name, i+1, err)
		}
		signers = append(signers, signer)
	}
	return signers, nil
}

// find returns the principal of the first line that lets the key sign at that
// time; the error is why none does, as the end of a sentence about the key.
func find(signers []*allowedSigner, key ssh.PublicKey, at time.Time) (principal string, err error) {
	why := "which ssh_allowed_signers_file doesn't list: sign with a key that it lists"
	for _, s := range signers {
		principal, listed := s.principalOf(key, at)
		switch {
		case !listed:
			continue
		case principal == "":
			why = "whose certificate the authority in ssh_allowed_signers_file doesn't vouch for at that time and with those principals: sign with a key that is listed"
		case s.namespaces != nil && !matches(namespace, s.namespaces):
			why = fmt.Sprintf("which is listed for %s and not for the namespace git: sign with a key that is", principal)
		case !s.after.IsZero() && at.Before(s.after), !s.before.IsZero() && at.After(s.before):
			why = fmt.Sprintf("which is listed for %s, but not for %s, the time of signing: sign with a key that is valid",
				principal, at.UTC().Format(time.RFC3339))
		default:
			return principal, nil
		}
	}
	return "", errors.New(printable(why))
}
