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

// targetStatus is the JSON form of a target's status.
type targetStatus struct {
	Target   string         `json:"target"`
	LastRun  *runStatus     `json:"last_run"`
	Policies []policyStatus `json:"policies"`
}

type policyStatus struct {
	Key       string    `json:"key"`
	Name      string    `json:"name"`
	ID        string    `json:"id"`
	Commit    string    `json:"commit"`
	File      string    `json:"file"`
	Line      int       `json:"line"`
	UpdatedAt time.Time `json:"updated_at"`
	InDoubt   bool      `json:"in_doubt"` // its last request's outcome isn't known
}

func (a *app) status(ctx context.Context, reader state.Reader, t config.Target) error {
	status, err := readStatus(ctx, reader, t.Name)
	if err != nil {
		return err
	}
	if a.flags.format == jsonFormat {
		return json.NewEncoder(a.stdout).Encode(status)
	}
	a.heading(status.Target)
	if status.LastRun == nil {
		a.say("No run is recorded.\n\n")
		return nil
	}
	a.say("Last run: %s\n", a.run(status.LastRun))
	for _, s := range diff.States() {
		if n := status.LastRun.Counts[string(s)]; n > 0 {
			a.item(1, "%-10s %d", s, n)
		}
	}
	a.say("\n")
	return a.policies(status.Policies)
}

func (a *app) policies(all []policyStatus) error {
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
		rows = append(rows, []string{name, a.foreign(cmp.Or(p.ID, "-")), from, short(p.Commit), p.UpdatedAt.Local().Format("2006-01-02 15:04")})
	}
	return a.table(rows)
}

// short returns what people call a commit.
func short(commit string) string {
	const digits = 12
	return cmp.Or(commit[:min(digits, len(commit))], "-")
}

func readStatus(ctx context.Context, reader state.Reader, target string) (targetStatus, error) {
	status := targetStatus{Target: target, Policies: []policyStatus{}}
	runs, err := reader.Runs(ctx, target, 1)
	if err != nil {
		return status, err
	}
	if len(runs) > 0 {
		status.LastRun = newRunStatus(runs[0])
	}
	records, err := reader.Records(ctx, target)
	if err != nil {
		return status, err
	}
	intents, err := reader.Intents(ctx, target)
	if err != nil {
		return status, err
	}
	at := map[string]int{}
	for i, r := range records {
		at[r.Key] = i
		status.Policies = append(status.Policies, policyStatus{
			Key: r.Key, Name: cmp.Or(r.Sent.Name, r.ReadBack.Name), ID: r.ID, Commit: r.Commit, File: r.File, Line: r.Line, UpdatedAt: r.UpdatedAt,
		})
	}
	for _, i := range intents {
		if known, ok := at[i.Key]; ok {
			status.Policies[known].InDoubt = true
			continue
		}
		status.Policies = append(status.Policies, policyStatus{Key: i.Key, Name: i.Body.Name, UpdatedAt: i.At, InDoubt: true})
	}
	return status, nil
}
