package source

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/policysync/policysync/internal/secret"
	"github.com/policysync/policysync/internal/source/githubapp"
	"github.com/policysync/policysync/internal/source/signature"
)

// DefaultTimeout is how long a server may stay silent when Options.Timeout is 0.
const DefaultTimeout = 60 * time.Second

// Options say which files of which repository to fetch.
type Options struct {
	URL string // https, http, ssh, git or file URL, user@host:path, or a plain path

	// Exactly one of these is set.
	Branch string // short name, such as main
	Tag    string // short name, such as v1.0; an annotated tag stands for its commit
	Commit string // full hash, 40 hex digits

	Path string // folder in the repository, slash-separated; "" and "." are its root

	// All files are read at each Fetch, so they may be rotated.
	Username   string        // default: git; for ssh the URL's counts before it, for http and https after
	Password   secret.Source // for http and https
	GitHubApp  githubapp.App // for http and https, in place of Password
	CAFile     string        // for https: PEM certificates of the only authorities trusted; "": the system's
	SSHKey     secret.Source // private key for ssh, which needs one
	Passphrase secret.Source // of SSHKey, when that is encrypted
	KnownHosts string        // file with the keys of ssh servers; ssh needs one

	Trusted signature.Keys // who must have signed the commit or, with Tag, the tag; none: anybody may have made it

	FastForwardOnly bool         // refuse a Branch that was moved back or aside since it was last read
	Rewound         func(Rewind) // told of each such move, once; may be nil; must not call the Git

	CacheDir string        // folder for the caches; made when missing; several processes may share it
	Timeout  time.Duration // longest silence of the server before Fetch gives up; default DefaultTimeout
}

// check returns every mistake in the options that is not in the URL.
func (o Options) check() error {
	var problems []error
	if o.CacheDir == "" {
		problems = append(problems, errors.New("no cache folder is set"))
	}
	if o.Timeout < 0 {
		problems = append(problems, fmt.Errorf("timeout %s is negative", o.Timeout))
	}
	if o.FastForwardOnly && o.Branch == "" {
		problems = append(problems, errors.New("fast_forward_only is of no use without a branch: leave it out"))
	}
	if !fs.ValidPath(o.folder()) {
		problems = append(problems, fmt.Errorf("path %q must be a folder inside the repository, such as policies/prod", o.Path))
	}
	return errors.Join(problems...)
}

// checkLogin returns every mistake in how the server and we are to know each
// other. What the way to the repository has no use for is refused, because
// somebody relies on it.
func (o Options) checkLogin(a address) error {
	password := !o.Password.IsZero()
	set := map[string]bool{
		"password_file": password, "github_app": !o.GitHubApp.IsZero(), "ca_file": o.CAFile != "",
		"ssh_key_file": !o.SSHKey.IsZero(), "ssh_passphrase_file": !o.Passphrase.IsZero(), "known_hosts_file": o.KnownHosts != "",
	}
	var useful []string
	var problems []error
	switch {
	case a.local(), a.endpoint.Protocol == "": // a URL that can't be read has had its error
		return nil
	case a.web():
		useful = []string{"password_file", "github_app", "ca_file"}
	case a.ssh():
		useful = []string{"ssh_key_file", "ssh_passphrase_file", "known_hosts_file"}
		problems = o.checkSSH(a)
	}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if set[name] && !slices.Contains(useful, name) {
			problems = append(problems, fmt.Errorf("%s is of no use for this URL: leave it out", name))
		}
	}
	if (password || !a.password.IsZero()) && set["github_app"] || password && !a.password.IsZero() {
		problems = append(problems, errors.New("there is more than one password: keep one of that in the URL, password_file and github_app"))
	}
	if set["github_app"] {
		problems = append(problems, o.GitHubApp.Check())
	}
	return errors.Join(problems...)
}

func (o Options) checkSSH(a address) (problems []error) {
	if o.SSHKey.IsZero() {
		problems = append(problems, errors.New("ssh needs ssh_key_file, the private key that opens the repository: neither an agent nor ~/.ssh is asked"))
	}
	if o.KnownHosts == "" {
		problems = append(problems, fmt.Errorf("ssh needs known_hosts_file, by which the server is recognised: "+
			"ssh-keyscan prints the keys of %s; compare them with what its operators publish", a.endpoint.Host))
	}
	return problems
}

// folder is Path as package io/fs writes it.
func (o Options) folder() string { return path.Clean(o.Path) }

// cacheFor returns the folder that only this URL and this ref use. Credentials
// are no part of it: a rotated password must not cost a new clone.
func (o Options) cacheFor(a address, r reference) cacheDir {
	id := sha256.Sum256([]byte(a.String() + "\x00" + r.String()))
	folder := sha256.Sum256([]byte(o.folder()))
	return cacheDir{dir: filepath.Join(o.CacheDir, hex.EncodeToString(id[:10])), part: "." + hex.EncodeToString(folder[:10])}
}
