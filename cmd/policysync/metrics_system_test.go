//go:build system

package main

import (
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/metrics"
)

// TestPromtoolFindsNoFaultWithTheMetrics of a daemon that has created policies.
func TestPromtoolFindsNoFaultWithTheMetrics(t *testing.T) {
	t.Parallel()
	s := newScale(t, 3, simulator.Options{})
	r := s.receive("file://"+s.dir+"/access.git", nil)
	text, ok := strings.CutPrefix(answerTo(http.MethodGet, r.url+"/metrics", "", ""), "200 ")
	if !ok {
		t.Fatal(text)
	}
	check := exec.CommandContext(t.Context(), "promtool", "check", "metrics")
	check.Stdin = strings.NewReader(text)
	if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool: %v\n%s", err, out)
	}
	var told []string
	for _, match := range regexp.MustCompile(`(?m)^# TYPE (policysync_\w+ \w+)$`).FindAllStringSubmatch(text, -1) {
		told = append(told, match[1])
	}
	for _, f := range metrics.Families() {
		onlyWithTLS := strings.HasPrefix(f.Name, "policysync_tls_")
		if !onlyWithTLS && !slices.Contains(told, f.Name+" "+f.Type) {
			t.Errorf("the daemon has no %s %s", f.Type, f.Name)
		}
	}
	for _, want := range []string{
		`policysync_leader{target="big"} 1`,
		`policysync_stalled{target="big"} 0`,
		`policysync_suspended{target="big"} 0`,
		`policysync_policies{state="in_sync",target="big"} 3`,
		`policysync_changes_total{action="create",direction="widens",result="success",target="big"} 3`,
		`policysync_cloudflare_requests_total{code="2xx",operation="create"} 3`,
		`policysync_cloudflare_requests_total{code="429",operation="delete"} 0`,
		`policysync_cloudflare_ratelimit_wait_seconds_total{target="big"} 0`,
		`policysync_guard_stops_total{reason="frozen",target="big"} 0`,
		`policysync_webhook_requests_total{provider="generic",result="bad_signature"} 0`,
	} {
		if !strings.Contains(text, "\n"+want+"\n") {
			t.Errorf("there is no %s", want)
		}
	}
	for _, positive := range []string{`policysync_state_disk_free_bytes`, `policysync_cloudflare_budget_remaining{target="big"}`} {
		if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(positive) + ` [1-9]`).MatchString(text) {
			t.Errorf("%s isn't positive", positive)
		}
	}
}
