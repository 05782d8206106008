package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/policysync/policysync/internal/apply"
	"github.com/policysync/policysync/internal/audit"
	"github.com/policysync/policysync/internal/cloudflare"
	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/guard"
	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/reconcile"
	"github.com/policysync/policysync/internal/secret"
	"github.com/policysync/policysync/internal/source"
	"github.com/policysync/policysync/internal/source/githubapp"
	"github.com/policysync/policysync/internal/source/signature"
	"github.com/policysync/policysync/internal/state"
	"github.com/policysync/policysync/internal/state/sqlite"
)

// requestsAtOnce is how many requests of one target may be under way.
const requestsAtOnce = 10

// newSource returns the target's source, with its cache below a folder, which
// tells sink of what its branch does.
func (a *app) newSource(t config.Target, cacheDir string, sink event.Sink) (reconcile.Source, error) {
	if a.flags.dir != "" {
		return source.NewDir(a.flags.dir), nil
	}
	s := t.Source
	return source.NewGit(source.Options{
		URL: s.URL, Branch: s.Branch, Tag: s.Tag, Commit: s.Commit, Path: s.Path,
		Username: s.Auth.Username, Password: s.Auth.Password, CAFile: s.Auth.CAFile,
		GitHubApp: githubapp.App{ID: s.Auth.GitHubApp.AppID, InstallationID: s.Auth.GitHubApp.InstallationID, PrivateKey: s.Auth.GitHubApp.PrivateKey},
		SSHKey:    s.Auth.SSHKey, Passphrase: s.Auth.SSHPassphrase, KnownHosts: s.Auth.KnownHosts, CacheDir: cacheDir,
		FastForwardOnly: s.FastForwardOnly,
		Rewound: func(r source.Rewind) {
			sink.Emit(event.SourceRewound{Target: t.Name, From: r.From, To: r.To, Refused: r.Refused, Unknown: r.Unknown})
		},
		Trusted: signature.Keys{OpenPGP: s.Verify.OpenPGPKeys, AllowedSigners: s.Verify.SSHAllowedSigners},
	})
}

// budgetsBeside returns budgets that are kept beside the state file.
func budgetsBeside(s config.State) *budgets { return newBudgets(filepath.Dir(s.Path())) }

// cacheBeside returns the folder for Git caches beside the state file.
func cacheBeside(s config.State) string { return filepath.Join(filepath.Dir(s.Path()), "git") }

// newClient returns a client for the account of a target, one of all, that
// tells sink of its requests.
func newClient(t config.Target, all []config.Target, shared *budgets, sink event.Sink) (*cloudflare.Client, error) {
	budget, err := shared.of(t, all)
	if err != nil {
		return nil, err
	}
	return cloudflare.New(cloudflare.Options{
		BaseURL: t.Cloudflare.BaseURL, AccountID: t.AccountID, Budget: budget,
		UserAgent:   "policysync/" + version(),
		Credentials: func() (cloudflare.Credentials, error) { return credentials(t.Cloudflare) },
		Observe: func(r cloudflare.Request) {
			sink.Emit(event.RequestDone{
				Target: t.Name, Operation: string(r.Operation), PolicyID: r.PolicyID, Code: r.Code, Status: r.Status, Ray: r.Ray,
				At: r.At, Took: r.Took,
			})
		},
		Waiting: func(wait time.Duration) { sink.Emit(event.BudgetWaiting{Target: t.Name, Wait: wait}) },
		Waited:  func(waited time.Duration) { sink.Emit(event.BudgetWaited{Target: t.Name, Waited: waited}) },
	})
}

// credentials reads the token, or where none is set the older pair.
func credentials(c config.Cloudflare) (cloudflare.Credentials, error) {
	token, err := c.APIToken.Read()
	if err == nil {
		return cloudflare.Credentials{Token: token}, nil
	}
	if !errors.Is(err, secret.ErrNotSet) || c.Email == "" {
		return cloudflare.Credentials{}, err
	}
	key, err := c.APIKey.Read()
	return cloudflare.Credentials{Email: c.Email, Key: key}, err
}

func newPlanner(t config.Target, from reconcile.Source, client *cloudflare.Client, records reconcile.Records, sink event.Sink) reconcile.Planner {
	return reconcile.Planner{
		Target: t.Name, Source: from, Account: client, Names: client, Records: records,
		Mode: t.Mode, Adopt: t.Adopt, Drift: t.Drift, Vars: t.Vars, Sink: sink,
	}
}

