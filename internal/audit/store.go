package audit

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/state"
)

// Store is a state.Store that writes what its journal is told to an audit file
// as well. Where the file can't be written, no run starts and no request is
// noted, so that none leaves; what was done is stored in any case.
type Store struct {
	state.Store

	file file
	mu   sync.Mutex
	runs map[string]state.Run // those under way, by their IDs
}

// New returns a store that writes to another one, and to the file at path.
// Closing it closes both. No other process may write to the file.
func New(to state.Store, path string) *Store {
	return &Store{Store: to, file: file{path: path, ends: to}, runs: map[string]state.Run{}}
}

// StartRun stores the run as begun, unless the audit file can't be written.
func (s *Store) StartRun(ctx context.Context, run state.Run) error {
	if err := s.file.check(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	s.runs[run.ID] = run
	s.mu.Unlock()
	return s.Store.StartRun(ctx, run)
}

// FinishRun stores how the run ended.
func (s *Store) FinishRun(ctx context.Context, run state.Run) error {
	s.mu.Lock()
	delete(s.runs, run.ID)
	s.mu.Unlock()
	return s.Store.FinishRun(ctx, run)
}

// DropRun removes a run that came to nothing.
func (s *Store) DropRun(ctx context.Context, id string) error {
	s.mu.Lock()
	delete(s.runs, id)
	s.mu.Unlock()
	return s.Store.DropRun(ctx, id)
}

// Intend writes down that a request is about to leave, in the file first.
func (s *Store) Intend(ctx context.Context, intent state.Intent) error {
	l := s.line(request, intent.Run, intent.At)
	l.Target, l.Action, l.Key, l.Name, l.ID = intent.Target, intent.Action, intent.Key, intent.Body.Name, intent.ID
	if !isZero(intent.Body) {
		l.After = &intent.Body
	}
	if err := s.file.append(ctx, l); err != nil {
		return err
	}
	err := s.Store.Intend(ctx, intent)
	if err == nil {
		return nil
	}
	l.Event, l.Result, l.Error = outcome, "failed", "not sent: "+err.Error()
	return errors.Join(err, s.file.append(context.WithoutCancel(ctx), l))
}

func isZero(p policy.Policy) bool { return p.Name == "" && p.Decision == "" }

// Settle writes down that a change took effect.
func (s *Store) Settle(ctx context.Context, record policy.Recorded, change state.Change) error {
	return errors.Join(s.ended(ctx, change), s.Store.Settle(ctx, record, change))
}

// Forget writes down that a policy is no more.
func (s *Store) Forget(ctx context.Context, change state.Change) error {
	return errors.Join(s.ended(ctx, change), s.Store.Forget(ctx, change))
}

// Abandon writes down that a request certainly had no effect.
func (s *Store) Abandon(ctx context.Context, change state.Change) error {
	return errors.Join(s.ended(ctx, change), s.Store.Abandon(ctx, change))
}

// Doubt writes down that nobody knows whether a request had an effect.
func (s *Store) Doubt(ctx context.Context, change state.Change, answered bool) error {
	return errors.Join(s.ended(ctx, change), s.Store.Doubt(ctx, change, answered))
}

// ended writes a line of how a change ended: before the state is told, because
// what the state doesn't know the next run looks for.
func (s *Store) ended(ctx context.Context, c state.Change) error {
	l := s.line(outcome, c.Run, c.At)
	l.Target, l.Action, l.Key, l.Name, l.ID, l.Direction = c.Target, c.Action, c.Key, c.Name, c.ID, c.Direction
	l.Result, l.Error, l.Ray, l.Before, l.After = c.Result, c.Error, c.Ray, c.Before, c.After
	return s.file.append(ctx, l)
}

// line begins a line with what is known of its run.
func (s *Store) line(event, run string, at time.Time) line {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.runs[run]
	return line{Event: event, Run: run, Time: at.UTC(), Trigger: r.Trigger, Commit: r.Commit, Author: r.Author}
}

// Close closes the file and the store.
func (s *Store) Close() error {
	s.file.mu.Lock()
	defer s.file.mu.Unlock()
	return errors.Join(s.file.close(), s.Store.Close())
}
