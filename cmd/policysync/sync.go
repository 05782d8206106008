package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/report"
)

func newSync(a *app) *cobra.Command {
	var wait bool
	c := &cobra.Command{
		Use:   "sync TARGET",
		Short: "Have the running daemon look at a target now",
		Long: `Have the running daemon run a target now, whatever its schedule, and say how
that run ended. A run that has begun already is not the one: another one
follows it. What failed before is tried again, too.

It asks the daemon's API, with the token of server.api_token_file or of
POLICYSYNC_API_TOKEN. Exit codes: 0 all done, 1 error, 3 some changes were not
made, 4 a guard held changes back.`,
		Args: oneTarget,
		RunE: func(c *cobra.Command, args []string) error { return a.sync(c.Context(), args[0], wait) },
	}
	a.remoteFlags(c)
	c.Flags().BoolVar(&wait, "wait", true, "wait for the end of the run")
	return c
}

func (a *app) sync(ctx context.Context, target string, wait bool) error {
	daemon, err := a.remote()
	if err != nil {
		return err
	}
	if !wait {
		var woken struct{}
		if err := daemon.post(ctx, target, "sync", struct{}{}, &woken); err != nil {
			return err
		}
		a.say("Target %s runs now.\n", target)
		return nil
	}
	var run report.Run
	if err := daemon.post(ctx, target, "sync?wait=true", struct{}{}, &run); err != nil {
		return err
	}
	return a.synced(run)
}

// synced says how a run ended.
func (a *app) synced(run report.Run) error {
	a.say("Target %s: %s, commit %s, in %s.\n", run.Target, run.Result, short(run.Commit), run.Finished.Sub(run.Started).Round(time.Millisecond))
	for _, s := range diff.States() {
		if n := run.Counts[string(s)]; n > 0 {
			a.item(1, "%-10s %d", s, n)
		}
	}
	if run.Error != "" {
		a.complain("Error: target %s: %s\n", run.Target, run.Error)
	}
	if code := codeOf(event.Result(run.Result)); code != 0 {
		return &exit{code: code}
	}
	return nil
}