// workshop makes reconcilers, all of which keep to shared budgets, write to the
// store, ask frozen what is frozen unless it is nil, and tell sink what they do.
type workshop struct {
	app    *app
	shared *budgets
	store  state.Store
	frozen func() []guard.Freeze
	sink   event.Sink
}

// reconcilers returns one for each target of a config.
func (w workshop) reconcilers(cfg *config.Config) ([]*reconcile.Reconciler, error) {
	all := make([]*reconcile.Reconciler, len(cfg.Targets))
	for i, t := range cfg.Targets {
		var err error
		if all[i], err = w.reconciler(t, cfg); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// reconciler returns one for a target of a config.
func (w workshop) reconciler(t config.Target, cfg *config.Config) (*reconcile.Reconciler, error) {
	from, err := w.app.newSource(t, cacheBeside(cfg.State), w.sink)
	if err != nil {
		return nil, fmt.Errorf("target %s: %w", t.Name, err)
	}
	client, err := newClient(t, cfg.Targets, w.shared, w.sink)
	if err != nil {
		return nil, fmt.Errorf("target %s: %w", t.Name, err)
	}
	return &reconcile.Reconciler{
		Planner:  newPlanner(t, from, client, w.store, w.sink),
		Executor: apply.Executor{Account: client, Journal: w.store, Concurrency: requestsAtOnce, Sink: w.sink},
		Runs:     w.store, Rules: rules(t), Frozen: w.frozen, FullListEvery: t.FullListEvery,
	}, nil
}

// rules returns what the target's plans must keep to.
func rules(t config.Target) guard.Rules {
	return guard.Rules{Limits: guard.Limits{
		MaxChanges: int(t.Limits.MaxChanges), MaxDeletes: int(t.Limits.MaxDeletes), MinPolicies: t.Limits.MinPolicies,
	}}
}

// openStore opens the state for writing; with an audit file, what is written to
// it goes there, too.
func openStore(ctx context.Context, cfg *config.Config) (state.Store, error) {
	store, err := sqlite.Open(ctx, cfg.State.Path())
	if err != nil || cfg.Audit.File == "" {
		return store, err
	}
	return audit.New(store, cfg.Audit.File), nil
}

// openReader opens the state for reading; where there is none yet, it is
// empty.
func openReader(ctx context.Context, s config.State) (state.Reader, error) {
	reader, err := sqlite.OpenReader(ctx, s.Path())
	if errors.Is(err, fs.ErrNotExist) {
		return noState{}, nil
	}
	return reader, err
}

// noState is the state before the first run.
type noState struct{}

func (noState) Records(context.Context, string) ([]policy.Recorded, error) { return nil, nil }
func (noState) Record(context.Context, string, string) (policy.Recorded, error) {
	return policy.Recorded{}, state.ErrNoRecord
}

func (noState) Listing(context.Context, string) ([]state.Listed, error) { return nil, nil }

func (noState) Intents(context.Context, string) ([]state.Intent, error) { return nil, nil }

func (noState) Runs(context.Context, state.RunQuery) ([]state.Run, error) { return nil, nil }

func (noState) Run(context.Context, string) (state.Run, error) { return state.Run{}, state.ErrNoRun }

func (noState) Changes(context.Context, string) ([]state.Change, error) { return nil, nil }

func (noState) Outcomes(context.Context, string, string) ([]state.Change, error) { return nil, nil }

func (noState) History(context.Context, string, string, int) ([]state.Change, error) { return nil, nil }

func (noState) Suspension(context.Context, string) (state.Suspension, error) {
	return state.Suspension{}, nil
}

func (noState) Notes(context.Context, string, int) ([]state.Note, error) { return nil, nil }

func (noState) AuditEnd(context.Context) (state.AuditEnd, error) { return state.AuditEnd{}, nil }
func (noState) Ping(context.Context) error                       { return nil }
func (noState) Close() error                                     { return nil }

// temporary returns a folder that remove takes away again.
func temporary() (dir string, remove func() error, err error) {
	dir, err = os.MkdirTemp("", "policysync-")
	return dir, func() error { return os.RemoveAll(dir) }, err
}
