package main

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// healthTimeout is how long a daemon that lives may take to say so.
const healthTimeout = 5 * time.Second

func newHealth(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "health",
		Short: "Say whether the running daemon is alive",
		Long: `Say what the running daemon answers at /healthz, and exit with 1 unless that
is that the loop of every target shows signs of life. No token is needed. It is
what a container's health check runs, in which there is no other program.`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return a.health(c.Context()) },
	}
	a.remoteFlags(c)
	return c
}

func (a *app) health(ctx context.Context) error {
	daemon, _, err := a.anonymous()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, daemon.base+"healthz", http.NoBody)
	if err != nil {
		return err
	}
	status, said, err := daemon.send(request)
	if err != nil {
		return err
	}
	a.say("%s\n", strings.TrimSpace(string(said)))
	if status != http.StatusOK {
		return &exit{code: exitError}
	}
	return nil
}
