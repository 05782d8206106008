package simulator_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
)

func TestMoreThan1200RequestsIn5MinutesBlockTheNext5Minutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		account := simulator.New(simulator.Options{})
		for range 1200 {
			if got := ask(t, account, http.MethodGet, policies, ""); got.Status != http.StatusOK || got.Header.Get("Retry-After") != "" {
				t.Fatalf("answered %+v", got)
			}
		}
		time.Sleep(100 * time.Second)
		refused := ask(t, account, http.MethodPost, policies, smallest)
		if code, _ := refused.code(t); refused.Status != http.StatusTooManyRequests || code != 971 || refused.Header.Get("Retry-After") != "300" {
			t.Errorf("answered %+v", refused)
		}
		time.Sleep(299*time.Second + time.Millisecond) // the first 1200 no longer count, the block does
		if got := ask(t, account, http.MethodGet, policies, ""); got.Status != http.StatusTooManyRequests || got.Header.Get("Retry-After") != "1" {
			t.Errorf("answered %+v", got)
		}
		time.Sleep(time.Second)
		if got := ask(t, account, http.MethodPost, policies, smallest); got.Status != http.StatusCreated {
			t.Errorf("answered %+v", got)
		}
		if all := held(t, account); len(all) != 1 {
			t.Errorf("a refused request had an effect: %v", all)
		}
	})
}

func TestHeadersTellWhatIsLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		account := simulator.New(simulator.Options{Limit: 2})
		steps := []struct {
			after  time.Duration
			status int
			limit  string
		}{
			{0, 200, `"default";r=1;t=300`},
			{100*time.Second + time.Millisecond, 200, `"default";r=0;t=200`},
			{200 * time.Second, 200, `"default";r=0;t=100`},
			{time.Second, 429, `"default";r=0;t=300`},
			{300 * time.Second, 200, `"default";r=1;t=300`},
		}
		for i, step := range steps {
			time.Sleep(step.after)
			got := ask(t, account, http.MethodGet, policies, "")
			if got.Status != step.status || got.Header.Get("Ratelimit") != step.limit || got.Header.Get("Ratelimit-Policy") != `"default";q=2;w=300` {
				t.Errorf("step %d: answered %d with %v", i, got.Status, got.Header)
			}
		}
	})
}
