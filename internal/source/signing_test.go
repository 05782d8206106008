//go:build system

package source_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/policysync/policysync/internal/source"
)

// sshKey is a key that ssh-keygen made.
type sshKey struct{ file, public string }

func newSSHKey(t testing.TB, options ...string) sshKey {
	t.Helper()
	k := sshKey{file: filepath.Join(t.TempDir(), "key")}
	keygen(t, append([]string{"-N", "", "-C", "a comment", "-f", k.file}, options...)...)
	k.public = read(t, k.file+".pub")
	return k
}

func keygen(t testing.TB, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "ssh-keygen", append([]string{"-q"}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func read(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// signs returns the settings with which git signs with the key.
func (k sshKey) signs() []string {
	return []string{"-c", "gpg.format=ssh", "-c", "user.signingkey=" + k.file + ".pub"}
}

// The users whose OpenPGP keys there are, all of which may sign.
const (
	ann  = "Ann <ann@example.com>" // with a subkey
	eve  = "Eve <eve@example.com>"
	old  = "Old <old@example.com>"   // at the start of 2025; then the key expired
	lost = "Lost <lost@example.com>" // until the key was revoked, which only revoked.gpg says
)

// makeKeys makes them in the GnuPG home of the tests, once for all.
var makeKeys = sync.OnceValue(func() error {
	return shell(`set -eu
		gpg() { command gpg --batch --yes --quiet --pinentry-mode loopback --passphrase '' "$@"; }
		fingerprint() { gpg --with-colons --list-keys "$1" | sed -n 's/^fpr:*//;T;s/:$//p' | head -n 1; }
		gpg --quick-gen-key '` + ann + `' rsa2048 cert never
		gpg --quick-add-key "$(fingerprint ann@)" ed25519 sign never
		gpg --quick-gen-key '` + eve + `' ed25519 sign never
		gpg --faked-system-time 20250101T000000 --quick-gen-key '` + old + `' ed25519 sign 7d
		gpg --quick-gen-key '` + lost + `' ed25519 sign never
		mkdir -m 700 "$GNUPGHOME/other"
		gpg --export lost@ | gpg --homedir "$GNUPGHOME/other" --import
		sed 's/^:---/---/' "$GNUPGHOME/openpgp-revocs.d/$(fingerprint lost@).rev" | gpg --homedir "$GNUPGHOME/other" --import
		gpg --homedir "$GNUPGHOME/other" --export > "$GNUPGHOME/revoked.gpg"
		echo 'exec gpg --faked-system-time 20250102T000000 "$@"' > "$GNUPGHOME/gpg-of-2025"
		chmod +x "$GNUPGHOME/gpg-of-2025"
	`)
})

func shell(script string) error {
	c := exec.CommandContext(context.Background(), "sh", "-c", script)
	c.Stderr = os.Stderr
	return c.Run()
}

// inGnuPG names a file in GnuPG's home.
func inGnuPG(name string) string { return filepath.Join(os.Getenv("GNUPGHOME"), name) }

// export writes a file of public keys.
func export(t testing.TB, options string, users ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "keys")
	err := makeKeys()
	for _, user := range users {
		if err == nil {
			err = shell("gpg --batch --quiet --export " + options + " '" + user + "' >> '" + file + "'")
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// signsAs returns the settings with which git signs with a user's OpenPGP key.
func signsAs(user string) []string {
	if user == old {
		return []string{"-c", "gpg.program=" + inGnuPG("gpg-of-2025"), "-c", "user.signingkey=" + user}
	}
	return []string{"-c", "user.signingkey=" + user}
}

// sign puts a signed commit with the files of main on top of it.
func (r *repository) sign(settings ...string) string {
	r.t.Helper()
	commit := r.git(append(settings, "commit-tree", "-S", "-p", "main", "-m", "signed", "main^{tree}")...)
	r.git("update-ref", "refs/heads/main", commit)
	return commit
}

// signTag makes or moves a signed tag of main.
func (r *repository) signTag(name string, settings ...string) {
	r.t.Helper()
	r.git(append(settings, "tag", "--sign", "--force", "-m", "release", name, "main")...)
}

// alter stores an object that is another as edit says, and has a branch or tag
// name it.
func (r *repository) alter(kind, ref string, edit func(string) string) string {
	r.t.Helper()
	text := edit(r.git("cat-file", kind, ref) + "\n")
	hash := r.run(text, "--git-dir="+r.dir, "hash-object", "-t", kind, "-w", "--literally", "--stdin")
	r.git("update-ref", ref, hash)
	return hash
}

// allow writes a file of allowed signers.
func allow(t testing.TB, lines ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "allowed_signers")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// trusting returns options that want a signature by the keys in either file.
func trusting(o source.Options, openPGP, allowedSigners string) source.Options {
	o.Trusted.OpenPGP, o.Trusted.AllowedSigners = openPGP, allowedSigners
	return o
}
