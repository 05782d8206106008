//go:build system

package source_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/policysync/policysync/internal/secret"
	"github.com/policysync/policysync/internal/source"
)

// sshd is OpenSSH's server, which lets the user who runs the tests in.
type sshd struct {
	t    testing.TB
	dir  string
	host string // host:port
	user string

	mu   sync.Mutex
	keys []string // files of host keys in use
}

// newSSHD starts a server with a host key of each of the types.
func newSSHD(t testing.TB, types ...string) *sshd {
	t.Helper()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	s := &sshd{t: t, dir: t.TempDir(), user: me.Username}
	for _, kind := range types {
		s.keys = append(s.keys, s.newKey("host_"+kind, "-t", kind))
	}
	program := "/usr/sbin/sshd" // it must be called by its full name
	if _, err := os.Stat(program); err != nil {
		t.Fatal("OpenSSH's server is missing: install the package openssh-server")
	}
	if me.Uid == "0" {
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // sshd's own folder, which its package makes at boot
			t.Fatal(err)
		}
	}
	config := s.write("config", `AuthorizedKeysFile `+filepath.Join(s.dir, "authorized")+`
UsePAM no
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
LogLevel ERROR
`)
	s.host = inetd(t, program, func() []string {
		s.mu.Lock()
		defer s.mu.Unlock()
		args := []string{"-i", "-e", "-f", config}
		for _, key := range s.keys {
			args = append(args, "-h", key)
		}
		return args
	})
	return s
}

func (s *sshd) write(name, text string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

func (s *sshd) read(path string) string {
	s.t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

func (s *sshd) keygen(args ...string) string {
	s.t.Helper()
	out, err := exec.CommandContext(context.Background(), "ssh-keygen", args...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("ssh-keygen %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// newKey makes a key pair and returns the file of the private half.
func (s *sshd) newKey(name string, args ...string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	options := append([]string{"-q", "-f", path, "-C", "test"}, args...)
	if !strings.Contains(strings.Join(args, " "), "-N") {
		options = append(options, "-N", "")
	}
	s.keygen(options...)
	return path
}

// rotate makes the server use a new host key of that type alone.
func (s *sshd) rotate(kind string) {
	s.t.Helper()
	key := s.newKey("new_host_"+kind, "-t", kind)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = []string{key}
}

// let lets who has the key in, and nobody else.
func (s *sshd) let(key string) {
	s.t.Helper()
	s.write("authorized", s.read(key+".pub"))
}

// line is the line of a known_hosts file for a host key.
func (s *sshd) line(key string) string {
	s.t.Helper()
	host, port, err := net.SplitHostPort(s.host)
	if err != nil {
		s.t.Fatal(err)
	}
	return "[" + host + "]:" + port + " " + s.read(key+".pub")
}

// options fetch the repository with a new key that is let in, and a
// known_hosts file that has all host keys.
func (s *sshd) options(r *repository) source.Options {
	s.t.Helper()
	key := s.newKey("id", "-t", "ed25519")
	s.let(key)
	known := ""
	for _, hostKey := range s.keys {
		known += s.line(hostKey)
	}
	o := r.options()
	o.URL = "ssh://" + s.user + "@" + s.host + r.dir
	o.SSHKey, o.KnownHosts = secret.Source{File: key}, s.write("known_hosts", known)
	return o
}

// bySSH returns options that fetch the repository by ssh, with what is wrong
// between the two; nil: nothing.
func bySSH(t testing.TB, r *repository, wrong fault) []source.Options {
	t.Helper()
	s := newSSHD(t, "ed25519")
	o := s.options(r)
	if wrong != nil {
		direct := s.host
		s.host = through(t, direct, wrong)
		o.KnownHosts = s.write("known_hosts", s.line(s.keys[0]))
		o.URL = strings.Replace(o.URL, direct, s.host, 1)
	}
	return []source.Options{o}
}
