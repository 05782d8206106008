package webhook_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/policysync/policysync/internal/secret"
	"github.com/policysync/policysync/internal/webhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const repository, ref = "https://git.example.com/security/access", "refs/heads/main"

// listening returns a world in which one target follows main.
func listening(t testing.TB) *world {
	t.Helper()
	return newWorld(t, webhook.Target{Name: "production", URL: repository, Ref: ref})
}

// pushed returns what each provider sends of a push to main, and its event.
func pushed(provider webhook.Provider) (body []byte, event string) {
	switch provider {
	case webhook.GitLab:
		return []byte(`{"object_kind": "push", "ref": "` + ref + `", "after": "a", "project": {"git_http_url": "` + repository + `.git"}}`), "Push Hook"
	case webhook.Bitbucket:
		return []byte(`{"repository": {"links": {"html": {"href": "` + repository + `"}}}, "push": {"changes": [{"new": {"type": "branch", "name": "main"}}]}}`), "repo:push"
	default:
		return []byte(`{"ref": "` + ref + `", "after": "a", "repository": {"clone_url": "` + repository + `.git"}}`), "push"
	}
}

func TestOnlyTheSecretOpens(t *testing.T) {
	t.Parallel()
	for _, p := range providers() {
		body, event := pushed(p)
		good := func() map[string]string { return signed(p, body, event) }
		signature := signatureHeader(p)
		for name, tc := range map[string]struct {
			header map[string]string
			status int
		}{
			"signed":                    {good(), 202},
			"not signed":                {with(good(), signature, ""), 401},
			"another's signature":       {with(good(), signature, strings.ReplaceAll(good()[signature], mac(key, body), mac("other", body))+"x"), 401},
			"part of one":               {with(good(), signature, good()[signature][:len(good()[signature])-2]), 401},
			"of the empty secret":       {with(good(), signature, strings.ReplaceAll(good()[signature], mac(key, body), mac("", body))+"x"), 401},
			"the secret as password":    {with(good(), signature, "", "Authorization", "Bearer "+key), 401},
			"the prefix alone":          {with(good(), signature, "sha256="), 401},
			"SHA-1, as GitHub once did": {with(good(), signature, "sha1="+mac(key, body)[:40]), 401},
		} {
			t.Run(string(p)+" "+name, func(t *testing.T) {
				t.Parallel()
				w := listening(t)
				got := w.send(p, body, tc.header)
				if got.Status != tc.status || (got.Result == webhook.Accepted) != (tc.status == 202) || (len(w.woken) == 1) != (tc.status == 202) {
					t.Errorf("answer %+v, woken %q, want %d", got, w.woken, tc.status)
				}
				if tc.status == 401 && got.Result != webhook.BadSignature {
					t.Errorf("the result is %s", got.Result)
				}
				if text := fmt.Sprintf("%+v %+v", got, w.seen); strings.Contains(text, key) {
					t.Errorf("the secret is told: %s", text)
				}
			})
		}
	}
}

func signatureHeader(p webhook.Provider) string {
	return map[webhook.Provider]string{
		webhook.GitHub: "X-Hub-Signature-256", webhook.GitLab: "X-Gitlab-Token", webhook.Gitea: "X-Gitea-Signature",
		webhook.Gogs: "X-Gogs-Signature", webhook.Bitbucket: "X-Hub-Signature", webhook.Generic: "X-Signature-256",
	}[p]
}

func TestATamperedBodyIsRefused(t *testing.T) {
	t.Parallel()
	for _, p := range providers() {
		if p == webhook.GitLab { // its token is over nothing
			continue
		}
		body, event := pushed(p)
		w := listening(t)
		if got := w.send(p, append(slices.Clone(body), ' '), signed(p, body, event)); got.Status != 401 || len(w.woken) > 0 {
			t.Errorf("%s: answer %+v", p, got)
		}
	}
}

