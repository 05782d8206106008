//go:build system

package source_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/policysync/policysync/internal/source"
)

func TestSSHFetchesAndFollowsTheBranch(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{"a.yaml": "1"})
	g := newGit(t, newSSHD(t, "ed25519").options(r))
	first := fetch(t, g)
	wantFiles(t, first, files{"a.yaml": "1"})
	if fetch(t, g) != first {
		t.Error("the commit is the same and the snapshot is another")
	}
	r.rewrite("main", "all new", files{"b.yaml": scramble(1 << 16)})
	wantFiles(t, fetch(t, g), files{"b.yaml": scramble(1 << 16)})
}

func TestSSHTakesEveryUsualKey(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{"a.yaml": "1"})
	s := newSSHD(t, "ed25519")
	o := s.options(r)
	passphrase := s.write("passphrase", "open sesame\n")
	ed25519, ecdsa, rsa := o.SSHKey.File, s.newKey("ecdsa", "-t", "ecdsa", "-b", "384"), s.newKey("rsa", "-t", "rsa", "-b", "2048")
	s.write("authorized", s.read(ed25519+".pub")+s.read(ecdsa+".pub")+s.read(rsa+".pub"))
	for _, c := range []struct{ key, form, passphrase string }{
		{ed25519, "RFC4716", ""}, // OpenSSH's own
		{ed25519, "RFC4716", "open sesame"},
		{ecdsa, "RFC4716", ""},
		{ecdsa, "PEM", "open sesame"},
		{ecdsa, "PKCS8", ""},
		{rsa, "RFC4716", ""},
		{rsa, "PEM", ""},
		{rsa, "PKCS8", ""},
	} {
		t.Run(filepath.Base(c.key)+" "+c.form+" "+c.passphrase, func(t *testing.T) {
			t.Parallel()
			o := o
			o.CacheDir, o.SSHKey.File = t.TempDir(), filepath.Join(t.TempDir(), "id")
			if err := os.WriteFile(o.SSHKey.File, []byte(s.read(c.key)), 0o600); err != nil {
				t.Fatal(err)
			}
			s.keygen("-q", "-p", "-f", o.SSHKey.File, "-m", c.form, "-N", c.passphrase)
			if c.passphrase != "" {
				o.Passphrase.File = passphrase
			}
			wantFiles(t, fetch(t, newGit(t, o)), files{"a.yaml": "1"})
		})
	}
}

func TestSSHKeyIsReadAtEachFetch(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{"a.yaml": "1"})
	s := newSSHD(t, "ed25519")
	o := s.options(r)
	g := newGit(t, o)
	fetch(t, g)
	next := s.newKey("next", "-t", "ed25519")
	s.let(next)
	err := fetchError(t, g)
	refused := regexp.MustCompile(`: the server refused the key ssh-ed25519 SHA256:\S{43} for user ` + s.user +
		": give that user, or the repository, its public half, which `ssh-keygen -y -f " + o.SSHKey.File + "` prints$")
	if !refused.MatchString(err.Error()) {
		t.Errorf("error %q", err)
	}
	if err := os.Rename(next, o.SSHKey.File); err != nil {
		t.Fatal(err)
	}
	fetch(t, g)
}

func TestSSHKeyThatCannotBeReadIsAClearError(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{"a.yaml": "1"})
	s := newSSHD(t, "ed25519")
	o := s.options(r)
	closed := s.newKey("closed", "-t", "ed25519", "-N", "open sesame")
	wrong := s.write("wrong", "s3cret guess")
	plain := s.write("plain", "no key, but a s3cret")
	for name, c := range map[string]struct{ key, passphrase, want string }{
		"missing":          {filepath.Join(s.dir, "none"), "", "read ssh_key_file: read secret: open " + filepath.Join(s.dir, "none") + ": no such file or directory"},
		"public":           {closed + ".pub", "", closed + ".pub has a public key: name the private one, without .pub"},
		"no key":           {plain, "", plain + " has no private key in OpenSSH's or PEM form (ssh: no key found): `ssh-keygen -p -f FILE` writes other forms anew"},
		"no passphrase":    {closed, "", "the key in " + closed + " is encrypted: name the file with its passphrase in ssh_passphrase_file"},
		"wrong passphrase": {closed, wrong, "ssh_passphrase_file doesn't have the passphrase of the key in " + closed},
	} {
		o.SSHKey.File, o.Passphrase.File = c.key, c.passphrase
		err := fetchError(t, newGit(t, o))
		t.Log(name)
		wantError(t, err, c.want, false)
		if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("error %q has what the file holds", err)
		}
	}
}

