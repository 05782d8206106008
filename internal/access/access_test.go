package access_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/policysync/policysync/internal/access"
	"github.com/policysync/policysync/internal/visitor"
)

const audience = "32eafc7626e974616deaf0dc3ce63d7bcbed58a2731e84d06bc3cdf1b53c4228"

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// team is a Cloudflare Access team: a server with its keys, which may be down.
type team struct {
	*httptest.Server

	mu     sync.Mutex
	keys   []jose.JSONWebKey
	status int
	body   string // instead of the keys
	asked  int
	now    time.Time
	warned []error
}

func newTeam(t *testing.T, keys ...jose.JSONWebKey) *team {
	t.Helper()
	m := &team{keys: keys, status: http.StatusOK, now: noon}
	m.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.asked++
		if r.URL.Path == "/cdn-cgi/access/certs" { // elsewhere are the keys, too, for those who let themselves be led there
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(m.status)
			if m.body != "" {
				_, _ = w.Write([]byte(m.body))
				return
			}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": m.keys, "public_certs": []string{}})
	}))
	t.Cleanup(m.Close)
	return m
}

func (m *team) domain() string { return strings.TrimPrefix(m.URL, "https://") }

func (m *team) verifier(operators ...string) *access.Verifier {
	return access.New(access.Options{
		Team: m.domain(), Audience: audience, Operators: operators, Transport: m.Client().Transport,
		Warn: func(err error) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.warned = append(m.warned, err)
		},
		Now: func() time.Time {
			m.mu.Lock()
			defer m.mu.Unlock()
			return m.now
		},
	})
}

// is changes the team, as its server is asked concurrently.
func (m *team) is(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
}

// claims are those of ann's assertion, with others in their place.
func (m *team) claims(others map[string]any) map[string]any {
	all := map[string]any{
		"aud": []string{audience}, "email": "ann@example.com", "exp": noon.Add(time.Hour).Unix(), "iat": noon.Unix(), "nbf": noon.Unix(),
		"iss": m.URL, "type": "app", "identity_nonce": "6ei69kawdKzMIAPF", "sub": "7335d417-61da-459d-899c-0a01c76a2f94", "country": "US",
	}
	maps.Copy(all, others)
	maps.DeleteFunc(all, func(_ string, value any) bool { return value == nil })
	return all
}

// private makes a key.
func private(t *testing.T, id string) jose.JSONWebKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return jose.JSONWebKey{Key: key, KeyID: id, Algorithm: string(jose.RS256), Use: "sig"}
}

// ellipticKey makes a key as private does, sooner.
func ellipticKey(t *testing.T, id string) jose.JSONWebKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return jose.JSONWebKey{Key: key, KeyID: id, Algorithm: string(jose.ES256), Use: "sig"}
}

// public is what a team publishes of a key.
func public(key jose.JSONWebKey) jose.JSONWebKey { return key.Public() }

func signed(t *testing.T, key jose.JSONWebKey, claims map[string]any) string {
	t.Helper()
	return signedBy(t, jose.SigningKey{Algorithm: jose.SignatureAlgorithm(key.Algorithm), Key: key}, claims)
}

func signedBy(t *testing.T, key jose.SigningKey, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(key, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signature.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestWhoIsLetThroughIsKnown(t *testing.T) {
	t.Parallel()
	key := private(t, "1")
	m := newTeam(t, public(key))
	v := m.verifier("Ann@Example.com", "group:Access admins", "group:team@example.com", "service:e367826f.access")
	for name, tc := range map[string]struct {
		claims map[string]any
		want   visitor.Visitor
	}{
		"an operator by address": {nil, visitor.Visitor{Name: "ann@example.com", Operator: true, Addresses: true}},
		"a viewer":               {map[string]any{"email": "bob@example.com"}, visitor.Visitor{Name: "bob@example.com"}},
		"one whose name has an operator's in it": {
			map[string]any{"email": "xann@example.com"},
			visitor.Visitor{Name: "xann@example.com"},
		},
		"an operator by a group of the identity provider": {
			map[string]any{"email": "bob@example.com", "custom": map[string]any{"groups": []string{"x", "Access admins"}}},
			visitor.Visitor{Name: "bob@example.com", Operator: true, Addresses: true},
		},
		"an operator by a single group": {
			map[string]any{"email": "bob@example.com", "groups": "Access admins"},
			visitor.Visitor{Name: "bob@example.com", Operator: true, Addresses: true},
		},
		"a group in another case": {
			map[string]any{"email": "bob@example.com", "groups": []string{"access admins"}},
			visitor.Visitor{Name: "bob@example.com"},
		},
		"a group that is an address": {
			map[string]any{"email": "bob@example.com", "groups": []string{"team@example.com"}},
			visitor.Visitor{Name: "bob@example.com", Operator: true, Addresses: true},
		},
		"such a group in another case": {
			map[string]any{"email": "bob@example.com", "groups": []string{"Team@example.com"}},
			visitor.Visitor{Name: "bob@example.com"},
		},
		"an address that looks like such a group": {
			map[string]any{"email": "group:team@example.com"},
			visitor.Visitor{Name: "somebody let through by Cloudflare Access"},
		},
		"groups that nobody understands": {
			map[string]any{"email": "bob@example.com", "groups": map[string]any{"Access admins": 1}, "custom": "Access admins"},
			visitor.Visitor{Name: "bob@example.com"},
		},
		"a group that is named like an operator's address": {
			map[string]any{"email": "bob@example.com", "groups": []string{"ann@example.com"}},
			visitor.Visitor{Name: "bob@example.com"},
		},
		"an address that looks like a group": {
			map[string]any{"email": "group:Access admins", "groups": "x"},
			visitor.Visitor{Name: "somebody let through by Cloudflare Access"},
		},
		"a service token that is an operator": {
			map[string]any{"email": nil, "common_name": "e367826f.access", "sub": "", "nbf": nil},
			visitor.Visitor{Name: "service:e367826f.access", Operator: true, Addresses: true},
		},
		"another service token, which has no groups": {
			map[string]any{"email": nil, "common_name": "other.access", "groups": []string{"Access admins"}},
			visitor.Visitor{Name: "service:other.access"},
		},
		"nobody by name": {
			map[string]any{"email": nil, "groups": []string{"Access admins"}},
			visitor.Visitor{Name: "somebody let through by Cloudflare Access"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := v.Visitor(t.Context(), signed(t, key, m.claims(tc.claims)))
			if err != nil || got != tc.want {
				t.Errorf("got %+v, %v; want %+v", got, err, tc.want)
			}
		})
	}
}

func TestWithoutOperatorsEverybodyIsAViewer(t *testing.T) {
	t.Parallel()
	key := ellipticKey(t, "1")
	m := newTeam(t, public(key))
	got, err := m.verifier().Visitor(t.Context(), signed(t, key, m.claims(nil)))
	if want := (visitor.Visitor{Name: "ann@example.com"}); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
}

// unsigned returns an assertion with that header and signature.
func unsigned(t *testing.T, header string, claims map[string]any, signature []byte) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(header)) + "." + encode(payload) + "." + encode(signature)
}

