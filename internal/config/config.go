package config

import (
	"maps"
	"net/url"
	"path/filepath"
	"time"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/guard"
	"github.com/policysync/policysync/internal/secret"
)

// Config is one policysync.yaml, checked and with its defaults filled in. It
// isn't changed once loaded, and may then be read concurrently.
type Config struct {
	Targets   []Target       `yaml:"targets"` // at least one; their names differ
	State     State          `yaml:"state"`
	Audit     Audit          `yaml:"audit"`
	Freeze    []guard.Switch `yaml:"freeze"` // the file's, sorted, each once
	FreezeEnv []guard.Switch `yaml:"-"`      // those of POLICYSYNC_FREEZE, sorted, each once
	Server    Server         `yaml:"server"`
	Log       Log            `yaml:"log"`
}

// Target is one Git source, one Cloudflare account, and how the account is
// brought to what the source says.
type Target struct {
	Name           string        `yaml:"name"`       // of a-z, 0-9 and -
	AccountID      string        `yaml:"account_id"` // 32 hex digits
	Source         Source        `yaml:"source"`
	Cloudflare     Cloudflare    `yaml:"cloudflare"`
	Mode           diff.Mode     `yaml:"mode"`
	Adopt          diff.Adoption `yaml:"adopt"`
	Drift          diff.Drift    `yaml:"drift"`
	Schedule       Schedule      `yaml:"schedule"`
	ScheduleJitter time.Duration `yaml:"schedule_jitter"` // 0 or more
	FullListEvery  time.Duration `yaml:"full_list_every"` // at least a second
	Limits         Limits        `yaml:"limits"`
	Vars           Vars          `yaml:"vars"`
}

// Source says where manifests come from. At most one of Branch, Tag and
// Commit is set by the file; with none of them, Branch is main.
type Source struct {
	URL    string `yaml:"url"`    // a URL, an scp-like address or a path; without credentials
	Branch string `yaml:"branch"` // short name
	Tag    string `yaml:"tag"`    // short name
	Commit string `yaml:"commit"` // the full hash
	Path   string `yaml:"path"`   // slash-separated and clean; "." is the repository's root
	Auth   Auth   `yaml:"auth"`
	Verify Verify `yaml:"verify"`

	FastForwardOnly bool `yaml:"fast_forward_only"` // only with Branch
}

// Auth says how policysync and the Git server prove themselves to each other.
// What the URL's scheme needs and has no use for is for package source to say.
type Auth struct {
	Username      string        `yaml:"username"`
	Password      secret.Source `yaml:"password_file"`
	CAFile        string        `yaml:"ca_file"`
	SSHKey        secret.Source `yaml:"ssh_key_file"`
	SSHPassphrase secret.Source `yaml:"ssh_passphrase_file"`
	KnownHosts    string        `yaml:"known_hosts_file"`
	GitHubApp     GitHubApp     `yaml:"github_app"`
}

// GitHubApp is an installed GitHub App whose tokens read the repository.
type GitHubApp struct {
	AppID          int64         `yaml:"app_id"`
	InstallationID int64         `yaml:"installation_id"`
	PrivateKey     secret.Source `yaml:"private_key_file"`
}

// Verify names the keys of those whose signatures are trusted; without any,
// whatever the repository has is.
type Verify struct {
	OpenPGPKeys       string `yaml:"openpgp_keys_file"`
	SSHAllowedSigners string `yaml:"ssh_allowed_signers_file"`
}

// Cloudflare says how to reach the account. APIToken is to be read first;
// when that gives secret.ErrNotSet, Email and APIKey are the older scheme.
type Cloudflare struct {
	APIToken      secret.Source `yaml:"api_token_file"`
	Email         string        `yaml:"email"`
	APIKey        secret.Source `yaml:"api_key_file"`
	BaseURL       string        `yaml:"base_url"`        // http or https
	RequestsPer5m int           `yaml:"requests_per_5m"` // 1 to 1200, Cloudflare's own limit per user
}

