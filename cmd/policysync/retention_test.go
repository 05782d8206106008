package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/policysync/policysync/internal/config"
)

// pruned notes what it is asked to forget, and can't.
type pruned struct{ before []time.Time }

func (p *pruned) Prune(_ context.Context, before time.Time) (int64, error) {
	p.before = append(p.before, before)
	return 0, errors.New("full")
}

func TestHistoryIsPrunedAtOnceAndThenDaily(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const day = 24 * time.Hour
		ctx, cancel := context.WithTimeout(t.Context(), 2*day+time.Hour)
		defer cancel()
		began := time.Now()
		var asked pruned
		var failed int
		var pruning sync.WaitGroup
		pruning.Go(func() { pruneDaily(ctx, &asked, func() config.Days { return 7 }, func(error) { failed++ }) })
		pruning.Wait()
		want := []time.Time{began.Add(-7 * day), began.Add(-6 * day), began.Add(-5 * day)}
		if !slices.EqualFunc(asked.before, want, time.Time.Equal) || failed != len(want) {
			t.Errorf("pruned %v, want %v; told of %d errors", asked.before, want, failed)
		}
	})
}

func TestHistoryIsKeptForEver(t *testing.T) {
	t.Parallel()
	var asked pruned
	if err := prune(t.Context(), &asked, 0); err != nil || asked.before != nil {
		t.Errorf("pruned %v: %v", asked.before, err)
	}
}