func TestForgeriesAreRefused(t *testing.T) {
	t.Parallel()
	key, other := private(t, "1"), private(t, "1")
	m := newTeam(t, public(key))
	v := m.verifier("ann@example.com")
	der, err := x509.MarshalPKIXPublicKey(key.Key.(*rsa.PrivateKey).Public())
	if err != nil {
		t.Fatal(err)
	}
	asSecret := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	good := signed(t, key, m.claims(nil))
	parts := strings.Split(good, ".")
	with := func(claims map[string]any) string { return signed(t, key, m.claims(claims)) }
	for name, tc := range map[string]struct{ assertion, want string }{
		"expired":                 {with(map[string]any{"exp": noon.Add(-time.Second).Unix()}), "expired"},
		"without an end":          {with(map[string]any{"exp": nil}), "expired"},
		"not valid yet":           {with(map[string]any{"nbf": noon.Add(10 * time.Minute).Unix()}), "before the nbf"},
		"for another application": {with(map[string]any{"aud": []string{"64 other digits"}}), "audience"},
		"for none":                {with(map[string]any{"aud": nil}), "audience"},
		"of another team":         {with(map[string]any{"iss": "https://other.cloudflareaccess.com"}), "different provider"},
		"of the team, without https": {
			with(map[string]any{"iss": m.domain()}),
			"different provider",
		},
		"by another key of that id": {signed(t, other, m.claims(nil)), "verify"},
		"alg: none":                 {unsigned(t, `{"alg":"none","typ":"JWT"}`, m.claims(nil), nil), "malformed"},
		"alg: None":                 {unsigned(t, `{"alg":"None","typ":"JWT"}`, m.claims(nil), nil), "malformed"},
		"no alg":                    {unsigned(t, `{"typ":"JWT"}`, m.claims(nil), nil), "malformed"},
		"HS256 with the public key as the secret": {
			signedBy(t, jose.SigningKey{Algorithm: jose.HS256, Key: asSecret}, m.claims(nil)),
			"malformed",
		},
		"RS512, which Access doesn't use": {
			signedBy(t, jose.SigningKey{Algorithm: jose.RS512, Key: key.Key}, m.claims(nil)),
			"malformed",
		},
		"a key that it brings along": {embedded(t, other, m.claims(nil)), "verify"},
		"other claims below the signature": {
			parts[0] + "." + strings.Split(with(map[string]any{"email": "eve@example.com"}), ".")[1] + "." + parts[2],
			"verify",
		},
		"no signature":      {parts[0] + "." + parts[1] + ".", "verify"},
		"cut off":           {parts[0] + "." + parts[1], "malformed"},
		"twice":             {good + "," + good, "malformed"},
		"empty":             {"", "malformed"},
		"garbage":           {"\x00\xff{}", "malformed"},
		"dots":              {"..", "malformed"},
		"huge":              {strings.Repeat("x", 1<<20), "longer than 16384 bytes"},
		"huge and genuine":  {with(map[string]any{"x": strings.Repeat("x", 16<<10)}), "longer than 16384 bytes"},
		"claims of a list":  {unsigned(t, `{"alg":"RS256"}`, nil, []byte("x")), "verify"},
		"address no text":   {with(map[string]any{"email": 1}), "claims"},
		"several encodings": {good + "=", "malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := v.Visitor(t.Context(), tc.assertion)
			if err == nil || got != (visitor.Visitor{}) || errors.Is(err, access.ErrUnavailable) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %+v, %v; want %q", got, err, tc.want)
			}
		})
	}
}

// embedded returns an assertion that has the public key of its signer with it.
func embedded(t *testing.T, key jose.JSONWebKey, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key.Key.(crypto.Signer)}, &jose.SignerOptions{EmbedJWK: true})
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signature.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}
