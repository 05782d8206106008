//go:build system

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
)

// TestPrometheusScrapesAndEvaluates the daemon's metrics by the alerts that are
// deployed, one of which is about to fire. Prometheus takes five seconds until
// it scrapes anything.
func TestPrometheusScrapesAndEvaluates(t *testing.T) {
	t.Parallel()
	s := newScale(t, 3, simulator.Options{})
	r := s.receive("file://"+s.dir+"/access.git", nil)
	prometheus := startPrometheus(t, strings.TrimPrefix(r.url, "http://"))
	for name, a := range alertsOnce(t, prometheus, alerts.scraped) {
		if a.Health != "ok" || a.State != "inactive" {
			t.Errorf("%s is %s, %s: %s", name, a.Health, a.State, a.LastError)
		}
	}
	if got := answerTo(http.MethodPost, r.url+"/api/v1/targets/big/suspend", webhookSecret, `{"reason": "a test"}`); !strings.HasPrefix(got, "200 ") {
		t.Fatal(got)
	}
	alertsOnce(t, prometheus, func(a alerts) bool { return a["PolicysyncSuspendedTooLong"].State == "pending" })
}

// alerts are what Prometheus tells of its rules, by their names.
type alerts map[string]struct{ Name, Health, State, LastError string }

// scraped reports whether every alert has been looked at, and the daemon scraped
// before: until then policysync counts as down.
func (a alerts) scraped() bool {
	for _, one := range a {
		if one.Health == "unknown" {
			return false
		}
	}
	return a["PolicysyncDown"].State == "inactive"
}

// alertsOnce asks Prometheus again and again until its alerts are as they should
// be.
func alertsOnce(t *testing.T, url string, enough func(alerts) bool) alerts {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		text := answerTo(http.MethodGet, url+"/api/v1/rules", "", "")
		if got := readAlerts(text); enough(got) {
			return got
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Fatalf("Prometheus still answers %s", text)
		}
	}
}

// readAlerts returns none where there is no answer yet.
func readAlerts(text string) alerts {
	var answer struct {
		Data struct {
			Groups []struct {
				Rules []struct{ Name, Health, State, LastError string }
			}
		}
	}
	got := alerts{}
	if json.Unmarshal([]byte(strings.TrimPrefix(text, "200 ")), &answer) != nil {
		return got
	}
	for _, g := range answer.Data.Groups {
		for _, r := range g.Rules {
			got[r.Name] = r
		}
	}
	return got
}

// startPrometheus starts a Prometheus that scrapes an address, ends it with the
// test, and returns its URL.
func startPrometheus(t *testing.T, scrape string) string {
	t.Helper()
	rules, err := filepath.Abs(filepath.Join(root, "deploy", "prometheus", "rules.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf(`global: {scrape_interval: 200ms, evaluation_interval: 200ms}
rule_files: [%q]
scrape_configs:
  - job_name: policysync
    static_configs: [{targets: [%q]}]
`, rules, scrape)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	free, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	if err := free.Close(); err != nil { // Prometheus can't say which port it was given
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), "prometheus", "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
	c.Dir = dir
	var log strings.Builder
	c.Stderr = &log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Wait() // ended by the test's context
		if t.Failed() {
			t.Log(log.String())
		}
	})
	return "http://" + address
}
