package cloudflare

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/policysync/policysync/internal/policy"
)

// perPage is how many policies are asked for at a time: the most that
// Cloudflare allows, though it may send fewer.
const perPage = 1000

// List returns all policies of the account, in the account's order: all of
// them, or an error. It needs one request for each 1000 policies.
func (c *Client) List(ctx context.Context) ([]policy.Live, error) {
	l := listing{ids: map[string]bool{}}
	var got answer
	for page := 1; page == 1 || page <= l.pages; page++ {
		var err error
		got, err = c.do(ctx, call{
			operation: OpList, method: http.MethodGet, path: c.policiesPath(),
			query: url.Values{"page": {strconv.Itoa(page)}, "per_page": {strconv.Itoa(perPage)}},
		})
		if err != nil {
			return nil, err
		}
		if err = l.add(page, got); err != nil {
			return nil, incomplete(got, fmt.Errorf("page %d: %w", page, err))
		}
	}
	if len(l.policies) != l.total {
		return nil, incomplete(got, fmt.Errorf("%d policies came of %d", len(l.policies), l.total))
	}
	return l.policies, nil
}

// listing is a list while its pages come in.
type listing struct {
	total, pages int // as the first page said
	policies     []policy.Live
	ids          map[string]bool
}

// add takes one page in. It fails on any sign that the list isn't whole, or
// has changed since the first page.
func (l *listing) add(page int, got answer) error {
	if got.info == nil || got.info.TotalCount == nil {
		return errors.New("result_info doesn't tell how many policies there are")
	}
	var found []policy.Live
	if err := json.Unmarshal(got.result, &found); err != nil {
		return fmt.Errorf("the result isn't a list of policies: %w", misfit(err))
	}
	if found == nil {
		return errors.New("the result is null")
	}
	total := *got.info.TotalCount
	if len(found) == 0 && total > 0 {
		return errors.New("it is empty")
	}
	pages := got.info.pages(l.pages, len(found))
	if page == 1 {
		l.total, l.pages = total, pages
	}
	if total != l.total || pages != l.pages {
		return fmt.Errorf("the account holds %d policies on %d pages, and held %d on %d a moment ago", total, pages, l.total, l.pages)
	}
	for _, p := range found {
		if p.ID == "" {
			return errors.New("a policy has no id")
		}
		if l.ids[p.ID] {
			return fmt.Errorf("policy %s came twice", oneLine(p.ID, 64))
		}
		l.ids[p.ID] = true
	}
	l.policies = append(l.policies, found...)
	if len(l.policies) > total {
		return fmt.Errorf("%d policies came of %d", len(l.policies), total)
	}
	return nil
}

func incomplete(last answer, err error) *Error {
	err = fmt.Errorf("the list is incomplete, so nothing can be planned on it: %w", err)
	return &Error{Operation: OpList, Status: last.status, Ray: last.ray, Err: err}
}
