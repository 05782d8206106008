package main

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/event"
)

// TestThePageOfAPolicyNamesTheApplicationsThatUseIt has a daemon look at a
// simulated account; what it can't tell it says.
func TestThePageOfAPolicyNamesTheApplicationsThatUseIt(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault    *simulator.Fault
		requests int // in 5 minutes
		want     string
		asked    int // for the list of applications, by two who look
	}{
		"used":             {nil, 1200, "<th scope=\"row\">Wiki</th><td>app.example.com</td>", 1},
		"not allowed":      {&simulator.Fault{Operation: "list_apps", Kind: simulator.Refusal, Status: 403}, 1200, "has the permission &#34;Access: Apps and Policies Read&#34;", 1},
		"not a whole list": {&simulator.Fault{Operation: "list_apps", Kind: simulator.ShortPage}, 1200, "the list is incomplete", 1},
		"runs come first":  {nil, 10, "runs come first", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScale(t, 5, simulator.Options{})
			a := &app{env: func(string) (string, bool) { return "", false }}
			cfg, err := config.Load(s.config(), a.env)
			if err != nil {
				t.Fatal(err)
			}
			cfg.Server.Listen = "127.0.0.1:0"
			cfg.Targets[0].Cloudflare.RequestsPer5m = tc.requests
			ctx, cancel := context.WithCancel(t.Context())
			ended, served, at := make(doneRuns, 100), make(chan error, 1), make(chan net.Addr, 1)
			go func() { served <- a.serve(ctx, cfg, reload{}, ended, func(l listeners) { at <- l.main.Addr() }) }()
			if done := <-ended; done.Result != event.Success {
				t.Fatalf("the first run: %+v", done)
			}
			all, err := s.account.Policies()
			if err != nil {
				t.Fatal(err)
			}
			if err := s.account.Attach(all[0].ID, "Wiki"); err != nil {
				t.Fatal(err)
			}
			if tc.fault != nil {
				s.account.Inject(*tc.fault)
			}
			page := "http://" + (<-at).String() + "/targets/big/policy?key=" + strings.ReplaceAll(all[0].Name, " ", "+")
			for range 2 {
				if got := answerTo(http.MethodGet, page, "", ""); !strings.Contains(got, tc.want) {
					t.Errorf("the page says %s, want %s", got, tc.want)
				}
			}
			if n := s.account.Count("list_apps"); n != tc.asked {
				t.Errorf("%d lists of applications, want %d", n, tc.asked)
			}
			cancel()
			if err := <-served; err != nil {
				t.Error(err)
			}
		})
	}
}
