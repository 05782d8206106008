package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"
	"sync"

	"github.com/policysync/policysync/internal/cloudflare"
	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/page"
)

// budgets holds one budget for each API token, because Cloudflare counts the
// requests of all that use it.
type budgets struct {
	dir string // where what was used is kept across restarts; empty: nowhere

	mu     sync.Mutex
	shared map[identity]*cloudflare.Budget
	used   map[string]*cloudflare.Budget // by the targets that use them
	files  map[string]*cloudflare.Budget // by where they are kept
}

// newBudgets returns budgets that are kept in dir, or not at all.
func newBudgets(dir string) *budgets {
	return &budgets{dir: dir, shared: map[identity]*cloudflare.Budget{}, used: map[string]*cloudflare.Budget{}, files: map[string]*cloudflare.Budget{}}
}

// left returns how many requests the budget of a target allows now.
func (b *budgets) left(target string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used[target] == nil {
		return 0
	}
	return b.used[target].Left()
}

// allowance returns what the budget of a target tells.
func (b *budgets) allowance(target string) page.Budget {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used[target] == nil {
		return page.Budget{}
	}
	a := b.used[target].Allowance()
	return page.Budget{Left: a.Left, Limit: a.Limit, More: a.More}
}

// of returns the budget of the token of a target, one of all. It is the one that
// the token had before, if it had one, and else the one of the token that stood
// in its place: a token that was rotated, which others may not have read yet.
func (b *budgets) of(t config.Target, all []config.Target) (*cloudflare.Budget, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	budget, err := b.find(t, all)
	if err != nil {
		return nil, err
	}
	b.used[t.Name] = budget
	return budget, nil
}

func (b *budgets) find(t config.Target, all []config.Target) (budget *cloudflare.Budget, err error) {
	who := identify(t.Cloudflare)
	if b.shared[who] != nil {
		return b.shared[who], nil
	}
	sharing := sharers(who, all)
	name := hash(place(sharing[0])) // not of the token: nothing of what it is may be written down
	file := "requests-" + hex.EncodeToString(name[:4])
	switch {
	case b.files[file] != nil:
		budget = b.files[file]
	case b.dir == "":
		budget = cloudflare.NewBudget(least(sharing))
	default:
		budget, err = cloudflare.OpenBudget(filepath.Join(b.dir, file), least(sharing))
	}
	if err != nil {
		return nil, err
	}
	b.shared[who], b.files[file] = budget, budget
	return budget, nil
}

// limit has each budget allow the least that any target with its token, of all
// that there are now, allows.
func (b *budgets) limit(all []config.Target) {
	b.mu.Lock()
	defer b.mu.Unlock()
	allowed := map[*cloudflare.Budget]int{}
	for _, t := range all {
		if budget := b.used[t.Name]; budget != nil {
			allowed[budget] = min(cmp.Or(allowed[budget], t.Cloudflare.RequestsPer5m), t.Cloudflare.RequestsPer5m)
		}
	}
	for budget, requests := range allowed {
		budget.Allow(requests)
	}
}

// sharers returns how those of all targets reach the account that do as who.
func sharers(who identity, all []config.Target) (sharing []config.Cloudflare) {
	for _, t := range all {
		if identify(t.Cloudflare) == who {
			sharing = append(sharing, t.Cloudflare)
		}
	}
	return sharing
}

// least returns what the strictest of them allows.
func least(sharing []config.Cloudflare) int {
	return slices.MinFunc(sharing, func(a, b config.Cloudflare) int { return a.RequestsPer5m - b.RequestsPer5m }).RequestsPer5m
}

// identity is the same for targets that are one and the same to Cloudflare.
type identity [sha256.Size]byte

// identify tells by the credentials themselves or, where these can't be read,
// by the place where they should be.
func identify(c config.Cloudflare) identity {
	who, err := credentials(c)
	if err != nil {
		return hash(place(c))
	}
	return hash([]string{c.BaseURL, who.Token.Reveal(), who.Email, who.Key.Reveal()})
}

// place names where credentials come from.
func place(c config.Cloudflare) []string {
	return []string{c.BaseURL, c.APIToken.File, c.APIToken.Env, c.Email, c.APIKey.File, c.APIKey.Env}
}

func hash(of []string) [sha256.Size]byte { return sha256.Sum256(fmt.Appendf(nil, "%q", of)) }
