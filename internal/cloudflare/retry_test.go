package cloudflare_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/policysync/policysync/internal/cloudflare"
	"github.com/policysync/policysync/internal/cloudflare/simulator"
)

func TestRetryAfterIsHonouredWhole(t *testing.T) {
	t.Parallel()
	for op, do := range operations {
		t.Run(string(op), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				account := simulator.New(simulator.Options{})
				id := seed(t, account, plain("old"))
				account.Inject(simulator.Fault{Kind: simulator.TooManyRequests, RetryAfter: 300 * time.Second})
				var waited time.Duration
				client := connect(t, account, func(o *cloudflare.Options) { o.Waited = func(d time.Duration) { waited += d } })
				if err := do(t.Context(), client, id); err != nil {
					t.Fatal(err)
				}
				sent := account.Requests()
				if len(sent) != 2 {
					t.Fatalf("%d requests, want 2", len(sent))
				}
				if gap := sent[1].At.Sub(sent[0].At); gap != 300*time.Second {
					t.Errorf("asked again after %s, want 5m0s", gap)
				}
				if waited != 300*time.Second {
					t.Errorf("reported a wait of %s", waited)
				}
			})
		})
	}
}

func TestRetryAfterOfOneRequestHoldsUpAllThatShareTheBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		account := simulator.New(simulator.Options{})
		account.Inject(simulator.Fault{Kind: simulator.TooManyRequests, Operation: "create", RetryAfter: 300 * time.Second})
		budget := cloudflare.NewBudget(100)
		share := func(o *cloudflare.Options) { o.Budget = budget }
		one, other := connect(t, account, share), connect(t, account, share)
		done := make(chan error, 1)
		go func() {
			_, err := one.Create(t.Context(), plain("new"), nil)
			done <- err
		}()
		synctest.Wait()
		start := time.Now()
		if _, err := other.List(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 300*time.Second {
			t.Errorf("the other client waited %s, want 5m0s", took)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}

// TestPauseIsNotShortenedByAnotherAnswer lets an answer that asks for nothing
// arrive just after one that asks for a pause.
func TestPauseIsNotShortenedByAnotherAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		account := simulator.New(simulator.Options{Latency: time.Second})
		account.Inject(simulator.Fault{Operation: "create", Kind: simulator.TooManyRequests, RetryAfter: 300 * time.Second})
		client := connect(t, account, nil)
		start := time.Now()
		done := make(chan error, 1)
		go func() {
			_, err := client.Create(t.Context(), plain("new"), nil)
			done <- err
		}()
		time.Sleep(time.Millisecond)
		for range 2 {
			if _, err := client.List(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took != 302*time.Second {
			t.Errorf("the second list came after %s, want 5m2s: the request, its pause, the list", took)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}

func TestAWriteIsToldWhenItLeaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		account := simulator.New(simulator.Options{})
		account.Inject(simulator.Fault{Operation: "create", Kind: simulator.TooManyRequests, RetryAfter: 300 * time.Second})
		client := connect(t, account, func(o *cloudflare.Options) { o.Budget = cloudflare.NewBudget(2) })
		var left []time.Duration
		start := time.Now()
		for range 2 {
			_, err := client.Create(t.Context(), plain("new"), func() error {
				left = append(left, time.Since(start))
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		var sent []time.Duration
		for _, r := range account.Requests() {
			sent = append(sent, r.At.Sub(start))
		}
		if !slices.Equal(left, sent) || len(sent) != 3 {
			t.Errorf("left at %v, sent at %v; want three", left, sent)
		}
	})
}

func TestAWriteThatMayNotLeaveIsNotSent(t *testing.T) {
	t.Parallel()
	account := simulator.New(simulator.Options{})
	client := connect(t, account, nil)
	closed := errors.New("the journal is closed")
	_, err := client.Create(t.Context(), plain("new"), func() error { return closed })
	if e := failure(t, err); !errors.Is(e, closed) || e.Ambiguous || len(account.Requests()) != 0 {
		t.Errorf("%d requests, %+v", len(account.Requests()), e)
	}
}

func TestServerThatAsksForTooLongAWaitIsAnErrorAtOnce(t *testing.T) {
	t.Parallel()
	for _, retryAfter := range []string{"86400", "9223372036854775807", "99999999999999999999999999", "Fri, 31 Dec 2100 23:59:59 GMT"} {
		t.Run(retryAfter, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, requests := scripted(t, func(int) *http.Response {
					time.Sleep(time.Millisecond) // so that a wait added to it could overflow
					return answered(429, `{"success":false,"errors":[{"code":971,"message":"slow"}],"result":null}`, "Retry-After", retryAfter)
				})
				start := time.Now()
				_, err := client.List(t.Context())
				if e := failure(t, err); e.Status != 429 || e.RetryAfter < 24*time.Hour {
					t.Errorf("got %+v", e)
				}
				_, err = client.Create(t.Context(), plain("new"), nil)
				if e := failure(t, err); e.Ambiguous || !strings.Contains(e.Error(), "no requests until") {
					t.Errorf("got %v", e)
				}
				if _, err := client.List(t.Context()); err == nil {
					t.Error("want an error while the pause lasts")
				}
				if *requests != 1 || time.Since(start) != time.Millisecond {
					t.Errorf("%d requests in %s, want 1 at once", *requests, time.Since(start))
				}
			})
		})
	}
}

