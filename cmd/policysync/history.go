package main

import (
	"cmp"
	"context"
	"encoding/json"
	"time"

	"github.com/spf13/cobra"

	"github.com/policysync/policysync/internal/config"
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

// runStatus is the JSON form of a run.
type runStatus struct {
	ID       string         `json:"id"`
	Target   string         `json:"target"`
	Trigger  string         `json:"trigger"`
	Commit   string         `json:"commit"`
	Result   string         `json:"result"` // empty: it hasn't ended, or its process was killed
	Error    string         `json:"error"`
	Started  time.Time      `json:"started"`
	Finished *time.Time     `json:"finished"`
	Counts   map[string]int `json:"counts"`
	Changes  []changeStatus `json:"changes,omitempty"`
}

type changeStatus struct {
	Action    string    `json:"action"`
	Key       string    `json:"key"`
	Name      string    `json:"name"`
	ID        string    `json:"id"`
	Direction string    `json:"direction"`
	Result    string    `json:"result"`
	Error     string    `json:"error"`
	Ray       string    `json:"ray"`
	At        time.Time `json:"at"`
}

func newRunStatus(r state.Run) *runStatus {
	s := &runStatus{
		ID: r.ID, Target: r.Target, Trigger: r.Trigger, Commit: r.Commit, Result: r.Result, Error: r.Error,
		Started: r.Started, Counts: r.Counts,
	}
	if !r.Finished.IsZero() {
		s.Finished = &r.Finished
	}
	return s
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
		changes, err := reader.Changes(ctx, r.ID)
		if err != nil {
			return err
		}
		if err := a.showRun(newRunStatus(r), changes); err != nil {
			return err
		}
	}
	return nil
}

// showRun writes a run and its changes: as lines, or as a line of JSON.
func (a *app) showRun(run *runStatus, changes []state.Change) error {
	for _, c := range changes {
		run.Changes = append(run.Changes, changeStatus{
			Action: c.Action, Key: c.Key, Name: c.Name, ID: c.ID, Direction: c.Direction,
			Result: c.Result, Error: c.Error, Ray: c.Ray, At: c.At,
		})
	}
	if a.flags.format == jsonFormat {
		return json.NewEncoder(a.stdout).Encode(run)
	}
	a.item(0, "%s", a.run(run))
	for _, c := range run.Changes {
		a.item(1, "%-7s  %s  %s  %s", c.Result, c.Action, a.foreign(cmp.Or(c.Name, c.Key)), a.foreign(cmp.Or(c.ID, "-")))
	}
	return nil
}
