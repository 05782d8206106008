package main

import (
	"context"
	"fmt"

	"github.com/policysync/policysync/internal/inuse"
	"github.com/policysync/policysync/internal/policy"
)

// users returns what tells the status page which applications use a policy: a book
// that asks the targets' accounts as long as more than half of what they allow is
// left.
func (s *service) users(book *inuse.Book) func(ctx context.Context, target, id string) ([]policy.App, error) {
	return func(ctx context.Context, target, id string) ([]policy.App, error) {
		now := s.inForce.Load()
		runner := now.runners[target]
		if runner == nil {
			return nil, fmt.Errorf("there is no target %s any more: load the page again", target)
		}
		t := now.target(target)
		return book.Of(ctx, inuse.Account{
			Name: t.Cloudflare.BaseURL + " " + t.AccountID,
			List: runner.Account.Users, Spare: func() bool { return 2*s.make.shared.left(target) > t.Cloudflare.RequestsPer5m },
		}, id)
	}
}
