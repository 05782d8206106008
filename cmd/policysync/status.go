package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/report"
	"github.com/policysync/policysync/internal/state"
)

func newStatus(a *app) *cobra.Command {
	var wide, watch bool
	c := &cobra.Command{
		Use:   "status",
		Short: "Say what is recorded: the last run, and each policy",
		Long: `Say what is recorded: the last run, and each policy, those with problems first.

The table is as wide as the terminal, and elsewhere 80 columns; --wide shows
everything in full, and --format json is for programs.`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			view := statusView{app: a, width: a.width(), wide: wide}
			show := func() error { return a.eachRecorded(c, view.status) }
			if watch {
				return a.watch(c.Context(), show)
			}
			return show()
		},
	}
	c.Flags().BoolVar(&wide, "wide", false, "all columns, and nothing shortened")
	c.Flags().BoolVarP(&watch, "watch", "w", false, "show it again whenever it has changed, until interrupted")
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

// statusView is how the status is shown.
type statusView struct {
	*app

	width int // in cells, of a table in text
	wide  bool
}

// width returns how wide what goes to stdout may be.
func (a *app) width() int {
	if terminal, ok := a.stdout.(*os.File); ok {
		return columns(terminal)
	}
	return usualColumns
}

func (a statusView) status(ctx context.Context, reader state.Reader, t config.Target) error {
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
		a.say("Suspended since %s%s, %s: %s\n", local(s.Since), a.byWhom(s), until(s.Until), a.foreign(s.Reason))
	}
	a.say("State: %s\n", standing(target, policies))
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
	a.policies(policies)
	return nil
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
		a.say("Next run: %s or sooner, to try again, when `policysync run` is up\n", local(*t.NextRun))
	default:
		a.say("Next run: %s, when `policysync run` is up\n", local(*t.NextRun))
	}
}

// byWhom says who suspended a target, where that is known.
func (a *app) byWhom(s *report.Suspension) string {
	if s.By == "" {
		return ""
	}
	return " by " + a.foreign(s.By)
}

// until says when a suspension ends.
func until(end *time.Time) string {
	if end == nil {
		return "until it is resumed"
	}
	return "until " + local(*end)
}

func local(t time.Time) string { return t.Local().Format("2006-01-02 15:04") }

// standing says in a line whether somebody has to look at a target, and at what.
func standing(t report.Target, policies []report.Policy) string {
	var problems []string
	if t.LastRun != nil && t.LastRun.Result == string(event.Failed) {
		problems = append(problems, "the last run failed")
	}
	counts := map[string]int{}
	if t.LastRun != nil {
		maps.Copy(counts, t.LastRun.Counts)
	}
	for _, p := range policies {
		if p.State == report.InDoubt {
			counts[report.InDoubt]++
		}
	}
	for _, s := range []string{report.InDoubt, "failed", "conflict", "drifted", "missing", "blocked", "orphaned"} {
		if n := counts[s]; n > 0 {
			problems = append(problems, fmt.Sprintf("%d %s", n, strings.ReplaceAll(s, "_", " ")))
		}
	}
	switch {
	case len(problems) > 0:
		return "look at it: " + strings.Join(problems, ", ")
	case t.LastRun == nil:
		return "unknown"
	default:
		return "no problems"
	}
}

// policies writes the table of policies, those with problems first.
func (a statusView) policies(all []report.Policy) {
	if len(all) == 0 {
		return
	}
	slices.SortStableFunc(all, func(x, y report.Policy) int {
		return slices.Index(report.States(), x.State) - slices.Index(report.States(), y.State)
	})
	rows := [][]string{{"POLICY", "STATE", "FROM", "SINCE"}}
	for _, p := range all {
		from := "-"
		if p.File != "" {
			from = a.foreign(fmt.Sprintf("%s:%d", p.File, p.Line))
		}
		rows = append(rows, []string{a.foreign(cmp.Or(p.Name, p.Key)), strings.ReplaceAll(p.State, "_", " "), from, local(p.UpdatedAt)})
	}
	if a.wide {
		rows[0] = append(rows[0], "COMMIT", "ID")
		for i, p := range all {
			rows[i+1] = append(rows[i+1], short(p.Commit), a.foreign(cmp.Or(p.ID, "-")))
		}
		a.width = 0
	}
	a.table(rows, a.width, map[int]shorten{0: start, 2: end}) // of a path, the file matters most
}

// short returns what people call a commit.
func short(commit string) string {
	const digits = 12
	return cmp.Or(commit[:min(digits, len(commit))], "-")
}
