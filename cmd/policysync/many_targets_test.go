package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/event"
)

// targetsOf writes a config of several targets, of which those of stuck follow
// that URL and the others the repository.
func (s *scale) targetsOf(names []string, stuck map[string]string) {
	s.Helper()
	var text strings.Builder
	text.WriteString("targets:\n")
	for _, name := range names {
		url := s.repo
		if stuck[name] != "" {
			url = stuck[name]
		}
		fmt.Fprintf(&text, "  - {name: %s, account_id: %s, source: {url: %q}, cloudflare: {base_url: %q, api_token_file: %q, requests_per_5m: 1200}}\n",
			name, simulator.DefaultAccountID, url, s.api, s.dir+"/token")
	}
	fmt.Fprintf(&text, "state: {url: \"sqlite://%s/state.db\"}\nserver: {listen: \"127.0.0.1:0\"}\n", s.dir)
	if err := os.WriteFile(s.config(), []byte(text.String()), 0o600); err != nil {
		s.Fatal(err)
	}
}

// doneRuns passes runs that have ended on.
type doneRuns chan event.RunDone

func (d doneRuns) Emit(e event.Event) {
	if done, ok := e.(event.RunDone); ok {
		d <- done
	}
}

// TestAStuckGitServerStallsNoOtherTarget has the first of two targets follow a
// server that takes connections and never answers.
func TestAStuckGitServerStallsNoOtherTarget(t *testing.T) {
	t.Parallel()
	silent, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close() //nolint:errcheck // nobody was answered
	s := newScale(t, 3, simulator.Options{})
	s.targetsOf([]string{"stuck", "free"}, map[string]string{"stuck": "http://" + silent.Addr().String() + "/a.git"})
	a := &app{env: func(string) (string, bool) { return "", false }}
	cfg, err := config.Load(s.config(), a.env)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended, served := make(doneRuns, 100), make(chan error, 1)
	go func() { served <- a.serve(ctx, cfg, reload{}, ended, func(listeners) {}) }()
	if done := <-ended; done.Target != "free" || done.Result != event.Success {
		t.Errorf("the first run to end is %+v", done)
	}
	if n := s.account.Count("create"); n != 3 {
		t.Errorf("%d policies were created, want 3", n)
	}
	cancel()
	if done := <-ended; done.Target != "stuck" || done.Result != event.Failed {
		t.Errorf("then %+v", done)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// BenchmarkIdle200Targets is the daemon with 200 targets that poll each minute
// and find nothing new, for half a minute after all have run once. Git serves over
// http; it and the account aren't counted.
func BenchmarkIdle200Targets(b *testing.B) {
	s := newScale(b, 20, simulator.Options{})
	names := make([]string, 200)
	for i := range names {
		names[i] = fmt.Sprintf("t-%d", i)
	}
	s.targetsOf(names, nil)
	address := s.startDaemon(b)
	scrape := func(metric string) float64 {
		text := answerTo(http.MethodGet, address+"/metrics", "", "")
		match := regexp.MustCompile(`(?m)^` + metric + ` (\S+)$`).FindStringSubmatch(text)
		if match == nil {
			b.Fatalf("no %s in:\n%s", metric, text)
		}
		value, err := strconv.ParseFloat(match[1], 64)
		if err != nil {
			b.Fatal(err)
		}
		return value
	}
	began := time.Now()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !strings.HasPrefix(answerTo(http.MethodGet, address+"/readyz", "", ""), "200 ") {
		<-tick.C
	}
	ready, used := time.Since(began), scrape("process_cpu_seconds_total")
	const idle = 30 * time.Second
	for b.Loop() {
		before := scrape("process_cpu_seconds_total")
		<-time.After(idle)
		b.ReportMetric(100*(scrape("process_cpu_seconds_total")-before)/idle.Seconds(), "%-of-a-core")
		b.ReportMetric(scrape("process_resident_memory_bytes")/1e6, "MB")
	}
	b.ReportMetric(ready.Seconds(), "s-until-ready")
	b.ReportMetric(used, "CPU-s-until-ready")
}

// startDaemon runs the daemon as a process of its own until the benchmark ends,
// and returns where it answers.
func (s *scale) startDaemon(b *testing.B) (address string) {
	b.Helper()
	daemon := exec.CommandContext(context.WithoutCancel(b.Context()), "policysync", "run", "--config", s.config())
	daemon.Dir = filepath.Dir(s.config())
	lines, err := daemon.StderrPipe()
	if err == nil {
		err = daemon.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	at := make(chan string, 1)
	read := make(chan struct{})
	go func() {
		defer close(read)
		for scanner := bufio.NewScanner(lines); scanner.Scan(); {
			var line struct{ Msg, Address string }
			if json.Unmarshal(scanner.Bytes(), &line) == nil && line.Msg == "listening" {
				at <- line.Address
			}
		}
	}()
	b.Cleanup(func() {
		_ = daemon.Process.Signal(os.Interrupt) // if it has ended already, Wait tells how
		<-read
		if err := daemon.Wait(); err != nil {
			b.Error(err)
		}
	})
	select {
	case address = <-at:
	case <-read:
		b.Fatal("the daemon didn't start")
	}
	return "http://" + address
}