// Limits say how much of an account one plan may touch. The percentages count
// once the account has MinPolicies policies.
type Limits struct {
	MaxChanges  Percent `yaml:"max_changes"` // 1% to 100%
	MaxDeletes  Percent `yaml:"max_deletes"` // 0% to 100%
	MinPolicies int     `yaml:"min_policies"`
}

// State says where policysync remembers what it applied.
type State struct {
	URL              string `yaml:"url"`               // sqlite:// and an absolute path
	HistoryRetention Days   `yaml:"history_retention"` // how long runs and their changes are kept; 0: for ever
}

// StateAt returns the state in a SQLite file, named by its absolute path.
func StateAt(path string) State {
	s := defaultState()
	s.URL = (&url.URL{Scheme: "sqlite", Path: path}).String()
	return s
}

// Path returns the SQLite file that URL names, or "" when it names none.
func (s State) Path() string {
	u, err := url.Parse(s.URL)
	if err != nil || u.Scheme != "sqlite" || u.Host != "" || !filepath.IsAbs(u.Path) {
		return ""
	}
	return u.Path
}

// Audit says where else each write to the account is written down.
type Audit struct {
	File string `yaml:"file"` // empty: nowhere
}

// Server is what policysync listens on, and for whom.
type Server struct {
	Listen         string        `yaml:"listen"`          // host:port
	MetricsListen  string        `yaml:"metrics_listen"`  // host:port, another than the others are; empty: metrics are where everything is
	WebhooksListen string        `yaml:"webhooks_listen"` // the same of webhooks
	TLS            TLS           `yaml:"tls"`
	APIToken       secret.Source `yaml:"api_token_file"`
	Access         Access        `yaml:"access"`
	InsecurePublic bool          `yaml:"insecure_public"` // whoever reaches the server may look
	Webhooks       Webhooks      `yaml:"webhooks"`
}

// TLS names what the server proves itself with; both files or none, which is
// plain HTTP. Metrics at an address of their own are plain in any case.
type TLS struct {
	Certificate string        `yaml:"cert_file"`
	Key         secret.Source `yaml:"key_file"`
}

// Access is the Cloudflare Access application in front of the server. Where
// TeamDomain is set, Audience is too.
type Access struct {
	TeamDomain string   `yaml:"team_domain"` // a host, such as example.cloudflareaccess.com
	Audience   string   `yaml:"audience"`
	Operators  []string `yaml:"operators"` // each an e-mail address, group:NAME or service:CLIENT_ID
}

// Webhooks are the receivers, one for each kind of Git host.
type Webhooks struct {
	GitHub    Webhook `yaml:"github"`
	GitLab    Webhook `yaml:"gitlab"`
	Gitea     Webhook `yaml:"gitea"` // Forgejo too
	Gogs      Webhook `yaml:"gogs"`
	Bitbucket Webhook `yaml:"bitbucket"`
	Generic   Webhook `yaml:"generic"`
}

// Configured returns the secrets of the receivers that have any, by their name.
func (w Webhooks) Configured() map[string][]secret.Source {
	all := map[string][]secret.Source{
		"github": w.GitHub.Secrets, "gitlab": w.GitLab.Secrets, "gitea": w.Gitea.Secrets,
		"gogs": w.Gogs.Secrets, "bitbucket": w.Bitbucket.Secrets, "generic": w.Generic.Secrets,
	}
	maps.DeleteFunc(all, func(_ string, secrets []secret.Source) bool { return len(secrets) == 0 })
	return all
}

// Webhook is one receiver; any of its secrets may have signed a request.
type Webhook struct {
	Secrets []secret.Source `yaml:"secret_files"`
}

// Log says what is logged, and how.
type Log struct {
	Level  Level  `yaml:"level"`
	Format Format `yaml:"format"`
}
