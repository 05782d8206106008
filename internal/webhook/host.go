package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// host is how a provider sends.
type host struct {
	event    []string // headers, of which the first one present names the event
	delivery []string // likewise, the delivery
	signed   func(r signedRequest, key string) bool
	parse    func(event string, body []byte) (notice, error)
}

// hosts returns each provider's ways, with where they are documented.
func hosts() map[Provider]host {
	return map[Provider]host{
		// docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
		GitHub: {
			event: []string{"X-GitHub-Event"}, delivery: []string{"X-GitHub-Delivery"},
			signed: hmacIn("sha256=", "X-Hub-Signature-256"), parse: parseGitHub,
		},
		// docs.gitlab.com/user/project/integrations/webhooks; old versions have no key to know retries by
		GitLab: {
			event: []string{"X-Gitlab-Event"}, delivery: []string{"Idempotency-Key", "X-Gitlab-Event-UUID"},
			signed: gitLabSigned, parse: parseGitLab,
		},
		// docs.gitea.com/usage/webhooks, forgejo.org/docs/latest/user/webhooks
		Gitea: {
			event:    []string{"X-Forgejo-Event", "X-Gitea-Event"},
			delivery: []string{"X-Forgejo-Delivery", "X-Gitea-Delivery"},
			signed: func(r signedRequest, key string) bool {
				return hmacIn("", "X-Forgejo-Signature", "X-Gitea-Signature")(r, key) || hmacIn("sha256=", "X-Hub-Signature-256")(r, key)
			},
			parse: parseGitHub,
		},
		// gogs.io/docs/features/webhook
		Gogs: {
			event: []string{"X-Gogs-Event"}, delivery: []string{"X-Gogs-Delivery"},
			signed: hmacIn("", "X-Gogs-Signature"), parse: parseGitHub,
		},
		// support.atlassian.com/bitbucket-cloud/docs/event-payloads,
		// confluence.atlassian.com/bitbucketserver/event-payload-938025882.html
		Bitbucket: {
			event: []string{"X-Event-Key"}, delivery: []string{"X-Request-UUID", "X-Request-Id"},
			signed: hmacIn("sha256=", "X-Hub-Signature"), parse: parseBitbucket,
		},
		Generic: {
			delivery: []string{"X-Delivery"},
			signed:   hmacIn("sha256=", "X-Signature-256"), parse: parseGitHub,
		},
	}
}

// signedRequest is what a signature may be over.
type signedRequest struct {
	header http.Header
	body   []byte
	now    time.Time
}

// hmacIn returns whether one of the headers holds, behind the prefix, the hex
// HMAC-SHA256 of the body.
func hmacIn(prefix string, headers ...string) func(signedRequest, string) bool {
	return func(r signedRequest, key string) bool {
		want, found := sum([]byte(key), r.body), false
		for _, name := range headers {
			text, prefixed := strings.CutPrefix(r.header.Get(name), prefix)
			got, err := hex.DecodeString(text)
			found = prefixed && err == nil && hmac.Equal(got, want) || found
		}
		return found
	}
}

// gitLabSigned reports whether a request bears the secret itself, in
// X-Gitlab-Token, or is signed with a signing token.
func gitLabSigned(r signedRequest, key string) bool {
	want, got := sha256.Sum256([]byte(key)), sha256.Sum256([]byte(r.header.Get("X-Gitlab-Token")))
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1 || standardSigned(r, key)
}

// tolerance is how far a signed time may be off, as the specification advises.
const tolerance = 5 * time.Minute

// standardSigned reports whether a request is signed as by the Standard
// Webhooks specification (github.com/standard-webhooks/standard-webhooks).
func standardSigned(r signedRequest, key string) bool {
	encoded, isToken := strings.CutPrefix(key, "whsec_")
	raw, err := base64.StdEncoding.DecodeString(encoded)
	id, at := r.header.Get("Webhook-Id"), r.header.Get("Webhook-Timestamp")
	seconds, timeErr := strconv.ParseInt(at, 10, 64)
	if !isToken || err != nil || timeErr != nil || r.now.Sub(time.Unix(seconds, 0)).Abs() > tolerance {
		return false
	}
	want, found := sum(raw, []byte(id+"."+at+"."), r.body), false
	for signature := range strings.FieldsSeq(r.header.Get("Webhook-Signature")) {
		text, version1 := strings.CutPrefix(signature, "v1,")
		got, err := base64.StdEncoding.DecodeString(text)
		found = version1 && err == nil && hmac.Equal(got, want) || found
	}
	return found
}

func sum(key []byte, parts ...[]byte) []byte {
	mac := hmac.New(sha256.New, key)
	for _, part := range parts {
		_, _ = mac.Write(part) // never fails
	}
	return mac.Sum(nil)
}

// first returns the first of these headers that is present.
func first(header http.Header, names []string) string {
	for _, name := range names {
		if value := header.Get(name); value != "" {
			return value
		}
	}
	return ""
}