func TestRatelimitHeaderPausesBeforeTheServerRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]time.Duration{
		`"default";r=0;t=30`:                    30 * time.Second,
		`"default";r=1;t=30`:                    0,
		`"default";r=50;t=30`:                   0,
		`"burst";r=3;t=9, "default";r=0;t=40`:   40 * time.Second,
		`"burst";r=0;t=9, "default";r=0;t=4`:    9 * time.Second,
		`"default"; r=0; t=12`:                  12 * time.Second,
		`"default";t=12;r=0;pk=:abc=:`:          12 * time.Second,
		`"default";r=0`:                         0,
		`"default";r=0;t=soon`:                  0,
		`"default";r=0;t=-5`:                    0,
		`;;;=,,r=0`:                             0,
		``:                                      0,
		`default;r=00;t=30`:                     30 * time.Second,
		`"default";r=0;t=30;r=7`:                0,
		`"default";r=0;t=600, "other";r=1;t=10`: 600 * time.Second,
	}
	for header, want := range tests {
		t.Run(header, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, _ := scripted(t, func(int) *http.Response {
					return answered(200, `{"success":true,"result":[],"result_info":{"total_count":0,"total_pages":0}}`, "Ratelimit", header)
				})
				if _, err := client.List(t.Context()); err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				if _, err := client.List(t.Context()); err != nil || time.Since(start) != want {
					t.Errorf("waited %s, want %s: %v", time.Since(start), want, err)
				}
			})
		})
	}
}

// TestNoMoreIsSentThanTheServerSaysIsLeft of any of its limits.
func TestNoMoreIsSentThanTheServerSaysIsLeft(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		ratelimit, policy string
		more              int           // requests after the one whose answer says so
		want              time.Duration // until the last of them is answered
	}{
		"some are left":              {`"default";r=3;t=30`, "", 3, 0},
		"none is left by now":        {`"default";r=3;t=30`, "", 4, 30 * time.Second},
		"of either limit":            {`"burst";r=3;t=9, "default";r=100;t=40`, "", 4, 9 * time.Second},
		"the window, without a time": {`"burst";r=3`, `"default";q=9;w=10, "burst";q=100;w=60`, 4, time.Minute},
		"no time at all":             {`"burst";r=3`, `"default";q=9;w=10`, 4, 0},
		"the time is over by then":   {`"default";r=3;t=0`, "", 4, 0},
		"more than can be counted":   {`"default";r=99999999999;t=30`, "", 4, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, _ := scripted(t, func(n int) *http.Response {
					headers := []string{"Ratelimit", tc.ratelimit, "Ratelimit-Policy", tc.policy}
					if n > 1 { // the first answer is all there is to go by
						headers = nil
					}
					return answered(200, `{"success":true,"result":[],"result_info":{"total_count":0,"total_pages":0}}`, headers...)
				})
				list := func() {
					if _, err := client.List(t.Context()); err != nil {
						t.Error(err)
					}
				}
				list()
				start := time.Now()
				for range tc.more {
					list()
				}
				if took := time.Since(start); took != tc.want {
					t.Errorf("%d requests took %s, want %s", tc.more, took, tc.want)
				}
			})
		})
	}
}

