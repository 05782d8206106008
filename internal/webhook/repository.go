package webhook

import (
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// repository is what all URLs of one repository have in common: its host, with
// the port where that isn't the scheme's own, and its path, without .git. Hosts
// tell no upper from lower case in either. Of one on this machine it is the
// absolute path. It is empty where a text names no repository.
type repository string

// scpLike is what git takes for a host and a path though it has no scheme
// (gitglossary, "scp-like syntax").
var scpLike = regexp.MustCompile(`^(?:[^/@]*@)?(\[[^]/]+\]|[^/:]+):(.*)$`)

func newRepository(location string) repository {
	if strings.Contains(location, "://") {
		return fromURL(location)
	}
	if parts := scpLike.FindStringSubmatch(location); parts != nil {
		return remote(parts[1], parts[2])
	}
	if !filepath.IsAbs(location) {
		return ""
	}
	return repository(withoutGit(filepath.ToSlash(location)))
}

func fromURL(location string) repository {
	u, err := url.Parse(location)
	if err != nil {
		return ""
	}
	if strings.EqualFold(u.Scheme, "file") {
		return newRepository(u.Path)
	}
	host := u.Host
	if port, hasDefault := defaultPort(u.Scheme); hasDefault {
		host = strings.TrimSuffix(host, ":"+port)
	}
	return remote(host, u.Path)
}

func defaultPort(scheme string) (port string, known bool) {
	switch strings.ToLower(scheme) {
	case "http":
		return "80", true
	case "https":
		return "443", true
	case "ssh", "git+ssh", "ssh+git":
		return "22", true
	case "git":
		return "9418", true
	default:
		return "", false
	}
}

func remote(host, folder string) repository {
	folder = withoutGit("/" + folder)
	if host == "" || strings.Trim(folder, "/") == "" {
		return ""
	}
	return repository(strings.ToLower(host + folder))
}

// withoutGit returns a path without what a repository's name may end in: .git,
// and the folder of that name in a work tree.
func withoutGit(folder string) string {
	folder = strings.TrimSuffix(path.Clean(folder), "/.git")
	return strings.TrimSuffix(folder, ".git")
}

// followers are targets by their repository.
type followers map[repository][]Target

func newFollowers(targets []Target) followers {
	f := followers{}
	for _, t := range targets {
		location := t.URL
		if absolute, err := filepath.Abs(location); err == nil && newRepository(location) == "" {
			location = absolute
		}
		if r := newRepository(location); r != "" {
			f[r] = append(f[r], t)
		}
	}
	return f
}

// of returns the targets that have one of these URLs, each once.
func (f followers) of(locations []string) []Target {
	var found []Target
	seen := map[repository]bool{}
	for _, location := range locations {
		if r := newRepository(location); !seen[r] {
			seen[r] = true
			found = append(found, f[r]...)
		}
	}
	return found
}