// TestTheRouteAloneSaysWhoSends sends the headers of several hosts at once, as
// Gogs and Forgejo do.
func TestTheRouteAloneSaysWhoSends(t *testing.T) {
	t.Parallel()
	body, _ := pushed(webhook.Gitea)
	sum := mac(key, body)
	gogs := map[string]string{"X-Github-Event": "push", "X-Gogs-Event": "push", "X-Gogs-Signature": sum}
	forgejo := map[string]string{
		"X-Forgejo-Event": "push", "X-Gitea-Event": "push", "X-Gogs-Event": "push", "X-GitHub-Event": "push", "X-GitHub-Event-Type": "push",
		"X-Forgejo-Signature": sum, "X-Gitea-Signature": sum, "X-Gogs-Signature": sum,
		"X-Hub-Signature": "sha1=0", "X-Hub-Signature-256": "sha256=" + sum,
	}
	only := func(name, value string) map[string]string {
		return map[string]string{"X-Forgejo-Event": "push", name: value}
	}
	for name, tc := range map[string]struct {
		to     webhook.Provider
		header map[string]string
		status int
	}{
		"Gogs at its own route":                    {webhook.Gogs, gogs, 202},
		"Gogs at GitHub's":                         {webhook.GitHub, gogs, 401},
		"Gogs at Gitea's":                          {webhook.Gitea, gogs, 401},
		"Forgejo at its own":                       {webhook.Gitea, forgejo, 202},
		"Forgejo's signature alone":                {webhook.Gitea, only("X-Forgejo-Signature", sum), 202},
		"the signature that Forgejo has of GitHub": {webhook.Gitea, only("X-Hub-Signature-256", "sha256="+sum), 202},
		"Forgejo at Bitbucket's":                   {webhook.Bitbucket, forgejo, 401},
		"Forgejo at the generic one":               {webhook.Generic, forgejo, 401},
		"bare hex at GitHub's":                     {webhook.GitHub, only("X-Hub-Signature-256", sum), 401},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := listening(t)
			if got := w.send(tc.to, body, tc.header); got.Status != tc.status || (len(w.woken) == 1) != (tc.status == 202) {
				t.Errorf("answer %+v, woken %q, want %d", got, w.woken, tc.status)
			}
		})
	}
}

func TestSigningTokensOfGitLab(t *testing.T) {
	t.Parallel()
	raw := []byte("0123456789abcdef0123456789abcdef")
	body, _ := pushed(webhook.GitLab)
	now := time.Now()
	for name, tc := range map[string]struct {
		header map[string]string
		status int
	}{
		"signed":                   {standard(raw, "id", now, body), 202},
		"signed a while ago":       {standard(raw, "id", now.Add(-4*time.Minute), body), 202},
		"signed too long ago":      {standard(raw, "id", now.Add(-6*time.Minute), body), 401},
		"signed in the future":     {standard(raw, "id", now.Add(6*time.Minute), body), 401},
		"another time":             {with(standard(raw, "id", now, body), "webhook-timestamp", "1"), 401},
		"another id":               {with(standard(raw, "id", now, body), "webhook-id", "other"), 401},
		"another key":              {standard([]byte(key), "id", now, body), 401},
		"another body":             {standard(raw, "id", now, []byte("{}")), 401},
		"no signature":             {with(standard(raw, "id", now, body), "webhook-signature", ""), 401},
		"a signature of version 2": {with(standard(raw, "id", now, body), "webhook-signature", "v2,"+base64.StdEncoding.EncodeToString([]byte("x"))), 401},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := listening(t)
			w.rotate("whsec_" + base64.StdEncoding.EncodeToString(raw))
			if got := w.send(webhook.GitLab, body, tc.header); got.Status != tc.status {
				t.Errorf("answer %+v, want %d", got, tc.status)
			}
		})
	}
}

