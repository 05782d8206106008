// Package demo sets up what the demo runs against: a simulated Cloudflare
// account behind a real socket, which has what the example's manifests name,
// with a scratch Git repository of manifests.
package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/schema"
)

// APIToken is what people sign in with. It is no secret: there is nothing to be
// protected, and the socket is on the loopback interface.
const APIToken = "demo"

// Demo is a scratch folder with everything in it. Close takes it away again.
type Demo struct {
	Dir     string // the scratch folder
	Repo    string // the Git repository in it
	Account *Account
}

// Start makes the scratch folder, fills the repository with the manifests and
// opens the account's socket on the loopback interface. It needs git.
func Start(ctx context.Context, manifests fs.FS) (*Demo, error) {
	dir, err := os.MkdirTemp("", "policysync-demo-")
	if err != nil {
		return nil, fmt.Errorf("start demo: %w", err)
	}
	d := &Demo{Dir: dir, Repo: filepath.Join(dir, "access")}
	if err := d.seed(ctx, manifests); err != nil {
		return nil, fmt.Errorf("start demo: %w", errors.Join(err, os.RemoveAll(dir)))
	}
	if d.Account, err = Open(ctx); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return d, nil
}

// seed makes the repository, with the schema that the manifests name for editors.
func (d *Demo) seed(ctx context.Context, manifests fs.FS) error {
	if _, err := exec.LookPath("git"); err != nil {
		return errors.New("git is not installed: the demo needs it for its scratch repository")
	}
	if err := os.CopyFS(filepath.Join(d.Repo, "policies"), manifests); err != nil {
		return err
	}
	text, err := schema.Manifest()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(d.Repo, "policy.schema.json"), text, 0o600); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"init", "--quiet", "--initial-branch=main"},
		{"config", "user.name", "policysync demo"},
		{"config", "user.email", "demo@example.com"},
		{"add", "."},
		{"commit", "--quiet", "--message=Our Access policies"},
	} {
		git := exec.CommandContext(ctx, "git", args...)
		git.Dir = d.Repo
		if said, err := git.CombinedOutput(); err != nil {
			return fmt.Errorf("git %s: %w: %s", args[0], err, said)
		}
	}
	return nil
}

// vars are the variables that the example's manifests take.
func vars() config.Vars {
	return config.Vars{
		"env": "demo", "domain": "example.com", "country": "US", "approvals": json.Number("1"), "isolate_finance": true,
	}
}

// Config returns a config for one target named demo that works on all this
// and looks every second.
func (d *Demo) Config(env config.Env) (*config.Config, error) {
	token, signIn := filepath.Join(d.Dir, "cloudflare-token"), filepath.Join(d.Dir, "api-token")
	if err := errors.Join(os.WriteFile(token, []byte(simulator.DefaultToken), 0o600), os.WriteFile(signIn, []byte(APIToken), 0o600)); err != nil {
		return nil, err
	}
	cfg, err := config.FromEnvironment(env)
	if err != nil {
		return nil, err
	}
	t := &cfg.Targets[0]
	t.Name, t.AccountID = "demo", simulator.DefaultAccountID
	t.Source.URL = d.Repo
	t.Vars = vars()
	t.Cloudflare.BaseURL, t.Cloudflare.APIToken.File = d.Account.BaseURL, token
	if t.Schedule, err = config.ParseSchedule("@every 1s"); err != nil {
		return nil, err
	}
	cfg.State = config.StateAt(filepath.Join(d.Dir, "state", "state.db"))
	cfg.Server.Listen, cfg.Server.APIToken.File = "127.0.0.1:0", signIn
	return cfg, cfg.Validate()
}

// Close closes the account and removes the scratch folder.
func (d *Demo) Close() error { return errors.Join(d.Account.Close(), os.RemoveAll(d.Dir)) }
