package cloudflare

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/policysync/policysync/internal/policy"
)

func (c *Client) policiesPath() string {
	return "/accounts/" + c.options.AccountID + "/access/policies"
}

// Get returns the policy of that id. Where it is gone, the error's NotFound
// is true.
func (c *Client) Get(ctx context.Context, id string) (policy.Live, error) {
	return c.one(ctx, call{operation: OpGet, policyID: id, method: http.MethodGet}, nil)
}

// Create makes a new policy and returns it as the account holds it then. It is
// sent once: after an error that is Ambiguous the caller must list the
// account's policies to learn whether it is there. Cloudflare allows several
// policies of one name. A context that ends keeps the request from being sent,
// but once it has left it is seen through, up to the timeout.
//
// When there is nothing more to wait for, leave is called, and the request
// leaves unless that returns an error. After an answer of 429, by which the
// request had no effect, it is called again before the request leaves again.
// It may be nil.
func (c *Client) Create(ctx context.Context, p policy.Policy, leave func() error) (policy.Live, error) {
	return c.one(ctx, call{operation: OpCreate, method: http.MethodPost, leave: leave}, &p)
}

// Update replaces the whole policy of that id and returns it as the account
// holds it then. It is sent once; see Create.
func (c *Client) Update(ctx context.Context, id string, p policy.Policy, leave func() error) (policy.Live, error) {
	return c.one(ctx, call{operation: OpUpdate, policyID: id, method: http.MethodPut, leave: leave}, &p)
}

// Delete removes the policy of that id. The account refuses it with status 409
// while applications use it. It is sent once; see Create.
func (c *Client) Delete(ctx context.Context, id string, leave func() error) error {
	_, err := c.one(ctx, call{operation: OpDelete, policyID: id, method: http.MethodDelete, leave: leave}, nil)
	return err
}

// one does an operation on one policy.
func (c *Client) one(ctx context.Context, q call, p *policy.Policy) (policy.Live, error) {
	failed := &Error{Operation: q.operation, PolicyID: q.policyID}
	q.path = c.policiesPath()
	if q.operation != OpCreate {
		// The schema promises of ids only that they are text (access_uuid).
		if q.policyID == "" || q.policyID == "." || q.policyID == ".." {
			failed.PolicyID, failed.Err = "", fmt.Errorf("%q is not a policy id", q.policyID)
			return policy.Live{}, failed
		}
		q.path += "/" + url.PathEscape(q.policyID)
	}
	if p != nil {
		body, err := json.Marshal(p)
		if err != nil {
			failed.Err = err
			return policy.Live{}, failed
		}
		q.body = body
	}
	got, err := c.do(ctx, q)
	if err != nil {
		return policy.Live{}, err
	}
	live, err := fitting(got.result, q, p)
	if err != nil {
		failed.Status, failed.Ray, failed.Err, failed.Ambiguous = got.status, got.ray, err, q.writes()
		return policy.Live{}, failed
	}
	return live, nil
}

// fitting returns the policy in an answer, if it is the one that was asked for.
func fitting(result json.RawMessage, q call, sent *policy.Policy) (policy.Live, error) {
	var live policy.Live
	if len(result) > 0 {
		if err := json.Unmarshal(result, &live); err != nil {
			return policy.Live{}, fmt.Errorf("the result isn't a policy: %w", misfit(err))
		}
	}
	switch {
	case q.operation == OpDelete && live.ID == "": // it is documented to be there, and nothing depends on it
	case live.ID == "":
		return policy.Live{}, errors.New("the result has no id")
	case q.policyID != "" && live.ID != q.policyID:
		return policy.Live{}, errors.New("the result is another policy")
	case sent != nil && live.Name != sent.Name:
		return policy.Live{}, errors.New("the result has another name than was sent")
	}
	return live, nil
}
