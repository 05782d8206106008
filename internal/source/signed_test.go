//go:build system

package source_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/policysync/policysync/internal/source"
)

// wantRefusal checks that Fetch refuses the commit and says what matches.
func wantRefusal(t testing.TB, g *source.Git, pattern string) {
	t.Helper()
	err := fetchError(t, g)
	if !errors.Is(err, source.ErrRefused) || !regexp.MustCompile(pattern+"$").MatchString(err.Error()) {
		t.Errorf("error %q (refused: %t), want one that ends in %q", err, errors.Is(err, source.ErrRefused), pattern)
	}
}

// gitAccepts reports what git itself says of main.
func (r *repository) gitAccepts(allowedSigners string) bool {
	c := exec.CommandContext(r.t.Context(), "git", "--git-dir="+r.dir, "-c", "gpg.ssh.allowedSignersFile="+allowedSigners, "verify-commit", "main")
	return c.Run() == nil
}

func TestCommitMustBeSignedByAListedSSHKey(t *testing.T) {
	t.Parallel()
	ed, ecdsa, rsa, stranger, authority := newSSHKey(t, "-t", "ed25519"), newSSHKey(t, "-t", "ecdsa", "-b", "384"),
		newSSHKey(t, "-t", "rsa", "-b", "2048"), newSSHKey(t, "-t", "ed25519"), newSSHKey(t, "-t", "ed25519")
	certified := newSSHKey(t, "-t", "ed25519")
	keygen(t, "-s", authority.file, "-I", "id", "-n", "carol@example.com,carol@example.org", "-V", "20261001:20261201", certified.file+".pub")
	certified.file = strings.TrimSuffix(certified.file+"-cert.pub", ".pub")
	keygen(t, "-s", authority.file, "-I", "id", "-n", "x@example.com", "-V", "20250101:20250201", stranger.file+".pub")
	outdated := sshKey{file: stranger.file + "-cert"}
	const with = `with ssh key \S+ SHA256:\S{43}, `
	for name, c := range map[string]struct {
		by      sshKey
		allowed []string
		signer  string // a pattern; "": it is refused
		refusal string
	}{
		"ed25519":            {ed, []string{"# people", "", "ann@example.com " + ed.public}, `ann@example.com \(ssh key ssh-ed25519 SHA256:\S{43}\)`, ""},
		"ecdsa":              {ecdsa, []string{"bob@example.com,bob@example.org " + ecdsa.public}, `bob@example.com \(ssh key ecdsa-sha2-nistp384 .*`, ""},
		"rsa":                {rsa, []string{"ann@example.com " + ed.public, "\tzoe@example.com\t" + rsa.public + "\r"}, `zoe@example.com \(ssh key ssh-rsa .*`, ""},
		"pattern":            {ed, []string{"!eve@example.com,*@example.com " + ed.public}, `\*@example.com .*`, ""},
		"quoted":             {ed, []string{`"Ann of Example" ` + ed.public}, `Ann of Example .*`, ""},
		"namespace":          {ed, []string{`ann@example.com NAMESPACES="file,g?t" ` + ed.public}, `ann@example.com .*`, ""},
		"valid":              {ed, []string{`ann@example.com valid-after="20261102",valid-before="20261103" ` + ed.public}, `ann@example.com .*`, ""},
		"valid to a second":  {ed, []string{`ann@example.com valid-after="20261102100000Z",valid-before="20261102100001UTC" ` + ed.public}, `ann@example.com .*`, ""},
		"valid until then":   {ed, []string{`ann@example.com valid-before="20261102100000Z" ` + ed.public}, `ann@example.com .*`, ""},
		"second line":        {ed, []string{`a@example.com valid-before="20200101" ` + ed.public, "b@example.com " + ed.public}, `b@example.com .*`, ""},
		"certificate":        {certified, []string{"*@example.org cert-authority " + authority.public}, `carol@example.org \(ssh key ssh-ed25519-cert-v01@openssh.com .*`, ""},
		"listed as itself":   {certified, []string{"carol@example.com " + certified.public}, "", with + "which ssh_allowed_signers_file doesn't list: sign with a key that it lists"},
		"not listed":         {stranger, []string{"ann@example.com " + ed.public}, "", with + "which ssh_allowed_signers_file doesn't list: sign with a key that it lists"},
		"empty list":         {ed, []string{""}, "", with + "which ssh_allowed_signers_file doesn't list: sign with a key that it lists"},
		"nobody's":           {ed, []string{"!ann@example.com " + ed.public}, "", with + "which ssh_allowed_signers_file doesn't list: .*"},
		"as authority":       {authority, []string{"*@example.com cert-authority " + authority.public}, "", with + "which ssh_allowed_signers_file doesn't list: .*"},
		"other namespace":    {ed, []string{`ann@example.com namespaces="file" ` + ed.public}, "", with + "which is listed for ann@example.com and not for the namespace git: sign with a key that is"},
		"negated namespace":  {ed, []string{`ann@example.com namespaces="*,!git" ` + ed.public}, "", with + "which is listed for ann@example.com and not for the namespace git: .*"},
		"too early":          {ed, []string{`ann@example.com valid-after="20261102100001Z" ` + ed.public}, "", with + "which is listed for ann@example.com, but not for 2026-11-02T10:00:00Z, the time of signing: sign with a key that is valid"},
		"too late":           {ed, []string{`ann@example.com valid-before="202611020959Z" ` + ed.public}, "", with + "which is listed for ann@example.com, but not for 2026-11-02T10:00:00Z, .*"},
		"other principals":   {certified, []string{"*@example.net cert-authority " + authority.public}, "", with + "whose certificate the authority in ssh_allowed_signers_file doesn't vouch for .*"},
		"certificate is old": {outdated, []string{"* cert-authority " + authority.public}, "", with + "whose certificate the authority in ssh_allowed_signers_file doesn't vouch for .*"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRepository(t, files{"a.yaml": "1"})
			commit := r.sign(c.by.signs()...)
			list := allow(t, c.allowed...)
			g := newGit(t, trusting(r.options(), "", list))
			if got := r.gitAccepts(list); got != (c.signer != "") {
				t.Errorf("git accepts it: %t", got)
			}
			if c.signer == "" {
				wantRefusal(t, g, "fetch branch main of "+r.dir+": commit "+commit+" by Bob <bob@example.com> is refused: it is signed "+c.refusal)
				return
			}
			if s := fetch(t, g); s.Commit != commit || !regexp.MustCompile("^"+c.signer+"$").MatchString(s.Signer) {
				t.Errorf("commit %s signed by %q, want %q", s.Commit, s.Signer, c.signer)
			}
		})
	}
}