// TestWhatIsUnderWayCountsAgainstWhatIsLeft holds a client that sends several
// requests at a time against an account that blocks everybody for 5 minutes
// once it got one too many. In the account's sliding window the end of a time
// gives back only some requests, as many as were sent in one instant; in which
// order answers come is left to chance, and hence it is tried many times.
func TestWhatIsUnderWayCountsAgainstWhatIsLeft(t *testing.T) {
	t.Parallel()
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			account := simulator.New(simulator.Options{Latency: 100 * time.Millisecond, Limit: 20})
			client := connect(t, account, nil)
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					for range 10 {
						if _, err := client.List(t.Context()); err != nil {
							t.Error(err)
						}
					}
				})
			}
			start := time.Now()
			all.Wait()
			for _, r := range account.Requests() {
				if r.Status == http.StatusTooManyRequests {
					t.Fatal("the account refused a request and blocks everybody")
				}
			}
			// Each 5 minutes let all through that they allow.
			if took := time.Since(start); took > 16*time.Minute {
				t.Errorf("80 requests of 20 in 5 minutes took %s", took)
			}
		})
	}
}

// TestWhatGetsNoAnswerCountsAgainstWhatIsLeft loses answers to requests that the
// account has counted.
func TestWhatGetsNoAnswerCountsAgainstWhatIsLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		account := simulator.New(simulator.Options{Limit: 20})
		client := connect(t, account, nil)
		list := func() {
			if _, err := client.List(t.Context()); err != nil {
				t.Error(err)
			}
		}
		start := time.Now()
		for range 17 {
			list()
		}
		account.Inject(simulator.Fault{Operation: "list", Kind: simulator.LostReply, After: true, Times: 3})
		list()
		if sent := account.Requests(); len(sent) != 21 || sent[20].Status != http.StatusOK || time.Since(start) < 4*time.Minute {
			t.Errorf("%d requests in %s, the last one answered with %d", len(sent), time.Since(start), sent[len(sent)-1].Status)
		}
	})
}

func TestReadsBackOffWithFullJitter(t *testing.T) {
	t.Parallel()
	var shortest, longest [4]time.Duration
	for run := range 60 {
		synctest.Test(t, func(t *testing.T) {
			account := simulator.New(simulator.Options{})
			account.Inject(simulator.Fault{Kind: simulator.ServerError, Times: -1})
			if _, err := connect(t, account, nil).List(t.Context()); err == nil {
				t.Fatal("want an error")
			}
			sent := account.Requests()
			if len(sent) != 5 {
				t.Fatalf("%d requests, want 5", len(sent))
			}
			for i := range 4 {
				gap := sent[i+1].At.Sub(sent[i].At)
				if gap < 0 || gap > time.Second<<i {
					t.Errorf("gap %d is %s, want at most %s", i, gap, time.Second<<i)
				}
				if run == 0 || gap < shortest[i] {
					shortest[i] = gap
				}
				longest[i] = max(longest[i], gap)
			}
		})
	}
	for i := range 4 {
		whole := time.Second << i
		if shortest[i] > whole/5 || longest[i] < whole*4/5 {
			t.Errorf("gaps %d lie between %s and %s: want them spread from 0 to %s", i, shortest[i], longest[i], whole)
		}
	}
}