func TestServerWithAnotherHostKeyIsRefused(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{"a.yaml": "1"})
	s := newSSHD(t, "ed25519")
	o := s.options(r)
	g := newGit(t, o)
	fetch(t, g)
	old := fingerprint(s, s.keys[0])
	s.rotate("ed25519")
	host, port, _ := net.SplitHostPort(s.host)
	wantError(t, fetchError(t, g), "HOST KEY MISMATCH: the server shows ssh-ed25519 "+fingerprint(s, s.keys[0])+", but "+o.KnownHosts+":1 has "+old+
		": somebody may be in between. Only if its operators confirm the new fingerprint: ssh-keygen -R '["+host+"]:"+port+"' -f "+o.KnownHosts+
		", then ssh-keyscan -p "+port+" -t ed25519 "+host+" >> "+o.KnownHosts, false)

	s.keygen("-R", "["+host+"]:"+port, "-f", o.KnownHosts)
	s.write("known_hosts", s.read(o.KnownHosts)+s.line(s.keys[0]))
	fetch(t, g) // what the message says has helped, without a restart
}

func fingerprint(s *sshd, key string) string {
	return strings.Fields(s.keygen("-l", "-f", key+".pub"))[1]
}

func TestServerThatKnownHostsDoesNotNameIsRefused(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{"a.yaml": "1"})
	s := newSSHD(t, "ecdsa")
	o := s.options(r)
	host, port, _ := net.SplitHostPort(s.host)
	name := "[" + host + "]:" + port
	seen := ", and the server shows ecdsa-sha2-nistp256 " + fingerprint(s, s.keys[0]) +
		": if its operators confirm that fingerprint: ssh-keyscan -p " + port + " -t ecdsa " + host + " >> " + o.KnownHosts
	rsa := s.newKey("other", "-t", "rsa", "-b", "2048")
	for known, want := range map[string]string{
		"# none\n":  o.KnownHosts + " has no key of " + name + seen,
		s.line(rsa): o.KnownHosts + " has only another type of key of " + name + " (ssh-rsa, line 1)" + seen,
		"@revoked * " + s.read(s.keys[0]+".pub"): "the server shows ecdsa-sha2-nistp256 " + fingerprint(s, s.keys[0]) +
			", which " + o.KnownHosts + ":1 marks as revoked: ask its operators; don't connect",
	} {
		s.write("known_hosts", known)
		wantError(t, fetchError(t, newGit(t, o)), want, false)
	}
	o.KnownHosts = filepath.Join(s.dir, "none")
	if err := fetchError(t, newGit(t, o)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	o.KnownHosts = s.write("broken", "example.com ssh-rsa x\n")
	if err := fetchError(t, newGit(t, o)); !strings.Contains(err.Error(), o.KnownHosts+":1: ") {
		t.Errorf("error %v", err)
	}
	o.KnownHosts = s.write("broken", s.line(s.keys[0])+"@revoked * ssh-rsa x\n") // one that may say what counts
	if err := fetchError(t, newGit(t, o)); !strings.Contains(err.Error(), o.KnownHosts+":2: ") {
		t.Errorf("error %v", err)
	}
}

// A client that offers what the server likes best gets a key that it doesn't
// know, though the server has one that it knows.
func TestOfSeveralHostKeysTheKnownOneIsAskedFor(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{"a.yaml": "1"})
	s := newSSHD(t, "ed25519", "ecdsa", "rsa")
	o := s.options(r)
	for _, key := range s.keys {
		s.write("known_hosts", s.line(key))
		t.Log(key)
		fetch(t, newGit(t, o))
	}
	s.write("known_hosts", s.line(s.newKey("old", "-t", "ed25519"))+s.line(s.keys[0]))
	fetch(t, newGit(t, o)) // two of one type, as while a key is rotated
}

