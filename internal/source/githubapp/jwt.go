package githubapp

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// GitHub takes no JWT that is valid for more than ten minutes, and advises to
// date it back by one, for clocks that differ.
const (
	backdated = time.Minute
	valid     = 9 * time.Minute
)

// sign returns the JWT by which the app proves itself: RS256 (RFC 7515, 7518).
func sign(app int64, key *rsa.PrivateKey, now time.Time) (string, error) {
	claims, err := json.Marshal(map[string]any{
		"iss": strconv.FormatInt(app, 10), "iat": now.Add(-backdated).Unix(), "exp": now.Add(valid).Unix(),
	})
	if err != nil {
		return "", fmt.Errorf("write claims: %w", err)
	}
	base64url := base64.RawURLEncoding.EncodeToString
	signed := base64url([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + base64url(claims)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return signed + "." + base64url(signature), nil
}

// parseKey reads an RSA key in PEM form: PKCS #1, as GitHub gives it out, or
// PKCS #8. The error says nothing of the key.
func parseKey(text string) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("it has no key in PEM form")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if rsaKey, ok := key.(*rsa.PrivateKey); ok && err == nil {
		return rsaKey, nil
	}
	return nil, errors.New("it has no RSA private key, unencrypted, as GitHub gives one out")
}