func TestCommitMustBeSignedByAListedOpenPGPKey(t *testing.T) {
	t.Parallel()
	all := export(t, "--armor", ann, eve, old, lost)
	const with, key = `it is signed with OpenPGP key [0-9A-F]{40}`, ` \(OpenPGP [0-9A-F]{40}\), and `
	for name, c := range map[string]struct {
		by, keys string
		signer   string // "": it is refused
		refusal  string
	}{
		"subkey":          {ann, all, ann, ""},
		"primary key":     {eve, all, eve, ""},
		"binary file":     {eve, export(t, "", ann, eve), eve, ""},
		"not listed":      {eve, export(t, "", ann), "", with + ", which openpgp_keys_file doesn't list: sign with a key that it lists"},
		"expired":         {old, all, "", with + " of " + old + key + "that key has expired: sign with another, or put it .*"},
		"revoked":         {lost, inGnuPG("revoked.gpg"), "", with + " of " + lost + key + "that key is revoked: sign with another"},
		"not yet revoked": {lost, all, lost, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRepository(t, files{"a.yaml": "1"})
			commit := r.sign(signsAs(c.by)...)
			g := newGit(t, trusting(r.options(), c.keys, ""))
			if c.signer == "" {
				wantRefusal(t, g, "commit "+commit+" by Bob <bob@example.com> is refused: "+c.refusal)
				return
			}
			if s := fetch(t, g); s.Commit != commit || !strings.HasPrefix(s.Signer, c.signer+" (OpenPGP ") {
				t.Errorf("commit %s signed by %q, want %q", s.Commit, s.Signer, c.signer)
			}
		})
	}
}

