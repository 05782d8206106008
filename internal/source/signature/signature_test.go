package signature_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"

	"github.com/policysync/policysync/internal/source/signature"
)

// The files of testdata were made by ssh-keygen and gpg: public keys, and
// signatures of payload in git's namespace unless their name says otherwise.
func fixture(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// signed is when the payload says that it was signed.
var signed = time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC)

// allow writes a file of allowed signers.
func allow(t testing.TB, text string) signature.Keys {
	t.Helper()
	file := filepath.Join(t.TempDir(), "allowed_signers")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return signature.Keys{AllowedSigners: file, OpenPGP: filepath.Join("testdata", "openpgp.asc")}
}

func TestSignaturesOfEachKind(t *testing.T) {
	t.Parallel()
	keys := allow(t, "ed@example.com "+fixture(t, "ed25519.pub")+"ec@example.com "+fixture(t, "ecdsa.pub")+"rsa@example.com "+fixture(t, "rsa.pub"))
	for name, want := range map[string]string{
		"ed25519.sig": "ed@example.com (ssh key ssh-ed25519 SHA256:",
		"sha256.sig":  "ed@example.com (ssh key ssh-ed25519 SHA256:",
		"ecdsa.sig":   "ec@example.com (ssh key ecdsa-sha2-nistp256 SHA256:",
		"rsa.sig":     "rsa@example.com (ssh key ssh-rsa SHA256:",
		"openpgp.sig": "Ann <ann@example.com> (OpenPGP ",
	} {
		if got, err := keys.Signer([]byte(fixture(t, "payload")), []byte(fixture(t, name)), signed); err != nil || !strings.HasPrefix(got, want) {
			t.Errorf("%s: signed by %q (%v), want %q", name, got, err, want)
		}
	}
}

// A security key signs more than it is given (PROTOCOL.u2f in OpenSSH).
func TestSignatureOfASecurityKey(t *testing.T) {
	t.Parallel()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.ParsePublicKey(ssh.Marshal(struct {
		Name   string
		Public []byte
		App    string
	}{ssh.KeyAlgoSKED25519, public, "ssh:"}))
	if err != nil {
		t.Fatal(err)
	}
	keys := allow(t, "ann@example.com "+string(ssh.MarshalAuthorizedKey(key)))
	payload := fixture(t, "payload")
	for touched, want := range map[byte]string{1: "", 0: "and the signature is not of this content: find out who altered it"} {
		made, err := sshsig.Sign(strings.NewReader(payload), securityKey{key, private, touched}, sshsig.HashSHA512, "git")
		if err != nil {
			t.Fatal(err)
		}
		who, err := keys.Signer([]byte(payload), sshsig.Armor(made), signed)
		if want == "" && (err != nil || !strings.HasPrefix(who, "ann@example.com (ssh key sk-ssh-ed25519@openssh.com ")) {
			t.Errorf("signed by %q (%v)", who, err)
		} else if want != "" && (err == nil || !strings.HasSuffix(err.Error(), want)) {
			t.Errorf("not touched: signed by %q (%v)", who, err)
		}
	}
}

// securityKey signs as one does that was touched, or was not.
type securityKey struct {
	public  ssh.PublicKey
	private ed25519.PrivateKey
	touched byte
}

func (k securityKey) PublicKey() ssh.PublicKey { return k.public }

func (k securityKey) Sign(_ io.Reader, message []byte) (*ssh.Signature, error) {
	app, digest := sha256.Sum256([]byte("ssh:")), sha256.Sum256(message)
	flags := []byte{k.touched, 0, 0, 0, 7} // and how often it has signed
	return &ssh.Signature{
		Format: ssh.KeyAlgoSKED25519, Rest: flags,
		Blob: ed25519.Sign(k.private, slices.Concat(app[:], flags, digest[:])),
	}, nil
}

