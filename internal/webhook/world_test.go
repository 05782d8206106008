package webhook_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/policysync/policysync/internal/secret"
	"github.com/policysync/policysync/internal/webhook"
)

const key = "open sesame"

// world is a handler with all providers, and who was woken.
type world struct {
	testing.TB
	http.Handler
	secretFile string

	mu        sync.Mutex
	woken     []string
	pushes    []webhook.Push
	suspended string // a target
	seen      []webhook.Delivery
}

// Wake is that of a webhook.Waker.
func (w *world) Wake(target string, p webhook.Push) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if target == w.suspended {
		return false
	}
	w.woken, w.pushes = append(w.woken, target), append(w.pushes, p)
	return true
}

func (w *world) observe(d webhook.Delivery) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, d)
}

func newWorld(t testing.TB, targets ...webhook.Target) *world {
	t.Helper()
	w := &world{TB: t, secretFile: filepath.Join(t.TempDir(), "secret")}
	w.rotate(key)
	secrets := map[webhook.Provider][]secret.Source{}
	for _, p := range providers() {
		secrets[p] = []secret.Source{{File: w.secretFile}}
	}
	w.Handler = webhook.Handler(webhook.Options{Secrets: always(secrets), Targets: always(targets), Waker: w, Observe: w.observe})
	return w
}

// always returns what is asked for the same each time.
func always[T any](it T) func() T { return func() T { return it } }

func providers() []webhook.Provider {
	return []webhook.Provider{webhook.GitHub, webhook.GitLab, webhook.Gitea, webhook.Gogs, webhook.Bitbucket, webhook.Generic}
}

// rotate puts another secret into the file.
func (w *world) rotate(to string) {
	w.Helper()
	if err := os.WriteFile(w.secretFile, []byte(to+"\n"), 0o600); err != nil {
		w.Fatal(err)
	}
}

// answer is what a request is answered with.
type answer struct {
	Status     int            `json:"-"`
	RetryAfter string         `json:"-"`
	Result     webhook.Result `json:"result"`
	Woken      []string       `json:"woken"`
	Suspended  []string       `json:"suspended"`
	Reason     string         `json:"reason"`
	Error      string         `json:"error"`
}

// send sends a body with headers to a provider's route.
func (w *world) send(to webhook.Provider, body []byte, header map[string]string) answer {
	w.Helper()
	r := httptest.NewRequest(http.MethodPost, "/webhooks/"+string(to), bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for name, value := range header {
		r.Header.Set(name, value)
	}
	got := httptest.NewRecorder()
	w.ServeHTTP(got, r)
	a := answer{Status: got.Code, RetryAfter: got.Header().Get("Retry-After")}
	if err := json.Unmarshal(got.Body.Bytes(), &a); err != nil {
		w.Fatalf("the answer %d %q is not JSON: %v", got.Code, got.Body, err)
	}
	return a
}

// signed returns the headers of a genuine delivery of an event.
func signed(from webhook.Provider, body []byte, event string) map[string]string {
	sum := mac(key, body)
	return map[webhook.Provider]map[string]string{
		webhook.GitHub:    {"X-GitHub-Event": event, "X-Hub-Signature-256": "sha256=" + sum},
		webhook.GitLab:    {"X-Gitlab-Event": event, "X-Gitlab-Token": key},
		webhook.Gitea:     {"X-Gitea-Event": event, "X-Gitea-Signature": sum},
		webhook.Gogs:      {"X-Gogs-Event": event, "X-Gogs-Signature": sum},
		webhook.Bitbucket: {"X-Event-Key": event, "X-Hub-Signature": "sha256=" + sum},
		webhook.Generic:   {"X-Signature-256": "sha256=" + sum},
	}[from]
}

func mac(key string, body []byte) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

// standard signs as by the Standard Webhooks specification.
func standard(key []byte, id string, at time.Time, body []byte) map[string]string {
	seconds := strconv.FormatInt(at.Unix(), 10)
	h := hmac.New(sha256.New, key)
	h.Write([]byte(id + "." + seconds + "." + string(body)))
	return map[string]string{
		"webhook-id": id, "webhook-timestamp": seconds,
		"webhook-signature": "v1,AAAA v1," + base64.StdEncoding.EncodeToString(h.Sum(nil)),
	}
}

// with returns headers and some more.
func with(header map[string]string, more ...string) map[string]string {
	for i := 0; i < len(more); i += 2 {
		header[more[i]] = more[i+1]
	}
	return header
}

func payload(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// generic returns a payload in the form that the generic receiver documents.
func generic(t testing.TB, repository, ref string) []byte {
	t.Helper()
	text, err := json.Marshal(map[string]string{"repository": repository, "ref": ref, "after": "c0ffee"})
	if err != nil {
		t.Fatal(err)
	}
	return text
}
