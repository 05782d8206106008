package config

import (
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/guard"
	"github.com/policysync/policysync/internal/secret"
)

// FromEnvironment returns the config of someone who has no file: one target
// named default with the account CLOUDFLARE_ACCOUNT_ID, the other variables as
// for a file, and defaults. The caller sets from flags what is still missing,
// at least Source.URL, and then calls Validate.
func FromEnvironment(env Env) (*Config, error) {
	target := Target{Name: "default"}
	target.setDefaults()
	target.AccountID, _ = env("CLOUDFLARE_ACCOUNT_ID")
	config := &Config{Targets: []Target{target}, State: defaultState(), Server: defaultServer(), Log: defaultLog()}
	f := &findings{places: map[any]place{}}
	f.environment(config, env)
	if err := f.err(); err != nil {
		return nil, err
	}
	return config, nil
}

// Validate checks a Config that doesn't come from a file the way Parse checks
// one that does, and cleans paths as Parse does. The error is a
// diagnostic.List without lines.
func (c *Config) Validate() error {
	f := &findings{}
	f.check(c)
	if err := f.err(); err != nil {
		return err
	}
	c.clean()
	return nil
}

// Validate checks a State that doesn't come from a file, as Config.Validate does.
func (s State) Validate() error {
	f := &findings{}
	f.state(&s)
	return f.err()
}

func (c *Config) clean() {
	for i := range c.Targets {
		c.Targets[i].Source.Path = path.Clean(c.Targets[i].Source.Path)
	}
}

// setDefaults fills in what a target has when its keys are left out. Branch
// follows later: it depends on Tag and Commit.
func (t *Target) setDefaults() {
	t.Source.Path = "policies"
	t.Source.Auth.Username = "git"
	t.Cloudflare = Cloudflare{
		APIToken:      secret.Source{Env: "CLOUDFLARE_API_TOKEN"},
		APIKey:        secret.Source{Env: "CLOUDFLARE_API_KEY"},
		RequestsPer5m: 600,
	}
	t.Mode, t.Adopt, t.Drift = diff.CreateOnly, diff.AdoptIdentical, diff.DriftReport
	t.Schedule = Schedule{text: "@every 1m", cron: cron.Every(time.Minute)}
	t.FullListEvery = 10 * time.Minute
	t.Limits = Limits{MaxChanges: 50, MaxDeletes: 10, MinPolicies: 10}
}

func defaultState() State { return State{HistoryRetention: 400} }

func defaultServer() Server { return Server{Listen: "127.0.0.1:8080"} }

func defaultLog() Log { return Log{Level: LevelInfo, Format: FormatJSON} }

// environment fills in what the file leaves open: from variables, else with
// the defaults that depend on other keys.
func (f *findings) environment(c *Config, env Env) {
	for i := range c.Targets {
		f.complete(&c.Targets[i], env)
	}
	if c.State.URL == "" && !f.of(&c.State.URL).refused {
		f.set(&c.State.URL, "STATE_DIRECTORY", stateURL(env))
	}
	switches, _ := env("POLICYSYNC_FREEZE")
	for word := range strings.SplitSeq(switches, ",") {
		if word = strings.TrimSpace(word); word == "" {
			continue
		}
		var freeze guard.Switch
		if err := freeze.UnmarshalText([]byte(word)); err != nil {
			f.report(place{variable: "POLICYSYNC_FREEZE"}, "%s", err)
			continue
		}
		c.FreezeEnv = append(c.FreezeEnv, freeze)
	}
	for _, set := range []*[]guard.Switch{&c.Freeze, &c.FreezeEnv} {
		slices.Sort(*set)
		*set = slices.Compact(*set)
	}
}

func (f *findings) complete(t *Target, env Env) {
	if t.Source.Branch == "" && t.Source.Tag == "" && t.Source.Commit == "" {
		t.Source.Branch = "main"
	}
	if t.Cloudflare.APIKey.File != "" { // the file chose the older scheme
		t.Cloudflare.APIToken.Env = ""
	}
	if t.Cloudflare.Email == "" {
		t.Cloudflare.Email, _ = env("CLOUDFLARE_EMAIL")
	}
	if t.Cloudflare.BaseURL == "" {
		if base, _ := env("CLOUDFLARE_BASE_URL"); base != "" {
			f.set(&t.Cloudflare.BaseURL, "CLOUDFLARE_BASE_URL", base)
		} else {
			t.Cloudflare.BaseURL = "https://api.cloudflare.com/client/v4"
		}
	}
}

// set gives a field a value that stands at no line of the file.
func (f *findings) set(field *string, from, value string) {
	*field = value
	f.places[field] = place{variable: from, raw: value}
}

// stateURL returns where the state is when no file says it; "" when the
// environment doesn't tell either. systemd may give several directories,
// separated by colons, and the XDG base directory specification wants a
// relative path taken as not set.
func stateURL(env Env) string {
	dirs, _ := env("STATE_DIRECTORY")
	dir, _, _ := strings.Cut(dirs, ":")
	if dir == "" {
		base, _ := env("XDG_STATE_HOME")
		if !filepath.IsAbs(base) {
			home, _ := env("HOME")
			if home == "" {
				return ""
			}
			base = filepath.Join(home, ".local", "state")
		}
		dir = filepath.Join(base, "policysync")
	}
	return StateAt(filepath.Join(dir, "state.db")).URL
}
