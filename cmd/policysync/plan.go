package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/diagnostic"
	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/diff/render"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/guard"
	"github.com/policysync/policysync/internal/reconcile"
)

func newPlan(a *app) *cobra.Command {
	var detailed bool
	c := &cobra.Command{
		Use:   "plan",
		Short: "Show what apply would do, and write nothing anywhere",
		Long: `Show what apply would do, and write nothing anywhere.

It warns of what validate warns of, and of ids in manifests that nothing in the
account bears; with --strict such ids are errors.`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := a.load(c)
			if err != nil {
				return err
			}
			changes, err := a.plan(c.Context(), cfg)
			if err == nil && changes && detailed {
				return &exit{code: exitChanges}
			}
			return err
		},
	}
	a.configFlags(c)
	a.sourceFlags(c)
	a.formatFlag(c, textFormat, jsonFormat, markdownFormat)
	c.Flags().BoolVar(&a.flags.strict, "strict", false, "fail where a manifest has an id that nothing in the account bears")
	c.Flags().BoolVar(&detailed, "detailed-exitcode", false, "exit with 2 when there are changes")
	return c
}

// plan prints the plan of every target and reports whether one has changes.
func (a *app) plan(ctx context.Context, cfg *config.Config) (changes bool, err error) {
	reader, err := openReader(ctx, cfg.State)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	dir, remove, err := temporary()
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	shared := newBudgets("")
	console := newConsole(a.stderr)
	traces, end := a.traces(ctx, console, true)
	defer end()
	sink := event.Sinks{console, traces}
	switches := &freezer{cfg: func() *config.Config { return cfg }, sink: sink}
	for _, t := range cfg.Targets {
		planned, err := a.planTarget(ctx, cfg, t, dir, shared, reader, sink)
		if err != nil {
			return false, fmt.Errorf("target %s: %w", t.Name, err)
		}
		a.foretell(t, planned.Plan, switches.InForce())
		changes = changes || !planned.Plan.Empty()
		if err := a.show(t.Name, planned); err != nil {
			return false, err
		}
	}
	return changes, nil
}

func (a *app) planTarget(
	ctx context.Context, cfg *config.Config, t config.Target, cacheDir string, shared *budgets, records reconcile.Records, sink event.Sink,
) (reconcile.Planned, error) {
	from, err := a.newSource(t, cacheDir, sink)
	if err != nil {
		return reconcile.Planned{}, err
	}
	client, err := newClient(t, cfg.Targets, shared, sink)
	if err != nil {
		return reconcile.Planned{}, err
	}
	defer client.Close()
	planner := newPlanner(t, from, client, records, sink)
	planner.CheckIDs, planner.Strict, planner.Lint = true, a.flags.strict, true
	planned, err := planner.Plan(ctx)
	a.warn(planned.Findings)
	return planned, err
}

// warn tells of what the lints find, but not so much that the plan is lost
// below it.
func (a *app) warn(found diagnostic.List) {
	const most = 20
	for i, f := range found {
		if i == most {
			a.complain("%d findings, of which these are %d: policysync validate shows all\n", len(found), most)
			return
		}
		a.complain("%s\n", f.Excerpt())
	}
}

// foretell says what would hold the plan of a target back.
func (a *app) foretell(t config.Target, plan diff.Plan, frozen []guard.Freeze) {
	keep := rules(t)
	keep.Freeze = frozen
	if _, stop := guard.Check(plan, keep); stop != nil {
		a.complain("apply would be stopped: %s\n", stop)
	}
}

// show prints a plan in the format asked for.
func (a *app) show(target string, planned reconcile.Planned) error {
	document := render.Document{Target: target, Commit: planned.Commit, Plan: planned.Plan}
	return render.Write(a.stdout, render.Format(a.flags.format), document, a.colour())
}