func TestSecretsRotateWithoutARestart(t *testing.T) {
	t.Parallel()
	w := listening(t)
	body, event := pushed(webhook.GitHub)
	signedWith := func(key string) map[string]string {
		return map[string]string{"X-GitHub-Event": event, "X-Hub-Signature-256": "sha256=" + mac(key, body)}
	}
	second := w.secretFile + "-2"
	h := webhook.Handler(webhook.Options{
		Secrets: always(map[webhook.Provider][]secret.Source{webhook.GitHub: {{File: w.secretFile}, {File: second}}}),
		Targets: always([]webhook.Target{{Name: "production", URL: repository, Ref: ref}}), Waker: w, Observe: w.observe,
	})
	w.Handler = h
	for _, step := range []struct {
		first, second string // secrets; empty: the file is gone
		key           string
		status        int
	}{
		{key, "", key, 202}, // one that can't be read shuts nobody out
		{key, "", "new", 500},
		{key, "new", "new", 202},
		{key, "new", key, 202},
		{"newer", "new", key, 401},
		{"newer", "new", "newer", 202},
		{"", "", "newer", 500},
	} {
		for file, text := range map[string]string{w.secretFile: step.first, second: step.second} {
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := w.send(webhook.GitHub, body, signedWith(step.key)); got.Status != step.status {
			t.Errorf("%+v: answer %+v", step, got)
		}
	}
}

func TestOnlyConfiguredReceiversExist(t *testing.T) {
	t.Parallel()
	w := listening(t)
	w.Handler = webhook.Handler(webhook.Options{
		Secrets: always(map[webhook.Provider][]secret.Source{webhook.GitHub: {{File: w.secretFile}}, webhook.Gitea: {}, "svn": {{File: w.secretFile}}}),
		Waker:   w, Observe: w.observe,
	})
	for route, status := range map[string]int{
		"POST /webhooks/github": 401, "GET /webhooks/github": 405, "POST /webhooks/gitea": 404, "POST /webhooks/svn": 404,
		"GET /webhooks/gitea": 404, "POST /webhooks/": 404, "POST /webhooks/GitHub": 404, "POST /webhooks/github/": 404,
	} {
		method, path, _ := strings.Cut(route, " ")
		got := httptest.NewRecorder()
		w.ServeHTTP(got, httptest.NewRequest(method, path, http.NoBody))
		if got.Code != status {
			t.Errorf("%s answers %d, want %d", route, got.Code, status)
		}
	}
}

func TestWhatCannotBeReadIsRefusedBeforeItIsParsed(t *testing.T) {
	t.Parallel()
	body, event := pushed(webhook.GitHub)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write(body); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	big := append(slices.Clone(body), bytes.Repeat([]byte(" "), webhook.MaxBody+1-len(body))...)
	whole := big[:webhook.MaxBody]
	good := func(b []byte) map[string]string { return signed(webhook.GitHub, b, event) }
	for name, tc := range map[string]struct {
		body   []byte
		header map[string]string
		status int
		result webhook.Result
		says   string
	}{
		"as large as may be":  {whole, good(whole), 202, webhook.Accepted, ""},
		"too large":           {big, good(big), 413, webhook.TooLarge, "larger than 1048576 bytes"},
		"too large, unsigned": {big, nil, 413, webhook.TooLarge, ""},
		"gzip":                {zipped.Bytes(), with(good(zipped.Bytes()), "Content-Encoding", "gzip"), 415, webhook.Malformed, "compressed"},
		"not compressed":      {body, with(good(body), "Content-Encoding", "identity"), 202, webhook.Accepted, ""},
		"a form":              {body, with(good(body), "Content-Type", "application/x-www-form-urlencoded"), 415, webhook.Malformed, "application/json"},
		"text":                {body, with(good(body), "Content-Type", "text/plain"), 415, webhook.Malformed, "application/json"},
		"no media type":       {body, with(good(body), "Content-Type", ";"), 415, webhook.Malformed, "application/json"},
		"with a charset":      {body, with(good(body), "Content-Type", "Application/JSON; charset=utf-8"), 202, webhook.Accepted, ""},
		"no content type":     {body, with(good(body), "Content-Type", ""), 202, webhook.Accepted, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := listening(t)
			got := w.send(webhook.GitHub, tc.body, tc.header)
			if got.Status != tc.status || got.Result != tc.result || !strings.Contains(got.Error, tc.says) {
				t.Errorf("answer %+v, want %d %s, %q", got, tc.status, tc.result, tc.says)
			}
			if len(w.seen) != 1 || w.seen[0].Result != tc.result || w.seen[0].Provider != webhook.GitHub {
				t.Errorf("observed %+v", w.seen)
			}
		})
	}
}

func TestABodyThatBreaksOffIsMalformed(t *testing.T) {
	t.Parallel()
	w := listening(t)
	r := httptest.NewRequest(http.MethodPost, "/webhooks/github", io.MultiReader(strings.NewReader("{"), broken{}))
	got := httptest.NewRecorder()
	w.ServeHTTP(got, r)
	if got.Code != 400 || w.seen[0].Result != webhook.Malformed {
		t.Errorf("answer %d, observed %+v", got.Code, w.seen)
	}
}

// broken is a connection that ends.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

