package inuse_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/policysync/policysync/internal/inuse"
	"github.com/policysync/policysync/internal/policy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// account answers how often it was asked, after a while.
type account struct {
	slow  time.Duration
	err   error
	spare bool
	asked int
}

func (a *account) as(name string) inuse.Account {
	return inuse.Account{Name: name, Spare: func() bool { return a.spare }, List: func(ctx context.Context) (map[string][]policy.App, error) {
		a.asked++
		n := a.asked
		timer := time.NewTimer(a.slow)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		return map[string][]policy.App{"id": {{ID: "app", Name: fmt.Sprint("Wiki ", n)}}}, a.err
	}}
}

// inBubble runs a book for as long as do takes.
func inBubble(t *testing.T, do func(t *testing.T, b *inuse.Book)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		b := inuse.NewBook()
		var running sync.WaitGroup
		running.Go(func() { b.Run(ctx) })
		do(t, b)
		cancel()
		running.Wait()
	})
}

// wants asks for the users of a policy.
func wants(t *testing.T, b *inuse.Book, a inuse.Account, id, name string, kind error) {
	t.Helper()
	began := time.Now()
	apps, err := b.Of(t.Context(), a, id)
	if d := cmp.Diff(name, policy.AppNames(apps)); d != "" || !errors.Is(err, kind) {
		t.Errorf("applications (-want +got):\n%s, error %v, want %v", d, err, kind)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestAnswersAreRememberedForMinutes(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *inuse.Book) {
		a := &account{spare: true, slow: time.Second}
		wants(t, b, a.as("x"), "id", "Wiki 1", nil)
		wants(t, b, a.as("x"), "another", "", nil)
		time.Sleep(5*time.Minute - time.Second)
		wants(t, b, a.as("x"), "id", "Wiki 1", nil)
		time.Sleep(time.Second)
		wants(t, b, a.as("x"), "id", "Wiki 2", nil)
		wants(t, b, a.as("y"), "id", "Wiki 3", nil)
	})
}

func TestNobodyWaitsForASlowAccountForLong(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *inuse.Book) {
		a, never := &account{spare: true, slow: 10 * time.Second}, &account{spare: true, slow: time.Hour}
		wants(t, b, a.as("x"), "id", "", inuse.ErrLooking)
		wants(t, b, a.as("x"), "id", "", inuse.ErrLooking)
		wants(t, b, never.as("never"), "id", "", inuse.ErrLooking)
		time.Sleep(5 * time.Second)
		wants(t, b, a.as("x"), "id", "Wiki 1", nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		if a.asked != 1 || never.asked != 1 {
			t.Errorf("asked %d and %d times", a.asked, never.asked)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := b.Of(ctx, never.as("another"), "id"); !errors.Is(err, inuse.ErrLooking) {
			t.Errorf("whose visitor has left: %v", err)
		}
	})
}

func TestAnErrorIsSaidAndTriedAgainSoon(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *inuse.Book) {
		a := &account{spare: true, err: context.DeadlineExceeded}
		for range 3 {
			if _, err := b.Of(t.Context(), a.as("x"), "id"); !errors.Is(err, a.err) {
				t.Error(err)
			}
		}
		a.err = nil
		time.Sleep(time.Minute)
		wants(t, b, a.as("x"), "id", "Wiki 2", nil)
	})
}

func TestRunsComeFirst(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *inuse.Book) {
		a := &account{}
		wants(t, b, a.as("x"), "id", "", inuse.ErrBudget)
		a.spare = true
		wants(t, b, a.as("x"), "id", "Wiki 1", nil)
		a.spare = false
		wants(t, b, a.as("x"), "id", "Wiki 1", nil)
	})
}

func TestManyWhoAskAtOnceAskOnce(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *inuse.Book) {
		a := &account{spare: true, slow: time.Second}
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() { wants(t, b, a.as("x"), "id", "Wiki 1", nil) })
		}
		all.Wait()
	})
}

func TestMoreAccountsThanCanBeAskedMustWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, a := inuse.NewBook(), &account{spare: true}
		for i := range 100 { // and nobody runs it
			wants(t, b, a.as(fmt.Sprint(i)), "id", "", inuse.ErrLooking)
		}
		if a.asked != 0 {
			t.Errorf("asked %d times", a.asked)
		}
	})
}
