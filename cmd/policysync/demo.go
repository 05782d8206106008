package main

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/policysync/policysync/internal/demo"
	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	example "github.com/policysync/policysync/policies.example"
)

func newDemo(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "demo",
		Short: "See it work, against a simulated account and a scratch repository",
		Long: `See it work: the daemon follows a scratch Git repository with example
policies and keeps a simulated Cloudflare account as they say. Nothing leaves
this machine, and everything is gone when the demo ends.

With --account-only there is nothing but the account, without policies. What
is written to standard output are the variables by which a shell has the other
commands work on it.`,
		Args: noArguments,
	}
	only := c.Flags().Bool("account-only", false, "only the simulated account, until interrupted")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if *only {
			return a.account(c.Context())
		}
		return a.demo(c.Context())
	}
	return c
}

// account keeps a simulated account open until the context ends.
func (a *app) account(ctx context.Context) error {
	account, err := demo.Open(ctx)
	if err != nil {
		return err
	}
	a.say("%s", account.Environment())
	a.complain("A simulated Cloudflare account answers at %s until Ctrl-C.\n", account.BaseURL)
	<-ctx.Done()
	return account.Close()
}

func (a *app) demo(ctx context.Context) (err error) {
	manifests, err := fs.Sub(example.Files, ".")
	if err != nil {
		return err
	}
	d, err := demo.Start(ctx, manifests)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	cfg, err := d.Config(a.env)
	if err != nil {
		return err
	}
	show := &narrator{console: newConsole(a.stdout), repo: d.Repo, over: func() bool { return ctx.Err() != nil }}
	return a.serve(ctx, cfg, reload{}, show, func(l listeners) {
		at := l.main.Addr()
		a.say(`A simulated Cloudflare account without policies, and a scratch Git repository with example policies:

  repository  %s
  account     %s
  status      http://%s/ (sign in with the token %q for its buttons)
  metrics     http://%s/metrics

`, d.Repo, d.Account.BaseURL, at, demo.APIToken, at)
	})
}

// narrator tells on a terminal what the daemon does.
type narrator struct {
	*console
	repo string
	told bool
	over func() bool // whether the demo is to end, which is no failure of the run under way
}

// Emit tells of commits, changes, what is only reported, and how runs end.
// The demo has one target, so that runs don't overlap.
func (n *narrator) Emit(e event.Event) {
	n.console.Emit(e)
	switch e := e.(type) {
	case event.SourceFetched:
		if e.Result == event.Changed {
			n.line("commit %s", short(e.Commit))
		}
	case event.PlanMade:
		for _, c := range e.Plan.Reported {
			n.line("%s: not to %s: %s", c.Name, c.Action, c.Reason)
		}
	case event.RunDone:
		n.ended(e)
	default:
	}
}

func (n *narrator) ended(e event.RunDone) {
	if e.Err != nil && !n.over() {
		n.line("%s: %s", e.Result, e.Err)
	}
	if e.States == nil {
		return
	}
	n.line("%d policies in sync, %d missing, %d held back", e.States[diff.InSync], e.States[diff.Missing]+e.States[diff.Failed], e.States[diff.Blocked])
	if !n.told {
		n.told = true
		n.line(strings.TrimLeft(`
Now add a policy. In another terminal:

  cd %s
  printf 'name: Auditors\ndecision: allow\ninclude:\n  - email_domain: {domain: audit.example}\n' > %s
  git add . && git commit -m "Let the auditors in"

and watch it follow. Ctrl-C ends the demo.
`, "\n"), n.repo, filepath.Join("policies", "auditors.yaml"))
	}
}
