// Package inuse tells which applications use policies: it asks the account when
// somebody wants to know, and remembers the answer for a while.
package inuse

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/policysync/policysync/internal/policy"
)

// How long things take at most, and how long answers hold.
const (
	patience  = 3 * time.Second  // for who asks
	timeout   = 30 * time.Second // for the account
	holds     = 5 * time.Minute
	failHolds = time.Minute // of an error, which somebody may be mending
	maxQueue  = 64          // accounts that wait to be asked
)

// Errors of Of, besides those of the account. Their texts are for people.
var (
	// ErrLooking: the account hasn't answered yet.
	ErrLooking = errors.New("still looking: load the page again in a moment")

	// ErrBudget: runs may need what is left of the requests to the account.
	ErrBudget = errors.New("not looked up: less than half of the requests to the account are left, and runs come first")
)

// Account is where to ask. It is used by one goroutine at a time.
type Account struct {
	Name  string                                                     // those of one name share answers
	List  func(ctx context.Context) (map[string][]policy.App, error) // applications by the ids of the policies that they use: all, or an error
	Spare func() bool                                                // whether there are requests to spare
}

// Book remembers which applications use policies. It may be used concurrently.
type Book struct {
	mu    sync.Mutex
	pages map[string]*page // by the accounts' names
	asked chan *page
}

// page is what one account answered, or is being asked for.
type page struct {
	Account

	answered chan struct{} // closed when the rest is set
	at       time.Time
	apps     map[string][]policy.App
	err      error
}

// NewBook returns a book of empty pages; call its Run.
func NewBook() *Book {
	return &Book{pages: map[string]*page{}, asked: make(chan *page, maxQueue)}
}

// Run asks accounts, one after the other, until ctx ends.
func (b *Book) Run(ctx context.Context) {
	for {
		select {
		case p := <-b.asked:
			p.fill(ctx)
		case <-ctx.Done():
			return
		}
	}
}

func (p *page) fill(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	p.apps, p.err = p.List(ctx)
	p.at = time.Now()
	close(p.answered)
}

// Of returns the applications that use the policy of that id, as of a few minutes
// ago at most. It waits some seconds for the account, and else returns ErrLooking;
// it returns ErrBudget where the account isn't to be asked now.
func (b *Book) Of(ctx context.Context, a Account, id string) ([]policy.App, error) {
	p, err := b.page(a)
	if err != nil {
		return nil, err
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-p.answered:
		return p.apps[id], p.err
	case <-timer.C:
	case <-ctx.Done():
	}
	return nil, ErrLooking
}

// page returns the account's page, for which it has the account asked if need be.
func (b *Book) page(a Account) (*page, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p := b.pages[a.Name]; p != nil && p.current() {
		return p, nil
	}
	if !a.Spare() {
		return nil, ErrBudget
	}
	p := &page{Account: a, answered: make(chan struct{})}
	select {
	case b.asked <- p:
		b.pages[a.Name] = p
		return p, nil
	default:
		return nil, ErrLooking
	}
}

// current reports whether the page needn't be asked for again.
func (p *page) current() bool {
	select {
	case <-p.answered:
	default:
		return true
	}
	if p.err != nil {
		return time.Since(p.at) < failHolds
	}
	return time.Since(p.at) < holds
}