func TestWhatIsSignedMustBeAllThatIsThere(t *testing.T) {
	t.Parallel()
	key := newSSHKey(t, "-t", "ed25519")
	openPGP, list := export(t, "", ann), allow(t, "ann@example.com "+key.public)
	replace := func(part, by string) func(string) string {
		return func(text string) string { return strings.Replace(text, part, by, 1) }
	}
	const altered = "and the signature is not of this content.*: find out who altered it"
	for name, edit := range map[string]struct {
		edit    func(string) string
		refusal string // "": it is good
	}{
		"as it was":           {func(text string) string { return text }, ""},
		"as GitHub ends it":   {replace("-----\n\n", "-----\n \n\n"), ""},
		"message":             {replace("signed\n", "sigmed\n"), altered},
		"line ends":           {replace("signed\n", "signed\r\n"), altered},
		"NUL and more":        {replace("signed\n", "signed\n\x00more"), altered},
		"another header":      {replace("\n\n", "\nencoding latin1\n\n"), altered},
		"another committer":   {replace("committer Bob", "committer Eve"), altered},
		"second signature":    {replace("\n\n", "\ngpgsig another\n one\n\n"), "it has a signature that is not one whole OpenPGP or ssh signature: sign anew"},
		"signature for SHA-2": {replace("\n\n", "\ngpgsig-sha256 another\n one\n\n"), "it has a signature that is not one whole OpenPGP or ssh signature: sign anew"},
		"after the signature": {replace("-----\n\n", "-----\n tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n\n"), "it has a signature that is not one whole OpenPGP or ssh signature: sign anew"},
		"in the message": {func(text string) string {
			_, body, _ := strings.Cut(text, "\ngpgsig ")
			return strings.Replace(strings.Replace(text, "\ngpgsig "+body, "", 1)+"\n\ngpgsig "+body, "\n\n\n", "\n\n", 1)
		}, "it is not signed: sign with a key that source.verify lists"},
		"no signature": {func(text string) string {
			headers, body, _ := strings.Cut(text, "\n\n")
			headers, _, _ = strings.Cut(headers, "\ngpgsig ")
			return headers + "\n\n" + body
		}, "it is not signed: sign with a key that source.verify lists"},
		"X.509": {func(text string) string {
			headers, body, _ := strings.Cut(text, "\n\n")
			headers, _, _ = strings.Cut(headers, "\ngpgsig ")
			return headers + "\ngpgsig -----BEGIN SIGNED MESSAGE-----\n MIIB\n -----END SIGNED MESSAGE-----\n\n" + body
		}, "it is signed with an X.509 certificate, which can't be checked here: sign with an OpenPGP or ssh key"},
	} {
		for kind, settings := range map[string][]string{"ssh": key.signs(), "OpenPGP": signsAs(ann)} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				r := newRepository(t, files{"a.yaml": "1"})
				r.sign(settings...)
				commit := r.alter("commit", "refs/heads/main", edit.edit)
				g := newGit(t, trusting(r.options(), openPGP, list))
				if edit.refusal != "" {
					wantRefusal(t, g, "commit "+commit+" by .* is refused: .*"+edit.refusal)
				} else if s := fetch(t, g); s.Commit != commit {
					t.Errorf("commit %s, want %s", s.Commit, commit)
				}
			})
		}
	}
}

