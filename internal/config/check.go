package config

import (
	"io/fs"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/policysync/policysync/internal/yamltree"
)

// check reports values that decode but make no sense, alone or together, and
// what this version doesn't do yet.
func (f *findings) check(c *Config) {
	if p := f.first(&c.Targets, c); len(c.Targets) == 0 && !p.refused {
		f.report(p, "targets is missing: at least one target is needed")
	}
	names := map[string]place{}
	for i := range c.Targets {
		t := &c.Targets[i]
		f.target(t, f.first(t, c))
		if p, twice := names[t.Name]; twice && t.Name != "" {
			f.report(f.first(&t.Name), "name %s is already taken by the target on line %d", yamltree.Quote(t.Name), p.Line)
		} else {
			names[t.Name] = f.first(&t.Name)
		}
	}
	f.state(&c.State)
	f.server(&c.Server)
}

var (
	targetName = regexp.MustCompile(`^[a-z0-9-]+$`)
	accountID  = regexp.MustCompile(`^[0-9a-fA-F]{32}$`)
	commitHash = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
)

func (f *findings) target(t *Target, p place) {
	if f.required(&t.Name, "name", p) {
		f.want(targetName.MatchString(t.Name), &t.Name, "name", "want only a-z, 0-9 and -")
	}
	if f.required(&t.AccountID, "account_id", p) {
		f.want(accountID.MatchString(t.AccountID), &t.AccountID, "account_id", "want 32 hex digits")
	}
	f.source(&t.Source, p)
	f.cloudflare(&t.Cloudflare)
	f.want(t.ScheduleJitter >= 0, &t.ScheduleJitter, "schedule_jitter", "want 0s or more")
	f.want(t.FullListEvery >= shortest, &t.FullListEvery, "full_list_every", "want at least 1s")
	f.want(t.Limits.MaxChanges > 0, &t.Limits.MaxChanges, "limits.max_changes",
		"want 1% to 100%; to stop every change, set freeze: [all]")
	f.want(t.Limits.MinPolicies >= 0, &t.Limits.MinPolicies, "limits.min_policies", "want 0 or more")
}

func (f *findings) source(s *Source, p place) {
	if written := f.first(s); written.Line > 0 {
		p = written
	}
	if f.required(&s.URL, "source.url", p) {
		f.want(isLocation(s.URL), &s.URL, "source.url", "want a URL, an scp-like address or a path")
		f.want(!hasPassword(s.URL), &s.URL, "source.url",
			"want no credentials in it: name their file in source.auth.password_file")
	}
	refs := []*string{&s.Branch, &s.Tag, &s.Commit}
	var given []*string
	for _, ref := range refs {
		if *ref != "" {
			given = append(given, ref)
		}
	}
	if len(given) > 1 {
		f.report(f.first(given[1]), "source has more than one of branch, tag and commit: keep one")
	}
	if s.Commit != "" {
		f.want(commitHash.MatchString(s.Commit), &s.Commit, "source.commit", "want the full hash, in lower case")
	}
	f.want(s.Path != "" && fs.ValidPath(path.Clean(s.Path)), &s.Path, "source.path",
		"want a folder inside the repository, such as policies, or . for all of it")
	if s.FastForwardOnly && (s.Tag != "" || s.Commit != "") {
		f.report(f.first(&s.FastForwardOnly), "source.fast_forward_only is for a branch: leave it out with tag and commit")
	}
	f.auth(&s.Auth)
}

func (f *findings) auth(a *Auth) {
	app := a.GitHubApp
	if app != (GitHubApp{}) && (app.AppID <= 0 || app.InstallationID <= 0 || app.PrivateKey.IsZero()) {
		f.report(f.first(&a.GitHubApp), "source.auth.github_app needs all of app_id, installation_id and private_key_file")
	}
	if app != (GitHubApp{}) && !a.Password.IsZero() {
		f.report(f.first(&a.Password), "source.auth has both password_file and github_app: keep one")
	}
	if !a.SSHPassphrase.IsZero() && a.SSHKey.IsZero() {
		f.report(f.first(&a.SSHPassphrase), "source.auth.ssh_passphrase_file is the passphrase of no key: name it in ssh_key_file")
	}
}

func (f *findings) cloudflare(c *Cloudflare) {
	if c.APIKey.File != "" && c.APIToken.File != "" {
		f.report(f.first(&c.APIKey), "cloudflare has both api_token_file and api_key_file: keep one")
	}
	if c.APIKey.File != "" && c.Email == "" {
		f.report(f.first(&c.APIKey), "cloudflare.email is missing: an API key needs it; or set CLOUDFLARE_EMAIL")
	}
	f.want(isWeb(c.BaseURL), &c.BaseURL, "cloudflare.base_url",
		"want an https or http URL without credentials and query")
	f.want(c.RequestsPer5m >= 1 && c.RequestsPer5m <= 1200, &c.RequestsPer5m, "cloudflare.requests_per_5m",
		"want 1 to 1200, which is Cloudflare's own limit")
}

func (f *findings) state(s *State) {
	if scheme, _, _ := strings.Cut(s.URL, ":"); scheme == "postgres" || scheme == "postgresql" {
		f.report(f.first(&s.URL), "state.url: PostgreSQL is not available in this version: use sqlite:///absolute/path/state.db")
		return
	}
	if s.URL == "" && !f.of(&s.URL).refused {
		f.report(f.first(s), "state.url is missing: set it, or one of STATE_DIRECTORY, XDG_STATE_HOME and HOME")
		return
	}
	f.want(isSQLite(s), &s.URL, "state.url", "want sqlite:// and the absolute path of a file")
}

// want reports a field that isn't ok, unless it was refused already.
func (f *findings) want(ok bool, field any, key, wanted string) {
	if p := f.of(field); !ok && !p.refused {
		f.refuse(p, key, wanted)
	}
}

// required reports a field that is empty and returns whether it isn't; near
// is where it would have to stand.
func (f *findings) required(field *string, key string, near place) bool {
	p, written := f.places[field]
	if *field != "" || p.refused || near.refused {
		return *field != "" && !p.refused
	}
	if written {
		near = p
	}
	f.report(near, "%s is missing", key)
	return false
}

// isLocation reports whether text may name a Git repository. What schemes
// there are is for package source to say.
func isLocation(text string) bool {
	scheme, _, hasScheme := strings.Cut(text, "://")
	if !hasScheme {
		return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' })
	}
	u, err := url.Parse(text)
	return err == nil && (u.Hostname() != "" || scheme == "file" && u.Path != "")
}

// hasPassword reports whether a URL carries a secret: a password, or a token
// in place of the user, as Git hosts accept over HTTP.
func hasPassword(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.User == nil {
		return false
	}
	_, password := u.User.Password()
	return password || strings.HasPrefix(u.Scheme, "http")
}

func isWeb(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") &&
		u.Hostname() != "" && u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

func isSQLite(s *State) bool {
	u, err := url.Parse(s.URL)
	return err == nil && s.Path() != "" && u.RawQuery == "" && u.Fragment == "" && filepath.Clean(u.Path) == u.Path
}
