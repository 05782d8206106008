package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/policysync/policysync/internal/config"
)

// TestPagesThatFollowDontHoldUpTheEnd has somebody look until the daemon has ended.
func TestPagesThatFollowDontHoldUpTheEnd(t *testing.T) {
	t.Parallel()
	s := newStation(t, "")
	s.declare("24h", "a")
	a := &app{env: func(string) (string, bool) { return "", false }}
	a.flags.dir = s.policies
	cfg, err := config.Load(s.config, a.env)
	s.must(err)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	at, served := make(chan net.Addr, 1), make(chan error, 1)
	go func() {
		served <- a.serve(ctx, cfg, reload{}, newConsole(io.Discard), func(l listeners) { at <- l.main.Addr() })
	}()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+(<-at).String()+"/events", nil)
	s.must(err)
	answer, err := new(http.Transport).RoundTrip(request)
	s.must(err)
	defer func() { _ = answer.Body.Close() }()
	stream := bufio.NewReader(answer.Body)
	if _, err := stream.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	const longest = 2 * time.Second // after which connections are cut off
	began := time.Now()
	cancel()
	s.must(<-served)
	if took := time.Since(began); took >= longest {
		t.Errorf("the end took %s", took)
	}
	if _, err := io.Copy(io.Discard, stream); err != nil {
		t.Errorf("the stream didn't end as it should: %v", err)
	}
}
