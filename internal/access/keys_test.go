package access_test

import (
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/policysync/policysync/internal/access"
)

// Both the key of now and the one before it count; then the older one goes.
func TestKeysRotate(t *testing.T) {
	t.Parallel()
	old, next := ellipticKey(t, "old"), ellipticKey(t, "new")
	m := newTeam(t, public(old))
	v := m.verifier()
	long := map[string]any{"exp": noon.Add(24 * time.Hour).Unix()}
	check := func(when string, key jose.JSONWebKey, good bool, asked int) {
		t.Helper()
		_, err := v.Visitor(t.Context(), signed(t, key, m.claims(long)))
		if (err == nil) != good || errors.Is(err, access.ErrUnavailable) || m.asked != asked {
			t.Errorf("%s: key %s: %v after %d questions, want %d", when, key.KeyID, err, m.asked, asked)
		}
	}
	check("at first", old, true, 1)
	m.is(func() { m.keys, m.now = []jose.JSONWebKey{public(next), public(old)}, noon.Add(time.Minute) })
	check("after the rotation", next, true, 2)
	check("after the rotation", old, true, 2)
	m.is(func() { m.keys, m.now = []jose.JSONWebKey{public(next)}, noon.Add(time.Hour) })
	check("withdrawn, but not known to be", old, true, 2)
	m.is(func() { m.now = noon.Add(time.Hour + time.Minute) })
	check("withdrawn", old, false, 3)
	check("withdrawn", next, true, 3)
}

func TestWhatStrangersSendFetchesKeysAtMostOncePerPause(t *testing.T) {
	t.Parallel()
	key, strange := ellipticKey(t, "1"), ellipticKey(t, "2")
	m := newTeam(t, public(key))
	v := m.verifier()
	forged := signed(t, strange, m.claims(nil))
	for second := range 60 {
		m.is(func() { m.now = noon.Add(time.Duration(second) * time.Second) })
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if _, err := v.Visitor(t.Context(), forged); err == nil {
					t.Error("a forgery was believed")
				}
			})
		}
		all.Wait()
	}
	if m.asked != 6 {
		t.Errorf("in a minute the server was asked %d times, want 6", m.asked)
	}
	if _, err := v.Visitor(t.Context(), signed(t, key, m.claims(nil))); err != nil {
		t.Errorf("a genuine assertion is refused meanwhile: %v", err)
	}
}

func TestWhileNoKeysCanBeHad(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]struct {
		status int
		body   string
	}{
		"an error":        {http.StatusBadGateway, "<html>"},
		"elsewhere":       {http.StatusFound, ""},
		"no JSON":         {http.StatusOK, "<html>"},
		"no keys":         {http.StatusOK, `{"keys": []}`},
		"a key for HMACs": {http.StatusOK, `{"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "1"}]}`},
		"unknown keys":    {http.StatusOK, `{"keys": [{"kty": "new"}, 1]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key := ellipticKey(t, "1")
			m := newTeam(t, public(key))
			m.status, m.body = broken.status, broken.body
			v := m.verifier()
			good := signed(t, key, m.claims(map[string]any{"exp": noon.Add(24 * time.Hour).Unix()}))
			for range 2 { // once it fails, once that is remembered
				if _, err := v.Visitor(t.Context(), good); !errors.Is(err, access.ErrUnavailable) {
					t.Errorf("without keys: %v", err)
				}
			}
			if m.asked != 1 || len(m.warned) != 1 {
				t.Errorf("asked %d times, warned of %v", m.asked, m.warned)
			}
			m.is(func() { m.status, m.body, m.now = http.StatusOK, "", noon.Add(time.Minute) })
			if _, err := v.Visitor(t.Context(), good); err != nil {
				t.Errorf("with keys again: %v", err)
			}
			m.is(func() { m.status, m.body, m.now = broken.status, broken.body, noon.Add(12*time.Hour) })
			if _, err := v.Visitor(t.Context(), good); err != nil {
				t.Errorf("with the keys of before: %v", err)
			}
			if len(m.warned) != 2 {
				t.Errorf("warned of %v", m.warned)
			}
		})
	}
}

func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	key := ellipticKey(t, "1")
	m := newTeam(t, public(key))
	v := m.verifier()
	m.Close()
	if _, err := v.Visitor(t.Context(), signed(t, key, m.claims(nil))); !errors.Is(err, access.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}
