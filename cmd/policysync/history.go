package main

import (
	"cmp"
	"context"
	"encoding/json"

	"github.com/spf13/cobra"

	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/report"
	"github.com/policysync/policysync/internal/state"
)

func newHistory(a *app) *cobra.Command {
	var limit int
	c := &cobra.Command{
		Use:   "history",
		Short: "Say what was done: each run, and each change of it",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.eachRecorded(c, func(ctx context.Context, reader state.Reader, t config.Target) error {
				return a.history(ctx, reader, t, limit)
			})
		},
	}
	a.configFlags(c)
	a.stateFlag(c)
	a.formatFlag(c, textFormat, jsonFormat, markdownFormat)
	c.Flags().IntVar(&limit, "limit", 20, "how many `RUNS` of each target to show, the newest first")
	return c
}

func (a *app) history(ctx context.Context, reader state.Reader, t config.Target, limit int) error {
	runs, err := reader.Runs(ctx, t.Name, limit)
	if err != nil {
		return err
	}
	if a.flags.format != jsonFormat {
		a.heading(t.Name)
		if len(runs) == 0 {
			a.say("No run is recorded.\n")
		}
	}
	for _, r := range runs {
		run, err := report.OfRun(ctx, reader, r)
		if err != nil {
			return err
		}
		if err := a.showRun(run); err != nil {
			return err
		}
	}
	return nil
}

// showRun writes a run and its changes: as lines, or as a line of JSON.
func (a *app) showRun(run *report.Run) error {
	if a.flags.format == jsonFormat {
		return json.NewEncoder(a.stdout).Encode(run)
	}
	a.item(0, "%s", a.run(run))
	for _, c := range run.Changes {
		a.item(1, "%-7s  %s  %s  %s", c.Result, c.Action, a.foreign(cmp.Or(c.Name, c.Key)), a.foreign(cmp.Or(c.ID, "-")))
	}
	return nil
}
