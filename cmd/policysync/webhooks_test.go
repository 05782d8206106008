package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/secret"
	"github.com/policysync/policysync/internal/webhook"
)

const webhookSecret = "open sesame"

// receiving is a daemon that receives webhooks, and what it did.
type receiving struct {
	*scale
	url    string         // of the server
	live   chan time.Time // when each change took effect
	ended  chan event.RunDone
	held   chan<- struct{} // a run that a webhook causes waits until this was received from; nil: no run does
	events sync.Mutex
	all    []event.WebhookDone
}

// Emit keeps what happens.
func (r *receiving) Emit(e event.Event) {
	switch e := e.(type) {
	case event.RunStarted:
		if r.held != nil && e.Trigger == event.Webhook {
			r.held <- struct{}{}
		}
	case event.ChangeDone:
		if e.Outcome == event.Applied {
			r.live <- time.Now()
		}
	case event.RunDone:
		r.ended <- e
	case event.WebhookDone:
		r.events.Lock()
		defer r.events.Unlock()
		r.all = append(r.all, e)
	default:
	}
}

// receive starts the daemon, which runs at its start and when it is woken, and
// ends it with the test.
func (s *scale) receive(url string, held chan<- struct{}) *receiving {
	s.Helper()
	r := &receiving{scale: s, held: held, live: make(chan time.Time, 1000), ended: make(chan event.RunDone, 1000)}
	a := &app{env: func(string) (string, bool) { return "", false }}
	cfg, err := config.Load(s.config(), a.env)
	if err != nil {
		s.Fatal(err)
	}
	secretFile := filepath.Join(s.dir, "webhook-secret")
	if err := os.WriteFile(secretFile, []byte(webhookSecret+"\n"), 0o600); err != nil {
		s.Fatal(err)
	}
	cfg.Targets[0].Source.URL = url
	if cfg.Targets[0].Schedule, err = config.ParseSchedule("@every 1h"); err != nil {
		s.Fatal(err)
	}
	cfg.Server.Listen = "127.0.0.1:0"
	cfg.Server.Webhooks.Generic.Secrets = []secret.Source{{File: secretFile}}
	cfg.Server.APIToken = secret.Source{File: secretFile}
	ctx, cancel := context.WithCancel(s.Context())
	at, served := make(chan net.Addr, 1), make(chan error, 1)
	go func() { served <- a.serve(ctx, cfg, reload{}, r, func(l listeners) { at <- l.main.Addr() }) }()
	s.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			s.Error(err)
		}
	})
	select {
	case address := <-at:
		r.url = "http://" + address.String()
	case err := <-served:
		served <- err
		s.Fatal("the daemon didn't start")
	}
	if first := <-r.ended; first.Err != nil {
		s.Fatal(first.Err)
	}
	return r
}

// post sends a delivery to the generic receiver and returns the answer.
func (r *receiving) post(body string) string {
	r.Helper()
	request, err := http.NewRequestWithContext(r.Context(), http.MethodPost, r.url+"/webhooks/generic", strings.NewReader(body))
	if err != nil {
		r.Fatal(err)
	}
	mac := hmac.New(sha256.New, []byte(webhookSecret))
	mac.Write([]byte(body))
	request.Header.Set("X-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	return answerOf(request)
}

// postUntilTaken posts a delivery again while there are too many, and returns
// when it was sent the last time.
func (r *receiving) postUntilTaken(body string) time.Time {
	r.Helper()
	for {
		sent := time.Now()
		switch got := r.post(body); {
		case strings.HasPrefix(got, "202 "):
			return sent
		case !strings.HasPrefix(got, "429 "):
			r.Fatal(got)
		}
	}
}

// TestTenThousandDeliveriesAtOnceCauseOneRun sends them while a run is under way.
func TestTenThousandDeliveriesAtOnceCauseOneRun(t *testing.T) {
	t.Parallel()
	s := newScale(t, 1, simulator.Options{})
	held := make(chan struct{})
	r := s.receive(s.repo, held)
	<-r.live
	body := fmt.Sprintf(`{"repository": %q, "ref": "refs/heads/main"}`, s.repo)
	if got := r.post(body); !strings.HasPrefix(got, `202 {"result":"accepted","woken":["big"]}`) {
		t.Fatal(got)
	}
	answers := r.flood(body, 10_000)
	if answers["202"] < 99 || answers["202"]+answers["429"] != 10_000 {
		t.Errorf("answers: %v", answers)
	}
	for range 2 {
		<-held
		if done := <-r.ended; done.Trigger != event.Webhook || done.Err != nil {
			t.Errorf("run %+v", done)
		}
	}
	r.postUntilTaken(body)
	<-held
	<-r.ended
	const want = `policysync_runs_total{result="noop",target="big",trigger="webhook"} 3`
	if got := answerTo(http.MethodGet, r.url+"/metrics", "", ""); !strings.Contains(got, want) {
		t.Errorf("there is no %s in\n%s", want, got)
	}
}

// flood sends a delivery so many times, many at once, and counts the answers by
// their status.
func (r *receiving) flood(body string, times int) map[string]int {
	const atOnce = 50
	var senders sync.WaitGroup
	var mu sync.Mutex
	answers := map[string]int{}
	for range atOnce {
		senders.Go(func() {
			for range times / atOnce {
				status, _, _ := strings.Cut(r.post(body), " ")
				mu.Lock()
				answers[status]++
				mu.Unlock()
			}
		})
	}
	senders.Wait()
	return answers
}

// TestEveryHostOfWebhooksIsWholeEverywhere holds the hosts that internal/webhook
// knows against the config, its keys and the guide.
func TestEveryHostOfWebhooksIsWholeEverywhere(t *testing.T) {
	t.Parallel()
	guide := text(t, "docs/webhooks.md")
	keys := map[string]bool{}
	for _, k := range config.Keys() {
		keys[k.Name] = true
	}
	for _, provider := range webhook.Providers() {
		key := "server.webhooks." + string(provider) + ".secret_files"
		if !keys[key] {
			t.Errorf("%s is no key: internal/config/keys.go has a row for each host, config.go a field, and Configured the two together", key)
		}
		delete(keys, key)
		text := leastConfig + "server: {webhooks: {" + string(provider) + ": {secret_files: [/run/secrets/hook]}}}\n"
		if cfg, err := config.Parse("policysync.yaml", []byte(text), os.LookupEnv); err != nil {
			t.Errorf("Webhooks in internal/config/config.go has no %s: %v", provider, err)
		} else if len(webhookSecrets(cfg)[provider]) != 1 {
			t.Errorf("Configured in internal/config/config.go leaves %s out", provider)
		}
		if !strings.Contains(guide, "`/webhooks/"+string(provider)+"`") {
			t.Errorf("docs/webhooks.md doesn't say how to set up %s", provider)
		}
		recorded, err := filepath.Glob(filepath.Join(root, "internal", "webhook", "testdata", string(provider), "*.json"))
		if provider != webhook.Generic && (err != nil || len(recorded) == 0) {
			t.Errorf("no payload of %s is recorded in internal/webhook/testdata, %v", provider, err)
		}
	}
	for key := range keys {
		if strings.HasPrefix(key, "server.webhooks.") {
			t.Errorf("internal/webhook/host.go knows no host for %s", key)
		}
	}
}
