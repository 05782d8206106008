package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/policysync/policysync/internal/report"
)

func newSuspend(a *app) *cobra.Command {
	var request struct {
		Reason string `json:"reason"`
		Until  string `json:"until"`
	}
	c := &cobra.Command{
		Use:   "suspend TARGET",
		Short: "Have the running daemon leave a target alone",
		Long: `Have the running daemon leave a target alone: no run begins, on a schedule or
otherwise, until the target is resumed or --until has come, be the daemon
restarted meanwhile. A run under way begins nothing more; once the command
returns, nothing is written. apply refuses the target too.

It asks the daemon's API, with the token of server.api_token_file or of
POLICYSYNC_API_TOKEN.`,
		Args: oneTarget,
		RunE: func(c *cobra.Command, args []string) error {
			if request.Reason == "" {
				return errors.New("say why with --reason")
			}
			return a.tell(c.Context(), args[0], "suspend", request)
		},
	}
	a.remoteFlags(c)
	c.Flags().StringVar(&request.Reason, "reason", "", "`TEXT` that says why; required")
	c.Flags().StringVar(&request.Until, "until", "", "`TIME` when it ends: 2027-01-31T18:00:00Z, or how long it lasts: 90m, 48h (default: until it is resumed)")
	return c
}

func newResume(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "resume TARGET",
		Short: "Have the running daemon look after a suspended target again",
		Long: `Have the running daemon look after a suspended target again, beginning now.

It asks the daemon's API, with the token of server.api_token_file or of
POLICYSYNC_API_TOKEN.`,
		Args: oneTarget,
		RunE: func(c *cobra.Command, args []string) error {
			return a.tell(c.Context(), args[0], "resume", struct{}{})
		},
	}
	a.remoteFlags(c)
	return c
}

// tell has the daemon do something to a target, and says how that stands then.
func (a *app) tell(ctx context.Context, target, action string, request any) error {
	daemon, err := a.remote()
	if err != nil {
		return err
	}
	var now report.Target
	if err := daemon.post(ctx, target, action, request, &now); err != nil {
		return err
	}
	if s := now.Suspended; s != nil {
		a.say("Target %s is suspended %s: %s\n", target, until(s.Until), a.foreign(s.Reason))
		return nil
	}
	a.say("Target %s is not suspended.\n", target)
	return nil
}
