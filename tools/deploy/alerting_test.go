package deploy_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestPrometheusTakesItsConfig with the rules that are mounted beside it.
func TestPrometheusTakesItsConfig(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{"prometheus.yml": read(t, compose, "prometheus.yml"), "rules.yaml": read(t, deploy, "prometheus", "rules.yaml")} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	must(t, "promtool", "check", "config", filepath.Join(dir, "prometheus.yml"))
}

func TestAlertsReachWhoHasToKnow(t *testing.T) {
	t.Parallel()
	file := filepath.Join(compose, "alertmanager.yml")
	must(t, "amtool", "check-config", file)
	for severity, want := range map[string]string{"critical": "on-call", "warning": "team", "info": "team"} {
		out := must(t, "amtool", "config", "routes", "test", "--config.file", file, "severity="+severity)
		if got := strings.TrimSpace(out); got != want {
			t.Errorf("%s goes to %s, want %s", severity, got, want)
		}
	}
	rules := read(t, deploy, "prometheus", "rules.yaml")
	for _, name := range regexp.MustCompile(`Policysync\w+`).FindAllString(read(t, file), -1) {
		if !strings.Contains(rules, "alert: "+name+"\n") {
			t.Errorf("there is no alert %s", name)
		}
	}
	for _, group := range regexp.MustCompile(`Policysync\(([\w|]+)\)`).FindAllStringSubmatch(read(t, file), -1) {
		for name := range strings.SplitSeq(group[1], "|") {
			if !strings.Contains(rules, "alert: Policysync"+name+"\n") {
				t.Errorf("there is no alert Policysync%s", name)
			}
		}
	}
}

// alert is one that Alertmanager is told of and tells of.
type alert struct {
	Labels map[string]string `json:"labels"`
	Status struct {
		InhibitedBy []string `json:"inhibitedBy"`
	} `json:"status"`
}

func firing(name, instance, target string) alert {
	return alert{Labels: map[string]string{"alertname": name, "job": "policysync", "instance": instance, "target": target}}
}

// TestAlertsThatSayNothingNewAreHeldBack by a real Alertmanager.
func TestAlertsThatSayNothingNewAreHeldBack(t *testing.T) {
	t.Parallel()
	url := startAlertmanager(t)
	told, err := json.Marshal([]alert{
		firing("PolicysyncStalled", "a", "one"),
		firing("PolicysyncNoSuccess", "a", "one"),
		firing("PolicysyncNoSuccess", "a", "two"),
		firing("PolicysyncStateDiskLow", "a", "one"),
		firing("PolicysyncDown", "b", ""),
		firing("PolicysyncGuardStop", "b", "one"),
		firing("PolicysyncAuthErrors", "c", ""),
		firing("PolicysyncNoSuccess", "c", "one"),
		firing("PolicysyncDrift", "c", "one"),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"PolicysyncGuardStop b one", "PolicysyncNoSuccess a one", "PolicysyncNoSuccess c one"}
	var last string
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); <-time.After(50 * time.Millisecond) {
		if last = ask(t, url+"/api/v2/alerts", told); last == "" {
			last = ask(t, url+"/api/v2/alerts", nil)
		}
		if slices.Equal(heldBack(last), want) {
			return
		}
	}
	t.Errorf("Alertmanager should hold back %q, and says %s", want, last)
}

// heldBack returns the alerts that others hold back, if the text is an answer.
func heldBack(text string) []string {
	var all []alert
	if json.Unmarshal([]byte(text), &all) != nil {
		return nil
	}
	var held []string
	for _, a := range all {
		if len(a.Status.InhibitedBy) > 0 {
			held = append(held, strings.Join([]string{a.Labels["alertname"], a.Labels["instance"], a.Labels["target"]}, " "))
		}
	}
	slices.Sort(held)
	return held
}

// startAlertmanager starts one with the config of deploy/compose, ends it with
// the test, and returns its URL.
func startAlertmanager(t *testing.T) string {
	t.Helper()
	address := freeAddress(t) // Alertmanager can't say which port it was given
	c := exec.CommandContext(t.Context(), "prometheus-alertmanager", "--config.file="+filepath.Join(compose, "alertmanager.yml"),
		"--storage.path="+t.TempDir(), "--web.listen-address="+address, "--cluster.listen-address=")
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

// ask gets what is at a URL, or posts a body there, and returns the answer or
// what went wrong.
func ask(t *testing.T, url string, body []byte) string {
	t.Helper()
	method := http.MethodGet
	if body != nil {
		method = http.MethodPost
	}
	request, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := (&http.Client{}).Do(request)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close() //nolint:errcheck // only read from
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
