package source

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"time"

	"github.com/policysync/policysync/internal/secret"
)

// DefaultTimeout is how long a server may stay silent when Options.Timeout is 0.
const DefaultTimeout = 60 * time.Second

// Options say which files of which repository to fetch.
type Options struct {
	URL string // https, http or file URL, or a plain path

	// Exactly one of these is set.
	Branch string // short name, such as main
	Tag    string // short name, such as v1.0; an annotated tag stands for its commit
	Commit string // full hash, 40 hex digits

	Path string // folder in the repository, slash-separated; "" and "." are its root

	Username string        // for http and https; default: the one in the URL, else git
	Password secret.Source // for http and https; read at each Fetch, so it may be rotated

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
	if !fs.ValidPath(o.folder()) {
		problems = append(problems, fmt.Errorf("path %q must be a folder inside the repository, such as policies/prod", o.Path))
	}
	return errors.Join(problems...)
}

// folder is Path as package io/fs writes it.
func (o Options) folder() string { return path.Clean(o.Path) }

// cacheFor returns the folder that only this URL and this ref use. Credentials
// are no part of it: a rotated password must not cost a new clone.
func (o Options) cacheFor(a address, r reference) cacheDir {
	id := sha256.Sum256([]byte(a.String() + "\x00" + r.String()))
	return cacheDir{dir: filepath.Join(o.CacheDir, hex.EncodeToString(id[:10]))}
}
