package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/report"
	"github.com/policysync/policysync/internal/state"
)

func newStatus(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "status",
		Short: "Say what is recorded: the last run, and each policy",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.eachRecorded(c, a.status)
		},
	}
	a.configFlags(c)
	a.stateFlag(c)
	a.formatFlag(c, textFormat, jsonFormat, markdownFormat)
	return c
}

// stateFlag adds the flag that names the state where there is no config file.
func (a *app) stateFlag(c *cobra.Command) {
	c.Flags().StringVar(&a.flags.state, "state", "", "without a config file: `FILE` of the state (default $STATE_DIRECTORY/state.db, then ~/.local/state/policysync/state.db)")
}

// eachRecorded shows what is recorded of each target of the config.
func (a *app) eachRecorded(c *cobra.Command, show func(context.Context, state.Reader, config.Target) error) (err error) {
	cfg, err := a.load(c)
	if err != nil {
		return err
	}
	reader, err := openReader(c.Context(), cfg.State)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	for _, t := range cfg.Targets {
		if err := show(c.Context(), reader, t); err != nil {
			return fmt.Errorf("target %s: %w", t.Name, err)
		}
	}
	return nil
}

func (a *app) status(ctx context.Context, reader state.Reader, t config.Target) error {
	target, err := report.OfTarget(ctx, reader, t.Name, time.Now())
	if err != nil {
		return err
	}
	target.NextRun = report.Time(nextRun(&t, target))
	policies, err := report.OfPolicies(ctx, reader, t.Name)
	if err != nil {
		return err
	}
	if a.flags.format == jsonFormat {
		return json.NewEncoder(a.stdout).Encode(report.Status{Target: target, Policies: policies})
	}
	a.heading(target.Name)
	if s := target.Suspended; s != nil {
		a.say("Suspended since %s, %s: %s\n", local(s.Since), until(s.Until), a.foreign(s.Reason))
	}
	if target.LastRun == nil {
		a.say("No run is recorded.\n\n")
		return nil
	}
	a.say("Last run: %s\n", a.run(target.LastRun))
	for _, s := range diff.States() {
		if n := target.LastRun.Counts[string(s)]; n > 0 {
			a.item(1, "%-10s %d", s, n)
		}
	}
	a.sayNext(target, time.Now())
	a.say("\n")
	return a.policies(policies)
}

// nextRun returns when the schedule begins the next run, if a daemon runs; the
// zero time while the last run hasn't ended, and where there is none.
func nextRun(schedule *config.Target, t report.Target) time.Time {
	switch {
	case t.Suspended != nil && t.Suspended.Until != nil:
		return *t.Suspended.Until
	case t.Suspended != nil, t.LastRun == nil, t.LastRun.Finished == nil:
		return time.Time{}
	}
	return schedule.Next(*t.LastRun.Finished)
}

// overdue is how late a run may begin before that is told.
const overdue = time.Minute

func (a *app) sayNext(t report.Target, now time.Time) {
	switch {
	case t.NextRun == nil:
	case now.After(t.NextRun.Add(overdue)):
		a.say("Next run: was due %s: `policysync run` is not up, or busy\n", local(*t.NextRun))
	case t.LastRun.Result == string(event.Failed), t.LastRun.Result == string(event.Partial):
		a.say("Next run: %s or sooner, because something was left undone, when `policysync run` is up\n", local(*t.NextRun))
	default:
		a.say("Next run: %s, when `policysync run` is up\n", local(*t.NextRun))
	}
}

// until says when a suspension ends.
func until(end *time.Time) string {
	if end == nil {
		return "until it is resumed"
	}
	return "until " + local(*end)
}

func local(t time.Time) string { return t.Local().Format("2006-01-02 15:04") }

func (a *app) policies(all []report.Policy) error {
	if len(all) == 0 {
		return nil
	}
	rows := [][]string{{"POLICY", "ID", "FROM", "COMMIT", "SINCE"}}
	for _, p := range all {
		name := a.foreign(p.Name)
		if p.InDoubt {
			name += " (in doubt)"
		}
		from := "-"
		if p.File != "" {
			from = a.foreign(fmt.Sprintf("%s:%d", p.File, p.Line))
		}
		rows = append(rows, []string{name, a.foreign(cmp.Or(p.ID, "-")), from, short(p.Commit), local(p.UpdatedAt)})
	}
	return a.table(rows)
}

// short returns what people call a commit.
func short(commit string) string {
	const digits = 12
	return cmp.Or(commit[:min(digits, len(commit))], "-")
}
