package cloudflare

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Token is what Cloudflare tells about an API token.
type Token struct {
	ID        string    `json:"id"`
	Status    string    `json:"status"`
	NotBefore time.Time `json:"not_before"` // zero: valid from the start
	ExpiresOn time.Time `json:"expires_on"` // zero: doesn't expire
}

// VerifyToken asks whether the API token is valid and active; any other is an
// error. A token belongs to a user or to the account, which Cloudflare tells
// in different places: the second is asked when the first doesn't know it. Of
// the older e-mail and key nothing can be told: the error wraps
// errors.ErrUnsupported.
func (c *Client) VerifyToken(ctx context.Context) (Token, error) {
	credentials, err := c.options.Credentials()
	if err != nil {
		return Token{}, &Error{Operation: OpVerifyToken, Err: err}
	}
	if credentials.Token.IsZero() {
		return Token{}, &Error{Operation: OpVerifyToken, Err: fmt.Errorf("%w: there is no API token", errors.ErrUnsupported)}
	}
	token, err := c.verify(ctx, "/user/tokens/verify")
	if e, ok := errors.AsType[*Error](err); ok && e.Permanent() {
		return c.verify(ctx, "/accounts/"+c.options.AccountID+"/tokens/verify")
	}
	return token, err
}

func (c *Client) verify(ctx context.Context, path string) (Token, error) {
	got, err := c.do(ctx, call{operation: OpVerifyToken, method: http.MethodGet, path: path})
	if err != nil {
		return Token{}, err
	}
	failed := &Error{Operation: OpVerifyToken, Status: got.status, Ray: got.ray}
	var token Token
	if err := json.Unmarshal(got.result, &token); err != nil {
		failed.Err = fmt.Errorf("the result isn't a token: %w", misfit(err))
		return Token{}, failed
	}
	if token.Status != "active" {
		failed.Err = fmt.Errorf("the token's status is %q: make a new one", oneLine(token.Status, 64))
		return Token{}, failed
	}
	return token, nil
}