func TestSignaturesThatDoNotCount(t *testing.T) {
	t.Parallel()
	keys := allow(t, "ed@example.com "+fixture(t, "ed25519.pub"))
	ed, openPGP := fixture(t, "ed25519.sig"), fixture(t, "openpgp.sig")
	for name, c := range map[string]struct{ armored, want string }{
		"none":                  {"", "it is not signed: sign with a key that source.verify lists"},
		"another namespace":     {fixture(t, "namespace.sig"), `and the signature is for the namespace "file" and not for git: sign with git`},
		"another payload's ssh": {fixture(t, "ecdsa.sig"), "which ssh_allowed_signers_file doesn't list: sign with a key that it lists"},
		"SHA-1":                 {fixture(t, "sha1.sig"), "and the signature is by SHA-1, which can be forged, or in text mode: sign anew, with gpg's defaults"},
		"text mode":             {fixture(t, "text.sig"), "and the signature is by SHA-1, which can be forged, or in text mode: sign anew, with gpg's defaults"},
		"two":                   {ed + ed, "it has a signature that is not one whole OpenPGP or ssh signature: sign anew"},
		"two kinds":             {openPGP + ed, "it has a signature that is not one whole OpenPGP or ssh signature: sign anew"},
		"cut off":               {ed[:100], "it has a signature that is not one whole OpenPGP or ssh signature: sign anew"},
		"before it":             {"x\n" + ed, "it has a signature that is not one whole OpenPGP or ssh signature: sign anew"},
		"no ssh inside":         {"-----BEGIN SSH SIGNATURE-----\nYQ==\n-----END SSH SIGNATURE-----", "it has an ssh signature that can't be read (ssh: short read): sign anew"},
		"no OpenPGP inside":     {"-----BEGIN PGP SIGNATURE-----\n\nYQ==\n-----END PGP SIGNATURE-----", "it has an OpenPGP signature that can't be read ("},
		"X.509":                 {"-----BEGIN SIGNED MESSAGE-----\nYQ==\n-----END SIGNED MESSAGE-----", "it is signed with an X.509 certificate, which can't be checked here: sign with an OpenPGP or ssh key"},
	} {
		who, err := keys.Signer([]byte(fixture(t, "payload")), []byte(c.armored), signed)
		refusal, is := errors.AsType[signature.Refusal](err)
		if !is || !strings.Contains(refusal.Error(), c.want) {
			t.Errorf("%s: signed by %q (%v), want %q", name, who, err, c.want)
		}
	}
	for _, name := range []string{"ed25519.sig", "openpgp.sig"} {
		_, err := keys.Signer([]byte(fixture(t, "payload")+"\n"), []byte(fixture(t, name)), signed)
		if err == nil || !strings.Contains(err.Error(), "and the signature is not of this content") {
			t.Errorf("%s of another payload: %v", name, err)
		}
	}
}

func TestMistakesInAllowedSigners(t *testing.T) {
	t.Parallel()
	key := strings.TrimSpace(fixture(t, "ed25519.pub"))
	const shape, none = "the line must be principals, options and a key", "there is no public key after the principals and options"
	for line, want := range map[string]string{
		"ann@example.com":                                         shape,
		"ann@example.com ":                                        shape,
		"a@example.com,,b@example.com " + key:                     shape,
		`"" ` + key:                                               shape,
		`"ann@example.com`:                                        shape,
		key:                                                       none,
		"ann@example.com ssh-ed25519":                             none,
		"ann@example.com ssh-ed25519 AAAA":                        none,
		"ann@example.com " + key[4:]:                              none,
		"ann@example.com # " + key:                                none,
		`ann@example.com namespaces="git ` + key:                  none,
		"ann@example.com restrict " + key:                         `option "restrict" is unknown`,
		`ann@example.com namespace="git" ` + key:                  `option "namespace" is unknown`,
		"ann@example.com namespaces=git " + key:                   `option "namespaces" needs a value in quotes`,
		"ann@example.com namespaces " + key:                       `option "namespaces" needs a value in quotes`,
		"ann@example.com cert-authority= " + key:                  `option "cert-authority" is unknown`,
		`a valid-after="2026" ` + key:                             `time "2026" is not YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, with Z for UTC`,
		`a valid-after="20261301" ` + key:                         `time "20261301" is not YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, with Z for UTC`,
		`a valid-after="+0261201" ` + key:                         `time "+0261201" is not YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, with Z for UTC`,
		`a namespaces="x",NAMESPACES="y" ` + key:                  `option "namespaces" is given twice`,
		`a valid-after="20260102",valid-before="20260101" ` + key: "valid-before is not after valid-after",
	} {
		keys := allow(t, "\n# people\n"+line+"\n")
		_, err := keys.Signer([]byte(fixture(t, "payload")), []byte(fixture(t, "ed25519.sig")), signed)
		if prefix := "read ssh_allowed_signers_file: " + keys.AllowedSigners + ":3: "; err == nil || !strings.HasPrefix(err.Error(), prefix+want) {
			t.Errorf("%s: error %v, want %s", line, err, want)
		}
	}
}