func TestSignatureOfACommitWithOtherHeaders(t *testing.T) {
	t.Parallel()
	key := newSSHKey(t, "-t", "ed25519")
	r := newRepository(t, files{"a.yaml": "1"})
	first := r.git("rev-parse", "main")
	r.push("main", 1)
	r.signTag("v1", key.signs()...)
	clone := t.TempDir()
	r.run("", "clone", "--quiet", r.dir, clone)
	in := func(args ...string) {
		r.run("", append([]string{"-C", clone, "-c", "i18n.commitEncoding=ISO-8859-1"}, args...)...)
	}
	in("reset", "--quiet", "--hard", first)
	in(append(key.signs(), "merge", "--quiet", "--no-ff", "-S", "-m", "merge", "v1")...)
	in("push", "--quiet", "--force", "origin", "HEAD:main")
	if text := r.git("cat-file", "commit", "main"); !strings.Contains(text, "\nmergetag ") || !strings.Contains(text, "\nencoding ISO-8859-1\n") {
		t.Fatalf("the commit doesn't have these headers:\n%s", text)
	}
	if s := fetch(t, newGit(t, trusting(r.options(), "", allow(t, "ann@example.com "+key.public)))); s.Signer == "" {
		t.Error("no signer")
	}
}

func TestTagMustBeSignedItself(t *testing.T) {
	t.Parallel()
	key := newSSHKey(t, "-t", "ed25519")
	openPGP, list := export(t, "", ann), allow(t, "ann@example.com "+key.public)
	r := newRepository(t, files{"a.yaml": "1"})
	r.sign(key.signs()...) // which doesn't count
	for name, settings := range map[string][]string{"ssh": key.signs(), "openpgp": signsAs(ann), "eve": signsAs(eve)} {
		r.signTag(name, settings...)
	}
	r.git("tag", "light", "main")
	r.git("tag", "-a", "-m", "unsigned", "bare", "main")
	r.git("update-ref", "refs/tags/renamed", "refs/tags/ssh")
	r.git("update-ref", "refs/tags/altered", "refs/tags/ssh")
	r.alter("tag", "refs/tags/altered", func(text string) string {
		return strings.Replace(strings.Replace(text, "tag ssh", "tag altered", 1), "release", "releasf", 1)
	})
	for tag, want := range map[string]string{
		"ssh": "", "openpgp": "",
		"eve":     "by Bob <bob@example.com> is refused: it is signed with OpenPGP key [0-9A-F]{40}, which openpgp_keys_file doesn't list: .*",
		"light":   "tag light is refused: it is a lightweight tag, which can't be signed: make it anew with `git tag -s`",
		"bare":    "is refused: it is not signed: sign with a key that source.verify lists",
		"renamed": "tag renamed is refused: its tag object [0-9a-f]{40} says tag \"ssh\" of commit [0-9a-f]{40}: make it anew with `git tag -s`",
		"altered": "tag altered, which names commit [0-9a-f]{40}, by Bob .*, and the signature is not of this content: find out who altered it",
	} {
		o := trusting(r.options(), openPGP, list)
		o.Branch, o.Tag = "", tag
		if g := newGit(t, o); want != "" {
			wantRefusal(t, g, want)
		} else if s := fetch(t, g); s.Signer == "" {
			t.Errorf("tag %s: no signer", tag)
		}
	}
}

func TestTagThatIsMadeAnewForTheSameCommitIsCheckedAnew(t *testing.T) {
	t.Parallel()
	good, bad := newSSHKey(t, "-t", "ed25519"), newSSHKey(t, "-t", "ed25519")
	r := newRepository(t, files{"a.yaml": "1"})
	web := newServer(t, r)
	o := trusting(r.options(), "", allow(t, "ann@example.com "+good.public))
	o.URL, o.Branch, o.Tag = web.repo(), "", "v1"
	g := newGit(t, o)
	r.signTag("v1", good.signs()...)
	fetch(t, g)
	r.signTag("v1", bad.signs()...)
	wantRefusal(t, g, "which ssh_allowed_signers_file doesn't list: .*")
	web.Close()
	fetchError(t, g)
	for _, g := range []*source.Git{g, newGit(t, o)} {
		if s := g.Last(t.Context()); s == nil || s.Signer == "" {
			t.Errorf("the last good one is %+v", s)
		}
	}
}

