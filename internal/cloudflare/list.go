package cloudflare

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/policysync/policysync/internal/policy"
)

// perPage is how many policies are asked for at a time: the most that
// Cloudflare allows, though it may send fewer.
const perPage = 1000

// List returns all policies of the account, in the account's order: all of
// them, or an error. It needs one request for each 1000 policies.
func (c *Client) List(ctx context.Context) ([]policy.Live, error) {
	return list(ctx, c, listing[policy.Live]{
		operation: OpList, path: c.policiesPath(), decode: policy.DecodeList, id: func(p policy.Live) string { return p.ID },
	})
}

// Users returns, by the ids of policies, the applications that use them. It lists
// all applications of the account.
func (c *Client) Users(ctx context.Context) (map[string][]policy.App, error) {
	type app struct {
		ID       string                `json:"id"`
		Name     string                `json:"name"`
		Domain   string                `json:"domain"`
		Type     string                `json:"type"`
		Policies []struct{ ID string } `json:"policies"`
	}
	apps, err := list(ctx, c, listing[app]{
		operation: OpListApps, path: "/accounts/" + c.options.AccountID + "/access/apps",
		decode: decodeAll[app], id: func(a app) string { return a.ID },
	})
	users := map[string][]policy.App{}
	for _, a := range apps {
		user := policy.App{
			ID: a.ID, Name: oneLine(cmp.Or(a.Name, a.ID), maxMessage), Domain: oneLine(a.Domain, maxMessage), Type: oneLine(a.Type, maxMessage),
		}
		for _, p := range a.Policies {
			users[p.ID] = append(users[p.ID], user)
		}
	}
	return users, err
}

func decodeAll[T any](text []byte) (page []T, err error) {
	err = json.Unmarshal(text, &page)
	return page, err
}

// list returns everything that is listed, in the account's order: all of it,
// or an error.
func list[T any](ctx context.Context, c *Client, l listing[T]) ([]T, error) {
	l.ids = map[string]bool{}
	var got answer
	for page := 1; page == 1 || page <= l.pages; page++ {
		var err error
		got, err = c.do(ctx, call{
			operation: l.operation, method: http.MethodGet, path: l.path,
			query: url.Values{"page": {strconv.Itoa(page)}, "per_page": {strconv.Itoa(perPage)}},
		})
		if err != nil {
			return nil, err
		}
		if err = l.add(page, got); err != nil {
			return nil, incomplete(l.operation, got, fmt.Errorf("page %d: %w", page, err))
		}
	}
	if len(l.ids) != l.total {
		return nil, incomplete(l.operation, got, fmt.Errorf("%d entries came of %d", len(l.ids), l.total))
	}
	return slices.Concat(l.found...), nil
}

// listing is a list while its pages come in.
type listing[T any] struct {
	operation Operation
	path      string
	decode    func(page []byte) ([]T, error)
	id        func(T) string
	onePage   bool // it may come whole, without a result_info

	total, pages int   // as the first page said
	found        [][]T // by page
	ids          map[string]bool
}

// add takes one page in. It fails on any sign that the list isn't whole, or
// has changed since the first page.
func (l *listing[T]) add(page int, got answer) error {
	found, err := l.decode(got.result)
	if err != nil {
		return fmt.Errorf("the result isn't a list of what was asked for: %w", misfit(err))
	}
	if found == nil {
		return errors.New("the result is null")
	}
	if got.info == nil && l.onePage {
		l.total, l.pages = len(found), page
		return l.take(found)
	}
	if got.info == nil || got.info.TotalCount == nil {
		return errors.New("result_info doesn't tell how many entries there are")
	}
	total := *got.info.TotalCount
	if len(found) == 0 && total > 0 {
		return errors.New("it is empty")
	}
	pages := got.info.pages(l.pages, len(found))
	if pages > max(total, 1) { // each would have to be asked for
		return fmt.Errorf("result_info tells of %d pages for %d entries", pages, total)
	}
	if page == 1 {
		l.total, l.pages = total, pages
	}
	if total != l.total || pages != l.pages {
		return fmt.Errorf("the account holds %d entries on %d pages, and held %d on %d a moment ago", total, pages, l.total, l.pages)
	}
	return l.take(found)
}

// take adds the entries of a page.
func (l *listing[T]) take(page []T) error {
	for _, entry := range page {
		id := l.id(entry)
		if id == "" {
			return errors.New("an entry has no id")
		}
		if l.ids[id] {
			return fmt.Errorf("%s came twice", oneLine(id, 64))
		}
		l.ids[id] = true
	}
	l.found = append(l.found, page)
	if len(l.ids) > l.total {
		return fmt.Errorf("%d entries came of %d", len(l.ids), l.total)
	}
	return nil
}

func incomplete(operation Operation, last answer, err error) *Error {
	err = fmt.Errorf("the list is incomplete, so nothing can be planned on it: %w", err)
	return &Error{Operation: operation, Status: last.status, Ray: last.ray, Err: err}
}