func TestKnownHostsMayHashNamesUsePatternsAndTrustAuthorities(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{"a.yaml": "1"})
	s := newSSHD(t, "ed25519")
	o := s.options(r)
	s.keygen("-H", "-f", o.KnownHosts)
	if text := s.read(o.KnownHosts); !strings.HasPrefix(text, "|1|") {
		t.Fatalf("not hashed: %s", text)
	}
	fetch(t, newGit(t, o))

	s.write("known_hosts", "127.0.0.* "+s.read(s.keys[0]+".pub"))
	fetch(t, newGit(t, o))

	authority := s.newKey("authority", "-t", "ed25519")
	s.keygen("-q", "-s", authority, "-I", "host", "-h", "-n", "127.0.0.1", s.keys[0]+".pub")
	s.write("config", s.read(filepath.Join(s.dir, "config"))+"HostCertificate "+s.keys[0]+"-cert.pub\n")
	s.write("known_hosts", "@cert-authority * "+s.read(authority+".pub"))
	fetch(t, newGit(t, o))

	s.keygen("-q", "-s", authority, "-I", "host", "-h", "-n", "elsewhere.example.com", s.keys[0]+".pub")
	err := fetchError(t, newGit(t, o))
	if !strings.Contains(err.Error(), "the server shows a certificate of the authority ssh-ed25519 "+fingerprint(s, authority)+", which is not accepted: ") {
		t.Errorf("error %v", err)
	}
}

func TestSSHSaysWhenThereIsNoRepository(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{"a.yaml": "1"})
	o := newSSHD(t, "ed25519").options(r)
	o.URL += "/nothing ' here.git"
	o.URL = strings.ReplaceAll(o.URL, " ", "%20")
	wantError(t, fetchError(t, newGit(t, o)),
		"there is no Git repository, or this key may not read it: check the URL, and what the key is registered for", true)
}

func TestSSHRelativePathsBeginAtTheHomeFolder(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{"a.yaml": "1"})
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	path, err := filepath.Rel(home, r.dir)
	if err != nil {
		t.Fatal(err)
	}
	s := newSSHD(t, "ed25519")
	o := s.options(r)
	for _, url := range []string{s.user + "@[" + s.host + "]:" + path, "git+ssh://" + s.user + "@" + s.host + "/~/" + path} {
		o.URL, o.CacheDir = url, t.TempDir()
		wantFiles(t, fetch(t, newGit(t, o)), files{"a.yaml": "1"})
	}
}

// Neither the user's ~/.ssh nor an agent counts, whatever stands there.
func TestSSHLooksAtNothingButItsOwnFiles(t *testing.T) {
	r := newRepository(t, files{"a.yaml": "1"})
	s := newSSHD(t, "ed25519")
	o := s.options(r)
	home := t.TempDir()
	if err := os.MkdirAll(filepath.Join(home, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(home, ".ssh", "config"), "Host *\n  Hostname 192.0.2.1\n  Port 1\n")
	write(t, filepath.Join(home, ".ssh", "known_hosts"), s.read(o.KnownHosts))
	t.Setenv("HOME", home)
	t.Setenv("SSH_KNOWN_HOSTS", filepath.Join(home, ".ssh", "known_hosts"))
	t.Setenv("SSH_AUTH_SOCK", filepath.Join(home, "none"))
	t.Setenv("ALL_PROXY", "socks5://127.0.0.1:1")
	fetch(t, newGit(t, o))

	s.write("known_hosts", "# none\n")
	if err := fetchError(t, newGit(t, o)); !strings.Contains(err.Error(), " has no key of ") {
		t.Errorf("error %v", err)
	}
	o.KnownHosts = ""
	if _, err := source.NewGit(o); err == nil || !strings.Contains(err.Error(), "ssh needs known_hosts_file") {
		t.Errorf("error %v", err)
	}
}

func TestGitDaemonFetchesAndFollowsTheBranch(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{"a.yaml": "1"})
	o := r.options()
	o.URL = gitDaemon(t, r)
	g := newGit(t, o)
	wantFiles(t, fetch(t, g), files{"a.yaml": "1"})
	r.rewrite("main", "all new", files{"b.yaml": scramble(1 << 16)})
	wantFiles(t, fetch(t, g), files{"b.yaml": scramble(1 << 16)})

	o.URL = strings.Replace(o.URL, "access", "other", 1)
	wantError(t, fetchError(t, newGit(t, o)), "there is no Git repository, or git-daemon doesn't export it: check the URL", true)
}
