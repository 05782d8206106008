// Package hostkey tells whether an ssh server is the one that it should be, by
// a known_hosts file (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"): plain and hashed
// names, [host]:port, patterns, @cert-authority and @revoked.
package hostkey

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"
)

// File is a known_hosts file as it was when it was read. It never changes and
// may be used concurrently.
type File struct {
	name string
	keys *knownhosts.HostKeyDB
}

// Read reads a known_hosts file; a line that can't be read is an error.
func Read(name string) (*File, error) {
	keys, err := knownhosts.NewDB(name)
	if err != nil {
		return nil, fmt.Errorf("read known_hosts_file: %w", err)
	}
	return &File{name, keys}, nil
}

// Algorithms returns what to offer the server at host:port: first what goes
// with the keys that the file has of it, so that of several keys the server
// shows one that can be recognised; then all others that are sound, so that
// an error can say which key it shows instead.
func (f *File) Algorithms(address string) []string {
	sound := ssh.SupportedAlgorithms().HostKeys
	offer := slices.DeleteFunc(f.keys.HostKeyAlgorithms(address), func(a string) bool {
		return !slices.Contains(sound, a)
	})
	for _, a := range sound {
		// A server that is offered a certificate shows no plain key.
		if !slices.Contains(offer, a) && !strings.Contains(a, "-cert-v") {
			offer = append(offer, a)
		}
	}
	return offer
}

// Check returns nil if the file has that key of the server at host:port, and
// else an *Error. It is an ssh.HostKeyCallback.
func (f *File) Check(address string, remote net.Addr, key ssh.PublicKey) error {
	err := f.keys.HostKeyCallback()(address, remote, key)
	if err == nil {
		return nil
	}
	refused := &Error{File: f.name, Address: address, Shown: key, cause: err}
	if revoked, ok := errors.AsType[*xknownhosts.RevokedError](err); ok {
		refused.Revoked = revoked.Revoked.Line
		return refused
	}
	if other, ok := errors.AsType[*xknownhosts.KeyError](err); ok {
		refused.Known = f.known(address, other.Want)
	}
	return refused
}

// known returns the plain keys among the lines that name the server.
func (f *File) known(address string, lines []xknownhosts.KnownKey) []xknownhosts.KnownKey {
	known := slices.DeleteFunc(slices.Clone(lines), func(k xknownhosts.KnownKey) bool {
		return slices.ContainsFunc(f.keys.HostKeys(address), func(h knownhosts.PublicKey) bool {
			return h.Cert && bytes.Equal(h.Marshal(), k.Key.Marshal())
		})
	})
	slices.SortFunc(known, func(a, b xknownhosts.KnownKey) int { return cmp.Compare(a.Line, b.Line) })
	return known
}
