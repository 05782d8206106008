package main

import (
	"bufio"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/reconcile"
	"github.com/policysync/policysync/internal/state"
)

func newApply(a *app) *cobra.Command {
	var yes bool
	var accept string
	c := &cobra.Command{
		Use:   "apply",
		Short: "Bring the account to what Git says, once, after asking",
		Long: `Bring the account to what Git says, once.

It shows the plan and asks before it carries it out; where there is no
terminal to ask on, it needs --yes. Exit codes: 0 all done, 1 error, 3 some
changes were not made, 4 a guard held changes back.`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if !yes && !isTerminal(a.stdin) {
				return errors.New("there is no terminal to ask on: look at the plan with `policysync plan`, then add --yes")
			}
			cfg, err := a.load(c)
			if err != nil {
				return err
			}
			return a.apply(c.Context(), cfg, yes, accept)
		},
	}
	a.configFlags(c)
	a.sourceFlags(c)
	a.formatFlag(c, textFormat, jsonFormat, markdownFormat)
	c.Flags().BoolVarP(&yes, "yes", "y", false, "don't ask")
	c.Flags().StringVar(&accept, "accept", "", "let the plan of that `HASH` through though it exceeds the limits")
	return c
}

// errDeclined ends a run whose plan nobody wanted.
var errDeclined = errors.New("nothing was done: the answer was not yes")

// apply runs every target once. Its error has the worst exit code of all.
func (a *app) apply(ctx context.Context, cfg *config.Config, yes bool, accept string) (err error) {
	store, err := openStore(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	line, end := a.progress(ctx)
	defer end()
	sink := newConsole(a.stderr)
	traces, handOver := a.traces(ctx, sink, true)
	defer handOver()
	sinks := event.Sinks{line, sink, traces}
	switches := &freezer{cfg: func() *config.Config { return cfg }, sink: sinks}
	all, err := workshop{a, budgetsBeside(cfg.State), store, switches.InForce, sinks}.reconcilers(cfg)
	if err != nil {
		return err
	}
	code := 0
	for _, r := range all {
		suspended, err := a.suspended(ctx, store, r.Target)
		if err != nil {
			return err
		}
		if suspended {
			code = worse(code, exitBlocked)
			continue
		}
		r.Rules.Accept, r.Patient = accept, true
		r.Approve = func(p reconcile.Planned) error { return a.approve(r.Target, p, yes) }
		code = worse(code, a.ended(r.Run(ctx, event.Manual), sink))
	}
	if err := prune(ctx, store, cfg.State.HistoryRetention); err != nil {
		a.complain("Warning: %s\n", err) // the account was written to, and history is only too long
	}
	if code != 0 {
		return &exit{code: code}
	}
	return nil
}

// suspended reports, and complains, that nothing may be written for a target.
func (a *app) suspended(ctx context.Context, reader state.Reader, target string) (bool, error) {
	s, err := reader.Suspension(ctx, target)
	if err != nil || !s.InForce(time.Now()) {
		return false, err
	}
	a.complain("Target %s is %s. To lift it: start the daemon, then `policysync resume %s`.\n", target, s, target)
	return true, nil
}

// worse returns the exit code that matters more: an error, then changes that
// were not made, then those held back.
func worse(a, b int) int {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// approve shows the plan and, unless told to go on, asks.
func (a *app) approve(target string, planned reconcile.Planned, yes bool) error {
	if err := a.show(target, planned); err != nil {
		return err
	}
	if yes || planned.Plan.Empty() {
		return nil
	}
	a.complain("\nCarry out this plan for target %s? Only yes is taken as yes: ", target)
	answer, err := bufio.NewReader(a.stdin).ReadString('\n')
	if err != nil || strings.TrimSpace(answer) != "yes" {
		return errDeclined
	}
	return nil
}

// ended says how a run ended and returns the exit code for it.
func (a *app) ended(done event.RunDone, sink *console) int {
	if applied := sink.applied(done.Target); applied != "" {
		tell := a.say
		if a.flags.format == jsonFormat { // on stdout, are plans alone
			tell = a.complain
		}
		tell("Applied: %s.\n", applied)
	}
	if done.Err != nil {
		a.complain("Error: target %s: %s\n", done.Target, done.Err)
	}
	return codeOf(done.Result)
}

// codeOf returns the exit code for the end of a run.
func codeOf(result event.Result) int {
	switch result {
	case event.Success, event.Noop:
		return 0
	case event.Partial:
		return exitPartial
	case event.Blocked:
		return exitBlocked
	default:
		return exitError
	}
}
