package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/diff/render"
	"github.com/policysync/policysync/internal/report"
	"github.com/policysync/policysync/internal/state"
)

// asked is what history is asked for.
type asked struct {
	since, policy, run string
	limit              int
	verify             bool
}

func newHistory(a *app) *cobra.Command {
	var asked asked
	c := &cobra.Command{
		Use:   "history [FILE…]",
		Short: "Say what was done: each run, and each change of it",
		Long: `Say what was done: each run, and each change of it.

With --run, it shows one run, and what each change was to make of its policy.
With --verify, it checks instead that the audit file is as it was written:
audit.file of the config, or the files named, the oldest first. It exits with 1
and says where, if it isn't.`,
		Args: func(c *cobra.Command, args []string) error {
			if asked.verify {
				return nil
			}
			return noArguments(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			if asked.verify {
				return a.verify(c, args)
			}
			return a.history(c, asked)
		},
	}
	a.configFlags(c)
	a.stateFlag(c)
	a.formatFlag(c, textFormat, jsonFormat, markdownFormat)
	c.Flags().IntVar(&asked.limit, "limit", 20, "how many `RUNS` of each target to show, the newest first")
	c.Flags().StringVar(&asked.since, "since", "", "only runs begun since that `TIME`: 2027-01-31, 2027-01-31T18:00:00Z, or how long ago, such as 90m or 7d")
	c.Flags().StringVar(&asked.policy, "policy", "", "only changes of the policy of that `NAME` or key")
	c.Flags().StringVar(&asked.run, "run", "", "the run of that `ID`, with what each change was to make of its policy")
	c.Flags().BoolVar(&asked.verify, "verify", false, "check the audit file")
	for _, other := range []string{"since", "policy", "limit"} {
		c.MarkFlagsMutuallyExclusive("run", other)
		c.MarkFlagsMutuallyExclusive("verify", other)
	}
	c.MarkFlagsMutuallyExclusive("verify", "run")
	return c
}

func (a *app) history(c *cobra.Command, asked asked) error {
	since, err := sinceWhen(asked.since, time.Now())
	if err != nil {
		return err
	}
	found := asked.run == ""
	err = a.eachRecorded(c, func(ctx context.Context, reader state.Reader, t config.Target) error {
		if asked.run == "" {
			return a.runs(ctx, reader, state.RunQuery{Target: t.Name, Since: since, Policy: asked.policy, Limit: asked.limit})
		}
		shown, err := a.oneRun(ctx, reader, t.Name, asked.run)
		found = found || shown
		return err
	})
	if err == nil && !found {
		return fmt.Errorf("no run is recorded with the id %q: `policysync history` lists those that are", asked.run)
	}
	return err
}

// sinceWhen returns the time that a text stands for; the zero time for none.
func sinceWhen(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return at, nil
		}
	}
	if ago, err := time.ParseDuration(text); err == nil {
		return now.Add(-ago), nil
	}
	var days config.Days
	if err := days.UnmarshalText([]byte(text)); err != nil {
		return time.Time{}, fmt.Errorf("--since is %q: want a time such as 2027-01-31 or 2027-01-31T18:00:00Z, or how long ago, such as 90m or 7d", text)
	}
	return now.Add(-days.Duration()), nil
}

// runs shows the runs that are asked for, and of their changes those.
func (a *app) runs(ctx context.Context, reader state.Reader, query state.RunQuery) error {
	runs, err := reader.Runs(ctx, query)
	if err != nil {
		return err
	}
	if a.flags.format != jsonFormat {
		a.heading(query.Target)
		if len(runs) == 0 {
			a.say("%s\n", nothingRecorded(query))
		}
	}
	for _, r := range runs {
		run, err := report.OfRun(ctx, reader, r)
		if err != nil {
			return err
		}
		run.Changes = slices.DeleteFunc(run.Changes, func(c report.Change) bool {
			return query.Policy != "" && query.Policy != c.Key && query.Policy != c.Name
		})
		if err := a.showRun(run); err != nil {
			return err
		}
	}
	return nil
}

func nothingRecorded(query state.RunQuery) string {
	if query.Since.IsZero() && query.Policy == "" {
		return "No run is recorded."
	}
	return "No such run is recorded."
}

// oneRun shows a run with all that is known of its changes, and reports whether
// the target has it.
func (a *app) oneRun(ctx context.Context, reader state.Reader, target, id string) (bool, error) {
	found, err := reader.Run(ctx, id)
	if errors.Is(err, state.ErrNoRun) || err == nil && found.Target != target {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	run, err := report.Detailed(ctx, reader, found)
	if err != nil {
		return false, err
	}
	if a.flags.format != jsonFormat {
		a.heading(target)
	}
	return true, a.showRun(run)
}

// showRun writes a run and its changes: as lines, or as a line of JSON.
func (a *app) showRun(run *report.Run) error {
	if a.flags.format == jsonFormat {
		return json.NewEncoder(a.stdout).Encode(run)
	}
	a.item(0, "%s", a.run(run))
	a.item(1, "run %s", run.ID)
	if run.Author != "" {
		a.item(1, "author %s", a.foreign(run.Author))
	}
	for _, c := range run.Changes {
		a.item(1, "%-7s  %s  %s  %s", c.Result, c.Action, a.foreign(cmp.Or(c.Name, c.Key)), a.foreign(cmp.Or(c.ID, "-")))
		a.detail(c)
	}
	return nil
}

// detail writes below a change what is known of it beyond its line.
func (a *app) detail(c report.Change) {
	if c.Fields == nil {
		return
	}
	for _, f := range c.Fields {
		line := render.Field(f)
		if a.markdown() {
			line = render.Escape(line)
		}
		a.item(2, "%s", line)
	}
	for _, more := range []struct{ name, value string }{{"error", c.Error}, {"ray", c.Ray}} {
		if more.value != "" {
			a.item(2, "%s: %s", more.name, a.foreign(more.value))
		}
	}
}
