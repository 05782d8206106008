package main

import (
	"context"
	"time"

	"github.com/policysync/policysync/internal/config"
)

// pruner is a state that forgets; state.Store is one.
type pruner interface {
	Prune(ctx context.Context, before time.Time) (int64, error)
}

// prune removes the history that was kept for long enough.
func prune(ctx context.Context, from pruner, retention config.Days) error {
	if retention == 0 {
		return nil
	}
	_, err := from.Prune(ctx, time.Now().Add(-retention.Duration()))
	return err
}

// pruneDaily prunes now and once a day until ctx ends, and tells failed of
// errors.
func pruneDaily(ctx context.Context, from pruner, retention func() config.Days, failed func(error)) {
	daily := time.NewTicker(24 * time.Hour)
	defer daily.Stop()
	for ctx.Err() == nil {
		if err := prune(ctx, from, retention()); err != nil && ctx.Err() == nil {
			failed(err)
		}
		select {
		case <-daily.C:
		case <-ctx.Done():
		}
	}
}