// TestADeliveryIsTakenOnce resends deliveries, as a host does that had no answer.
func TestADeliveryIsTakenOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := listening(t)
		for _, p := range providers() {
			w.woken = nil
			body, event := pushed(p)
			other := append(slices.Clone(body), '\n')
			id := map[webhook.Provider]string{
				webhook.GitHub: "X-GitHub-Delivery", webhook.GitLab: "Idempotency-Key", webhook.Gitea: "X-Forgejo-Delivery",
				webhook.Gogs: "X-Gogs-Delivery", webhook.Bitbucket: "X-Request-UUID", webhook.Generic: "X-Delivery",
			}[p]
			for i, step := range []struct {
				body   []byte
				id     string
				after  time.Duration
				status int
				want   webhook.Result
			}{
				{body, "1", 0, 202, webhook.Accepted},
				{body, "1", 0, 202, webhook.Replayed},
				{body, "2", 0, 202, webhook.Accepted},
				{other, "1", 0, 202, webhook.Accepted}, // another event under the same id
				{body, "1", 59 * time.Minute, 202, webhook.Replayed},
				{body, "1", 2 * time.Minute, 202, webhook.Accepted}, // forgotten
				{body, "", 0, 202, webhook.Accepted},
				{body, "", 0, 202, webhook.Accepted},
			} {
				time.Sleep(step.after)
				got := w.send(p, step.body, with(signed(p, step.body, event), id, step.id))
				if got.Status != step.status || got.Result != step.want || (len(got.Woken) == 1) != (step.want == webhook.Accepted) {
					t.Errorf("%s, step %d: answer %+v, want %s", p, i, got, step.want)
				}
			}
			if len(w.woken) != 6 {
				t.Errorf("%s: woken %d times, want 6", p, len(w.woken))
			}
		}
	})
}

func TestWhatIsNotSignedIsNotRemembered(t *testing.T) {
	t.Parallel()
	w := listening(t)
	body, event := pushed(webhook.GitHub)
	forged := with(signed(webhook.GitHub, body, event), "X-GitHub-Delivery", "1", "X-Hub-Signature-256", "sha256="+mac("guess", body))
	if got := w.send(webhook.GitHub, body, forged); got.Result != webhook.BadSignature || w.seen[0].ID != "" {
		t.Fatalf("answer %+v, observed %+v", got, w.seen)
	}
	if got := w.send(webhook.GitHub, body, with(signed(webhook.GitHub, body, event), "X-GitHub-Delivery", "1")); got.Result != webhook.Accepted {
		t.Errorf("answer %+v: who forges a delivery keeps the real one out", got)
	}
}

func TestMemoryOfDeliveriesIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := listening(t)
		body, event := pushed(webhook.GitHub)
		send := func(id int) webhook.Result {
			time.Sleep(100 * time.Millisecond) // as fast as a receiver takes them
			return w.send(webhook.GitHub, body, with(signed(webhook.GitHub, body, event), "X-GitHub-Delivery", fmt.Sprint(id))).Result
		}
		for id := range 10_001 {
			if got := send(id); got != webhook.Accepted {
				t.Fatalf("delivery %d is %s", id, got)
			}
		}
		if got := send(10_000); got != webhook.Replayed {
			t.Errorf("the last of 10,001 is %s", got)
		}
		if got := send(0); got != webhook.Accepted {
			t.Errorf("the first of 10,001 is %s: all of them are kept", got)
		}
	})
}

// TestAFloodShutsNobodyOut has strangers send far more than is taken from them.
func TestAFloodShutsNobodyOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := listening(t)
		body, event := pushed(webhook.GitHub)
		results := map[string]int{}
		for range 1000 {
			got := w.send(webhook.GitHub, body, nil)
			results[fmt.Sprintf("%d %s %s", got.Status, got.Result, got.RetryAfter)]++
		}
		if want := map[string]int{"401 bad_signature ": 60, "429 rate_limited 1": 940}; !maps.Equal(results, want) {
			t.Errorf("strangers get %v, want %v", results, want)
		}
		if got := w.send(webhook.GitHub, body, signed(webhook.GitHub, body, event)); got.Result != webhook.Accepted {
			t.Errorf("a delivery after the flood: %+v", got)
		}
		time.Sleep(time.Second)
		if got := w.send(webhook.GitHub, body, nil); got.Status != 401 {
			t.Errorf("a stranger a second later: %+v", got)
		}
	})
}

func TestPingsThatAreNotSignedCountAsStrangers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := listening(t)
		body, event := pushed(webhook.Bitbucket)
		ping := map[string]string{"X-Event-Key": "diagnostics:ping", "X-Request-Id": "1"}
		statuses := map[int]int{}
		for range 200 {
			statuses[w.send(webhook.Bitbucket, body, ping).Status]++
		}
		if statuses[202] != 60 || statuses[429] != 140 {
			t.Errorf("pings get %v", statuses)
		}
		if got := w.send(webhook.Bitbucket, body, with(signed(webhook.Bitbucket, body, event), "X-Request-Id", "1")); got.Result != webhook.Accepted {
			t.Errorf("a delivery after them: %+v", got)
		}
	})
}

func TestAHostThatSendsTooMuchWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := listening(t)
		body, event := pushed(webhook.GitHub)
		header := func(id int) map[string]string {
			return with(signed(webhook.GitHub, body, event), "X-GitHub-Delivery", fmt.Sprint(id))
		}
		for id := range 100 {
			if got := w.send(webhook.GitHub, body, header(id)); got.Status != 202 {
				t.Fatalf("delivery %d: %+v", id, got)
			}
		}
		if got := w.send(webhook.GitHub, body, header(100)); got.Status != 429 || got.Result != webhook.RateLimited || got.RetryAfter != "1" {
			t.Errorf("delivery 101: %+v", got)
		}
		other, otherEvent := pushed(webhook.Gogs)
		if got := w.send(webhook.Gogs, other, signed(webhook.Gogs, other, otherEvent)); got.Status != 202 {
			t.Errorf("another receiver: %+v", got)
		}
		time.Sleep(time.Second)
		if got := w.send(webhook.GitHub, body, header(100)); got.Result != webhook.Accepted {
			t.Errorf("delivery 101 again: %+v: what is put off must not count as taken", got)
		}
	})
}

func TestTestButtonOfBitbucketDataCenter(t *testing.T) {
	t.Parallel()
	body := []byte(`{"test": true}`)
	for name, tc := range map[string]struct {
		header map[string]string
		status int
	}{
		"unsigned":      {map[string]string{"X-Event-Key": "diagnostics:ping"}, 202},
		"signed":        {signed(webhook.Bitbucket, body, "diagnostics:ping"), 202},
		"badly signed":  {map[string]string{"X-Event-Key": "diagnostics:ping", "X-Hub-Signature": "sha256=00"}, 401},
		"another event": {map[string]string{"X-Event-Key": "repo:push"}, 401},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := listening(t)
			if got := w.send(webhook.Bitbucket, body, tc.header); got.Status != tc.status || len(w.woken) > 0 {
				t.Errorf("answer %+v, want %d", got, tc.status)
			}
		})
	}
	w := listening(t)
	push, _ := pushed(webhook.Bitbucket)
	if got := w.send(webhook.Bitbucket, push, map[string]string{"X-Event-Key": "diagnostics:ping"}); len(w.woken) > 0 || len(got.Woken) > 0 {
		t.Errorf("an unsigned push that calls itself a ping wakes %q", w.woken)
	}
}

func TestAPanicIsAnsweredAndCounted(t *testing.T) {
	t.Parallel()
	w := listening(t)
	w.Handler = webhook.Handler(webhook.Options{
		Secrets: always(map[webhook.Provider][]secret.Source{webhook.GitHub: {{File: w.secretFile}}}),
		Targets: always([]webhook.Target{{Name: "production", URL: repository, Ref: ref}}), Waker: fragile{}, Observe: w.observe,
	})
	body, event := pushed(webhook.GitHub)
	got := w.send(webhook.GitHub, body, signed(webhook.GitHub, body, event))
	if got.Status != 500 || len(w.seen) != 1 || w.seen[0].Result != webhook.Malformed || !strings.Contains(w.seen[0].Reason, "mistake in policysync") {
		t.Errorf("answer %+v, observed %+v", got, w.seen)
	}
}

// fragile is a webhook.Waker that breaks.
type fragile struct{}

func (fragile) Wake(string, webhook.Push) bool { panic("broken") }

func TestWhatLogsAreToldIsShort(t *testing.T) {
	t.Parallel()
	w := listening(t)
	long := strings.Repeat("ä", 1000)
	body := []byte(`{"ref": "` + ref + `", "after": "` + long + `", "pusher": {"name": "` + long + `"}, "repository": "` + repository + `"}`)
	w.send(webhook.GitHub, body, with(signed(webhook.GitHub, body, "push"), "X-GitHub-Delivery", long))
	other := []byte(`{"ref": "` + long + `", "repository": "https://` + long + `.example/a"}`)
	w.send(webhook.GitHub, other, signed(webhook.GitHub, other, "push"))
	if text := fmt.Sprintf("%+v", w.seen); len(w.seen) != 2 || len(text) > 1500 {
		t.Errorf("%d bytes: %s", len(text), text)
	}
}