func FuzzAllowedSigners(f *testing.F) {
	key := strings.TrimSpace(fixture(f, "ed25519.pub"))
	for _, text := range []string{
		"", "# none", "ann@example.com " + key, `"Ann",!eve* namespaces="git,f?le",valid-before="20301231" ` + key,
		`* cert-authority,valid-after="20200101000000Z" ` + key + " comment", "ann@example.com\t" + key + "\r\n",
		`a namespaces="\"" ` + key, "a " + strings.TrimSpace(fixture(f, "rsa.pub")),
	} {
		f.Add(text)
	}
	payload, armored, keys := []byte(fixture(f, "payload")), []byte(fixture(f, "ed25519.sig")), allow(f, "")
	_, blob, _ := strings.Cut(key, " ")
	blob, _, _ = strings.Cut(blob, " ")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(keys.AllowedSigners, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		who, err := keys.Signer(payload, armored, signed)
		if err == nil && !strings.Contains(text, blob) {
			t.Errorf("signed by %q though the file doesn't have the key", who)
		}
		if err != nil && strings.ContainsAny(err.Error(), "\x00\n\r") {
			t.Errorf("error %q", err)
		}
	})
}

func FuzzSigner(f *testing.F) {
	payload := fixture(f, "payload")
	for _, name := range []string{"ed25519.sig", "ecdsa.sig", "rsa.sig", "sha256.sig", "namespace.sig", "openpgp.sig", "sha1.sig"} {
		f.Add(payload, fixture(f, name))
	}
	f.Add("", "-----BEGIN SIGNED MESSAGE-----")
	keys := allow(f, "ed@example.com "+fixture(f, "ed25519.pub")+"ec@example.com "+fixture(f, "ecdsa.pub")+"rsa@example.com "+fixture(f, "rsa.pub"))
	f.Fuzz(func(t *testing.T, signs, armored string) {
		who, err := keys.Signer([]byte(signs), []byte(armored), signed)
		if err == nil && signs != payload {
			t.Errorf("%q counts as signed by %q", signs, who)
		}
		if refusal, is := errors.AsType[signature.Refusal](err); err != nil && (!is || strings.ContainsAny(refusal.Error(), "\x00\n\r")) {
			t.Errorf("error %q", err)
		}
	})
}

// BenchmarkSigner is what each look at the repository costs more with keys.
func BenchmarkSigner(b *testing.B) {
	keys := allow(b, "ed@example.com "+fixture(b, "ed25519.pub")+"rsa@example.com "+fixture(b, "rsa.pub"))
	payload := []byte(fixture(b, "payload"))
	for _, name := range []string{"ed25519.sig", "rsa.sig", "openpgp.sig"} {
		armored := []byte(fixture(b, name))
		b.Run(strings.TrimSuffix(name, ".sig"), func(b *testing.B) {
			for b.Loop() {
				if _, err := keys.Signer(payload, armored, signed); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