func TestKeysAreReadAtEachFetch(t *testing.T) {
	t.Parallel()
	first, second := newSSHKey(t, "-t", "ed25519"), newSSHKey(t, "-t", "ed25519")
	list := allow(t, "ann@example.com "+first.public)
	r := newRepository(t, files{"a.yaml": "1"})
	g := newGit(t, trusting(r.options(), "", list))
	r.sign(first.signs()...)
	s := fetch(t, g)
	rotate := func(line string) {
		if err := os.WriteFile(list, []byte(line), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rotate("bob@example.com " + second.public)
	wantRefusal(t, g, "which ssh_allowed_signers_file doesn't list: .*")
	if last := g.Last(t.Context()); last != nil {
		t.Errorf("commit %s counts as good though its key is gone", last.Commit)
	}
	rotate("ann@example.com " + first.public)
	if fetch(t, g) != s {
		t.Error("another snapshot though neither commit nor keys have changed")
	}
	rotate("bob@example.com " + second.public)
	r.sign(second.signs()...)
	if s := fetch(t, g); !strings.HasPrefix(s.Signer, "bob@example.com ") {
		t.Errorf("signer %q", s.Signer)
	}
}

func TestLastIsTheLastThatWasNotRefused(t *testing.T) {
	t.Parallel()
	key := newSSHKey(t, "-t", "ed25519")
	r := newRepository(t, files{"a.yaml": "1"})
	o := r.options()
	unverified := fetch(t, newGit(t, o)) // a time without keys, in the same cache
	o = trusting(o, "", allow(t, "ann@example.com "+key.public))
	if s := newGit(t, o).Last(t.Context()); s != nil {
		t.Errorf("commit %s, which nobody has signed", unverified.Commit)
	}
	good := r.sign(key.signs()...)
	g := newGit(t, o)
	fetch(t, g)
	for _, content := range []string{"2", "3"} {
		r.commit("main", "unsigned", files{"a.yaml": content})
		wantRefusal(t, g, "it is not signed: .*")
	}
	for _, g := range []*source.Git{g, newGit(t, o)} {
		if s := g.Last(t.Context()); s == nil || s.Commit != good {
			t.Errorf("last %+v, want commit %s", s, good)
		}
	}
}

func TestKeyFilesThatCannotBeReadAreClearErrors(t *testing.T) {
	t.Parallel()
	key := newSSHKey(t, "-t", "ed25519")
	keys := export(t, "", ann)
	private := filepath.Join(t.TempDir(), "private")
	if err := shell("gpg --batch --quiet --pinentry-mode loopback --passphrase '' --export-secret-keys eve@ > " + private); err != nil {
		t.Fatal(err)
	}
	ssh, openPGP := newRepository(t, files{"a.yaml": "1"}), newRepository(t, files{"a.yaml": "1"})
	ssh.sign(key.signs()...)
	openPGP.sign(signsAs(ann)...)
	list, broken := allow(t, "ann@example.com "+key.public), allow(t, "", "ann@example.com")
	for _, c := range []struct {
		r             *repository
		openPGP, list string
		want          string
	}{
		{ssh, "", "/nowhere", "read ssh_allowed_signers_file: open /nowhere: no such file or directory"},
		{ssh, "", broken, "read ssh_allowed_signers_file: " + broken + ":2: the line must be principals, options and a key: see ALLOWED SIGNERS in ssh-keygen(1)"},
		{ssh, keys, "", "and source.verify names no ssh_allowed_signers_file: sign with an OpenPGP key that is listed"},
		{openPGP, "/nowhere", "", "read openpgp_keys_file: open /nowhere: no such file or directory"},
		{openPGP, list, "", "write it with `gpg --armor --export`"},
		{openPGP, os.DevNull, "", "write it with `gpg --armor --export`"},
		{openPGP, private, "", "read openpgp_keys_file: " + private + " has the private key of "},
		{openPGP, "", list, "and source.verify names no openpgp_keys_file: sign with an ssh key that is listed"},
	} {
		err := fetchError(t, newGit(t, trusting(c.r.options(), c.openPGP, c.list)))
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %q, want %q", err, c.want)
		}
	}
}
