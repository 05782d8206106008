package cloudflare_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/policysync/policysync/internal/cloudflare"
	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/secret"
)

func TestVerifyTokenKnowsUsersAndAccountsTokens(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]simulator.Options{"user's": {}, "account's": {AccountToken: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := connect(t, simulator.New(o), nil).VerifyToken(t.Context())
			if err != nil || got.Status != "active" || got.ID == "" {
				t.Errorf("got %+v: %v", got, err)
			}
		})
	}
}

func TestVerifyTokenTellsWhenItEnds(t *testing.T) {
	t.Parallel()
	client, _ := scripted(t, func(int) *http.Response {
		return answered(200, `{"success":true,"result":{"id":"a","status":"active","expires_on":"2027-01-31T00:00:00Z"}}`)
	})
	got, err := client.VerifyToken(t.Context())
	if err != nil || got.ExpiresOn.Format("2006-01-02") != "2027-01-31" || !got.NotBefore.IsZero() {
		t.Errorf("got %+v: %v", got, err)
	}
}

func TestVerifyTokenRefusesWhatCouldNotWork(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		options simulator.Options
		change  func(*cloudflare.Options)
		status  int
		want    string
	}{
		"unknown":  {simulator.Options{Token: "another"}, nil, 401, "Invalid API Token"},
		"disabled": {simulator.Options{TokenStatus: "disabled"}, nil, 200, `"disabled"`},
		"expired":  {simulator.Options{TokenStatus: "expired", AccountToken: true}, nil, 200, `"expired"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := connect(t, simulator.New(tt.options), tt.change).VerifyToken(t.Context())
			if e := failure(t, err); e.Status != tt.status || !strings.Contains(e.Error(), tt.want) {
				t.Errorf("want %d and %q: %v", tt.status, tt.want, e)
			}
		})
	}
}

func TestVerifyTokenCanTellNothingOfAKey(t *testing.T) {
	t.Parallel()
	account := simulator.New(simulator.Options{})
	client := connect(t, account, func(o *cloudflare.Options) {
		o.Credentials = func() (cloudflare.Credentials, error) {
			return cloudflare.Credentials{Email: "me@example.com", Key: secret.New("key")}, nil
		}
	})
	_, err := client.VerifyToken(t.Context())
	if failure(t, err); !errors.Is(err, errors.ErrUnsupported) || len(account.Requests()) != 0 {
		t.Errorf("%d requests: %v", len(account.Requests()), err)
	}
}

func TestVerifyTokenPassesOnThatNothingIsKnown(t *testing.T) {
	t.Parallel()
	client := connect(t, simulator.New(simulator.Options{}), func(o *cloudflare.Options) {
		o.Credentials = func() (cloudflare.Credentials, error) { return cloudflare.Credentials{}, secret.ErrNotSet }
	})
	_, err := client.VerifyToken(t.Context())
	if failure(t, err); !errors.Is(err, secret.ErrNotSet) {
		t.Errorf("got %v", err)
	}
}
