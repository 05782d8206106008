package source

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/policysync/policysync/internal/secret"
)

var errNoSSH = errors.New("ssh and git:// sources come in a later version: use an https or file URL, or a plain path")

// address is where a repository is. Its printed form has no credentials.
type address struct {
	endpoint transport.Endpoint // without credentials
	username string             // as in the URL
	password secret.Value       // as in the URL
}

// parseAddress reads a repository's URL as git does: what has no scheme is a
// path, unless a colon stands before its first slash (gitglossary, "scp-like
// syntax").
func parseAddress(raw string) (address, error) {
	scheme, _, found := strings.Cut(raw, "://")
	if !found {
		return parsePath(raw)
	}
	switch scheme = strings.ToLower(scheme); scheme {
	case "http", "https", "file":
	case "ssh", "git", "git+ssh", "ssh+git":
		return address{}, errNoSSH
	default:
		return address{}, errors.New("the URL's scheme is unknown: use https, http, file, or a plain path")
	}
	u, err := url.Parse(raw)
	if err != nil {
		// The parser's own words may quote a part of the password.
		return address{}, errors.New("the URL cannot be parsed: percent-encode special characters, in user and password too")
	}
	if u.RawQuery != "" || u.Fragment != "" || u.Path == "" {
		return address{}, errors.New("the URL must end with the path of a repository, without ? and #")
	}
	if scheme == "file" {
		return parseFileURL(u)
	}
	return parseHTTP(u)
}

func parsePath(raw string) (address, error) {
	if raw == "" {
		return address{}, errors.New("no URL is set")
	}
	if before, _, found := strings.Cut(raw, ":"); found && !strings.Contains(before, "/") {
		return address{}, fmt.Errorf("%w (a path with a colon is written ./a:b)", errNoSSH)
	}
	abs, err := filepath.Abs(raw)
	if err != nil {
		return address{}, fmt.Errorf("make path %s absolute: %w", raw, err)
	}
	return address{endpoint: transport.Endpoint{Protocol: "file", Path: abs}}, nil
}

func parseFileURL(u *url.URL) (address, error) {
	if u.Host != "" && u.Host != "localhost" {
		return address{}, errors.New("a file URL names no host: write file:///path/of/the/repository")
	}
	return address{endpoint: transport.Endpoint{Protocol: "file", Path: u.Path}}, nil
}

func parseHTTP(u *url.URL) (address, error) {
	if u.Hostname() == "" {
		return address{}, errors.New("the URL names no host")
	}
	password, _ := u.User.Password()
	a := address{username: u.User.Username(), password: secret.New(password)}
	u.User = nil
	endpoint, err := transport.NewEndpoint(u.String())
	if err != nil {
		return address{}, fmt.Errorf("read URL %s: %w", u, err)
	}
	a.endpoint = *endpoint
	return a, nil
}

// local reports whether the repository is on this machine's disk.
func (a address) local() bool { return a.endpoint.Protocol == "file" }

// String returns the URL without credentials, or the path.
func (a address) String() string {
	if a.local() {
		return a.endpoint.Path
	}
	return a.endpoint.String()
}
