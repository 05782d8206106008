package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/policysync/policysync/internal/apply"
	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/export"
	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/reconcile"
	"github.com/policysync/policysync/internal/state"
	"github.com/policysync/policysync/internal/state/sqlite"
)

func newExport(a *app) *cobra.Command {
	var o exportOptions
	c := &cobra.Command{
		Use:   "export",
		Short: "Write the account's policies as manifests, or take them over from Terraform",
		Long: `Write the account's live policies as manifests that plan to no change.

Each policy gets a file of its own in the folder of --out, unless the folder
declares it already: then only what differs is altered there, and comments
stay. Nothing else in the folder is touched. Ids are written as names where the
token may list what bears them.

The policies are recorded as ours, so that a plan for the manifests is empty.
The account isn't written to, and none of the policies is ever deleted before
a manifest has declared it. With --no-record the next apply adopts them.

With --from-tfstate, the policies that a Terraform or OpenTofu state manages
are recorded as ours by their ids; --out may be left out.`,
		Example: `  policysync export --out policies
  terraform state pull | policysync export --from-tfstate - --out policies`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return err
			}
			cfg, err := a.load(c)
			if err != nil {
				return err
			}
			if len(cfg.Targets) > 1 {
				return errors.New("the config has several targets: name one with --target")
			}
			return a.export(c.Context(), cfg, o)
		},
	}
	a.configFlags(c)
	a.accountFlag(c)
	a.stateFlag(c)
	a.varFlag(c)
	c.Flags().StringVar(&o.out, "out", "", "`FOLDER` of manifests to write to; it is made where there is none")
	c.Flags().StringVar(&o.tfstate, "from-tfstate", "", "take over what the Terraform state in `FILE` manages; - is standard input")
	c.Flags().BoolVar(&o.noRecord, "no-record", false, "write manifests only, and record nothing")
	return c
}

// exportOptions are the flags of export alone.
type exportOptions struct {
	out, tfstate string
	noRecord     bool
}

func (o exportOptions) check() error {
	switch {
	case o.out == "" && o.tfstate == "":
		return errors.New("name the folder to write to with --out, or a Terraform state with --from-tfstate")
	case o.tfstate != "" && o.noRecord:
		return errors.New("--from-tfstate records what --no-record keeps from being recorded: use one of them")
	}
	return nil
}

// export exports the one target of the config.
func (a *app) export(ctx context.Context, cfg *config.Config, o exportOptions) (err error) {
	x := exporter{app: a, target: cfg.Targets[0], options: o}
	managed, err := x.managed()
	if err != nil {
		return err
	}
	if err := x.openFolder(ctx); err != nil {
		return err
	}
	records, err := x.openState(ctx, cfg.State)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, records.Close()) }()
	line, end := a.progress(ctx)
	defer end()
	x.sink = line
	if err := x.look(ctx, cfg, records); err != nil {
		return fmt.Errorf("target %s: %w", x.target.Name, err)
	}
	plan := x.takeOver(managed)
	if o.out != "" {
		declared, err := x.write()
		if err != nil {
			return err
		}
		plan.Changes = append(plan.Changes, declared...)
	}
	return x.record(ctx, plan)
}

// exporter is an export under way.
type exporter struct {
	*app
	target  config.Target
	options exportOptions
	folder  *export.Folder // nil without --out
	store   state.Store    // nil where nothing is to be recorded
	sink    event.Sink

	now    diff.Input // the account and what is recorded of it
	things map[policy.Reference][]policy.Thing
}

// openState opens the state for writing where something is to be recorded.
func (x *exporter) openState(ctx context.Context, s config.State) (state.Reader, error) {
	if x.options.noRecord {
		return openReader(ctx, s)
	}
	store, err := sqlite.Open(ctx, s.Path())
	if err != nil && x.options.tfstate == "" {
		return nil, fmt.Errorf("%w; or write manifests only, with --no-record: the policies are adopted once they are in Git", err)
	}
	if err != nil {
		return nil, err
	}
	x.store = store
	return store, nil
}

// takeOver returns the plan that records what Terraform manages.
func (x *exporter) takeOver(managed []diff.Claim) diff.Plan {
	plan, refused := diff.TakeOver(x.now, managed)
	for _, r := range refused {
		x.complain("Not taken over from Terraform: %s: %s\n", r.ID, r.Why)
	}
	for _, c := range plan.Changes {
		x.now.Recorded = append(x.now.Recorded, policy.Recorded{Key: c.Key, ID: c.ID})
	}
	return plan
}

// declared returns the changes that record what has a manifest.
func (x *exporter) declared(all []export.Declared) []diff.Change {
	if x.store == nil {
		return nil
	}
	if x.target.Adopt == diff.AdoptNever {
		x.complain("Warning: the policies are not recorded as ours, because of adopt: never\n")
		return nil
	}
	claims := make([]diff.Claim, len(all))
	for i, d := range all {
		claims[i] = diff.Claim(d)
	}
	plan, refused := diff.TakeOver(x.now, claims)
	for _, r := range refused {
		x.complain("Warning: not recorded as ours: %s: %s\n", r.ID, r.Why)
	}
	slices.SortStableFunc(plan.Changes, func(a, b diff.Change) int { return cmp.Compare(a.Key, b.Key) })
	return plan.Changes
}

// record carries out the plan, which writes to the records alone.
func (x *exporter) record(ctx context.Context, plan diff.Plan) error {
	if x.store == nil {
		return nil
	}
	if plan.Empty() {
		x.say("Recorded nothing new.\n")
		return nil
	}
	r := &reconcile.Reconciler{
		Planner:  reconcile.Planner{Target: x.target.Name, Sink: x.sink},
		Executor: apply.Executor{Journal: x.store, Sink: x.sink}, Runs: x.store,
	}
	if done := r.TakeOver(ctx, plan); done.Err != nil {
		return fmt.Errorf("target %s: %w", x.target.Name, done.Err)
	}
	x.say("Recorded %s as ours.\n", counted(len(plan.Changes), "policy", "policies"))
	return nil
}
