package source

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/policysync/policysync/internal/secret"
)

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
	parse, known := map[string]func(*url.URL) (address, error){
		"http": parseHTTP, "https": parseHTTP, "file": parseFileURL,
		"ssh": parseSSH, "git+ssh": parseSSH, "ssh+git": parseSSH, "git": parseDaemon,
	}[strings.ToLower(scheme)]
	if !known {
		return address{}, errors.New("the URL's scheme is unknown: use https, ssh, git, http, file, or a plain path")
	}
	u, err := url.Parse(raw)
	if err != nil {
		// The parser's own words may quote a part of the password.
		return address{}, errors.New("the URL cannot be parsed: percent-encode special characters, in user and password too")
	}
	if u.RawQuery != "" || u.Fragment != "" || u.Path == "" {
		return address{}, errors.New("the URL must end with the path of a repository, without ? and #")
	}
	return parse(u)
}

func parsePath(raw string) (address, error) {
	if raw == "" {
		return address{}, errors.New("no URL is set")
	}
	if host, path, found := cutSCP(raw); found {
		return parseSCP(host, path)
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
	password, _ := u.User.Password()
	a := address{username: u.User.Username(), password: secret.New(password)}
	return a.at(u)
}

// parseDaemon reads a URL of git-daemon, which knows no users.
func parseDaemon(u *url.URL) (address, error) {
	if u.User != nil {
		return address{}, errors.New("a git:// URL has no user: nobody logs in there")
	}
	u.Path = fromHome(u.Path)
	return address{}.at(u)
}

// at adds the host, port and path of a URL.
func (a address) at(u *url.URL) (address, error) {
	host, port := u.Hostname(), 0
	if host == "" || strings.ContainsAny(host, "[]@ \t") {
		return address{}, errors.New("the URL names no host")
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if u.Port() != "" {
		var err error
		if port, err = strconv.Atoi(u.Port()); err != nil || port < 1 || port > 65535 {
			return address{}, errors.New("the URL's port is none: want 1 to 65535")
		}
	}
	a.endpoint = transport.Endpoint{Protocol: strings.ToLower(u.Scheme), Host: host, Port: port, Path: u.Path}
	return a, nil
}

// local reports whether the repository is on this machine's disk.
func (a address) local() bool { return a.endpoint.Protocol == "file" }

// web reports whether the repository is reached over http or https.
func (a address) web() bool { return strings.HasPrefix(a.endpoint.Protocol, "http") }

// ssh reports whether the repository is reached over ssh.
func (a address) ssh() bool { return a.endpoint.Protocol == sshScheme }

// host returns host:port.
func (a address) host() string {
	port := a.endpoint.Port
	if port == 0 {
		port = map[string]int{sshScheme: 22, "git": 9418, "http": 80, "https": 443}[a.endpoint.Protocol]
	}
	return net.JoinHostPort(strings.Trim(a.endpoint.Host, "[]"), strconv.Itoa(port))
}

// authority returns the host, and the port where the URL has one.
func (a address) authority() string {
	if a.endpoint.Port == 0 {
		return a.endpoint.Host
	}
	return a.endpoint.Host + ":" + strconv.Itoa(a.endpoint.Port)
}

// String returns the URL without credentials, or the path. Different
// repositories have different ones.
func (a address) String() string {
	if a.local() {
		return a.endpoint.Path
	}
	u := a.endpoint
	if !a.ssh() {
		return u.String()
	}
	u.User = a.username
	if !strings.HasPrefix(u.Path, "/") && !strings.HasPrefix(u.Path, "~") {
		u.Path = "~/" + u.Path // where relative paths begin
	}
	return u.String()
}
