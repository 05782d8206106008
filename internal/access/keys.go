package access

import (
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
)

const (
	keysLast     = time.Hour        // how long keys are used before they are fetched anew
	fetchPause   = 10 * time.Second // between two fetches, so that no stranger has us ask without end
	fetchTimeout = 5 * time.Second
	maxKeys      = 1 << 20 // bytes of an answer
)

// keys are the team's public keys. Those that were fetched stay in use while
// others can't be had.
type keys struct {
	url     string
	client  *http.Client
	options Options
	held    atomic.Pointer[keySet]

	fetching sync.Mutex // held while keys are fetched
	asked    time.Time  // when that began last
	failed   error      // how it ended
}

// keySet is the keys as they were at a time.
type keySet struct {
	oidc.StaticKeySet

	at time.Time
}

func newKeys(o Options) *keys {
	refuse := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // nobody else speaks for the team
	k := &keys{
		url:    "https://" + o.Team + "/cdn-cgi/access/certs",
		client: &http.Client{Transport: o.Transport, Timeout: fetchTimeout, CheckRedirect: refuse}, options: o,
	}
	k.held.Store(&keySet{})
	return k
}

// lookup checks one signature (oidc.KeySet).
type lookup struct {
	*keys

	failed error // why keys couldn't be had that may have been needed
}

// VerifySignature returns what one of the keys has signed. Where none of those
// held has, others are fetched, if that wasn't just done.
func (l *lookup) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	held := l.held.Load()
	payload, err := held.VerifySignature(ctx, jwt)
	if err == nil && l.options.Now().Sub(held.at) < keysLast {
		return payload, nil
	}
	fresh, failed := l.fetch(ctx, held)
	if failed == nil {
		return fresh.VerifySignature(ctx, jwt)
	}
	if err != nil {
		l.failed = failed
	}
	return payload, err
}

// fetch returns newer keys than those held, or why there are none.
func (k *keys) fetch(ctx context.Context, held *keySet) (*keySet, error) {
	k.fetching.Lock()
	defer k.fetching.Unlock()
	if newer := k.held.Load(); newer != held {
		return newer, nil
	}
	now := k.options.Now()
	if !k.asked.IsZero() && now.Sub(k.asked) < fetchPause {
		return held, k.failed
	}
	k.asked = now
	fresh, err := k.ask(context.WithoutCancel(ctx)) // others wait for it too
	k.failed = err
	if err != nil {
		k.options.Warn(fmt.Errorf("keys of Cloudflare Access: %w: see whether %s can be reached from here", err, k.url))
		return held, err
	}
	fresh.at = now
	k.held.Store(fresh)
	return fresh, nil
}

// ask asks the team's server for its keys.
func (k *keys) ask(ctx context.Context) (*keySet, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := k.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close() //nolint:errcheck // only read from
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s: %s", k.url, response.Status)
	}
	var published struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxKeys)).Decode(&published); err != nil {
		return nil, fmt.Errorf("GET %s: what comes is no list of keys: %w", k.url, err)
	}
	return newKeySet(published.Keys)
}

// newKeySet returns the public keys of kinds that may sign; what else is
// published is left out (RFC 7517 section 5).
func newKeySet(published []json.RawMessage) (*keySet, error) {
	set := &keySet{}
	for _, text := range published {
		var key jose.JSONWebKey
		if json.Unmarshal(text, &key) != nil {
			continue
		}
		switch public := key.Key.(type) {
		case *rsa.PublicKey, *ecdsa.PublicKey:
			set.PublicKeys = append(set.PublicKeys, public)
		}
	}
	if len(set.PublicKeys) == 0 {
		return nil, errors.New("no key that may sign is published")
	}
	return set, nil
}
