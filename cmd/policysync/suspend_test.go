package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
)

// TestNothingIsWrittenOnceATargetIsSuspended suspends it while a run creates
// many policies.
func TestNothingIsWrittenOnceATargetIsSuspended(t *testing.T) {
	t.Parallel()
	const more = 200
	s := newScale(t, 1, simulator.Options{Latency: 20 * time.Millisecond})
	r := s.receive(s.repo, nil)
	<-r.live
	all := map[int]string{}
	for i := range more {
		all[1+i] = "example.com"
	}
	s.commit(all)
	r.postUntilTaken(fmt.Sprintf(`{"repository": %q, "ref": "refs/heads/main"}`, s.repo))
	<-r.live
	api := func(action, body string) string {
		return answerTo(http.MethodPost, r.url+"/api/v1/targets/big/"+action, webhookSecret, body)
	}
	if got := api("suspend", `{"reason": "incident 7"}`); !strings.HasPrefix(got, "200 ") {
		t.Fatal(got)
	}
	created := s.account.Count("create")
	done := <-r.ended
	if created >= 1+more || s.account.Count("create") != created || done.Err == nil {
		t.Errorf("%d policies created by then, %d now; the run: %+v", created, s.account.Count("create"), done)
	}
	if got := r.post(fmt.Sprintf(`{"repository": %q, "ref": "refs/heads/main"}`, s.repo)); !strings.Contains(got, `"woken":[],"suspended":["big"]`) {
		t.Errorf("a webhook is answered with %s", got)
	}
	if got := api("resume", ""); !strings.HasPrefix(got, "200 ") {
		t.Fatal(got)
	}
	if done := <-r.ended; done.Err != nil || s.account.Count("create") != 1+more {
		t.Errorf("%d policies created, want each once; the run: %+v", s.account.Count("create"), done)
	}
}
