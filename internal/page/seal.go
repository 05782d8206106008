package page

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
)

// seals makes references to policies that don't show their keys, for those who
// aren't to see an address in one. They hold as long as the seals do.
type seals struct {
	secret []byte
	cipher cipher.AEAD
}

func newSeals() *seals {
	secret := make([]byte, 2*sha256.Size)
	_, _ = rand.Read(secret)                        // it never fails
	block, _ := aes.NewCipher(secret[:sha256.Size]) // the key is as long as it has to be
	sealing, _ := cipher.NewGCM(block)              // and so is the block
	return &seals{secret[sha256.Size:], sealing}
}

// seal returns the reference to a key, which is always the same.
func (s *seals) seal(key string) string {
	mac := hmac.New(sha256.New, s.secret)
	_, _ = mac.Write([]byte(key)) // it never fails
	nonce := mac.Sum(nil)[:s.cipher.NonceSize()]
	return base64.RawURLEncoding.EncodeToString(s.cipher.Seal(nonce, nonce, []byte(key), nil))
}

// open returns the key that a reference stands for, and whether there is one.
func (s *seals) open(ref string) (key string, ok bool) {
	sealed, err := base64.RawURLEncoding.DecodeString(ref)
	n := s.cipher.NonceSize()
	if err != nil || len(sealed) < n {
		return "", false
	}
	text, err := s.cipher.Open(nil, sealed[:n], sealed[n:], nil)
	return string(text), err == nil
}

// policyAt returns where the page of a policy is.
func (s *server) policyAt(target, key string) string {
	query := url.Values{"key": {key}}
	if s.sees.Text(key) != key {
		query = url.Values{"ref": {s.seals.seal(key)}}
	}
	return "/targets/" + target + "/policy?" + query.Encode()
}

// keyOf returns the key of the policy that a query asks for, unless that is hidden
// from who asks, or the reference isn't of this process.
func (s *server) keyOf(query url.Values) (key string, ok bool) {
	if query.Has("ref") {
		return s.seals.open(query.Get("ref"))
	}
	key = query.Get("key")
	return key, s.sees.Text(key) == key
}
