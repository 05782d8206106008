package source

import (
	"errors"
	"net/url"
	"strings"
)

const sshScheme = "ssh"

// parseSSH reads a URL. Its path begins at the root of the server, or with /~
// at a home folder (git-clone(1), "GIT URLS").
func parseSSH(u *url.URL) (address, error) {
	if _, found := u.User.Password(); found {
		return address{}, errors.New("an ssh URL has no password here: name the file of a key instead")
	}
	u.Scheme, u.Path = sshScheme, fromHome(u.Path)
	return address{username: u.User.Username()}.at(u)
}

// fromHome takes away the slash before a home folder.
func fromHome(path string) string {
	if strings.HasPrefix(path, "/~") {
		return path[1:]
	}
	return path
}

// cutSCP takes apart [user@]host:path. It is one only if no slash stands
// before the colon; the address of a host in IPv6 is in brackets.
func cutSCP(raw string) (host, path string, found bool) {
	at := strings.IndexByte(raw, ':')
	if end := strings.Index(raw, "]:"); end >= 0 && strings.Contains(raw[:end], "[") {
		at = end + 1
	}
	if at < 0 || strings.Contains(raw[:at], "/") {
		return "", "", false
	}
	return raw[:at], raw[at+1:], true
}

// parseSCP reads the two sides of an scp-like address, whose path begins at
// the user's home folder.
func parseSCP(host, path string) (address, error) {
	user := ""
	if before, after, found := strings.Cut(host, "@"); found {
		user, host = before, after
	}
	if path == "" {
		return address{}, errors.New("the URL looks like host:path, but no path follows (a path with a colon is written ./a:b)")
	}
	if inside := strings.Trim(host, "[]"); strings.Count(inside, ":") == 1 {
		host = inside // [host:port]:path
	}
	return address{username: user}.at(&url.URL{Scheme: sshScheme, Host: host, Path: path})
}
