package cloudflare_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/policysync/policysync/internal/cloudflare"
	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/policy"
)

// operations does each operation on a policy of that id.
var operations = map[cloudflare.Operation]func(ctx context.Context, c *cloudflare.Client, id string) error{
	cloudflare.OpList:   func(ctx context.Context, c *cloudflare.Client, _ string) error { _, err := c.List(ctx); return err },
	cloudflare.OpGet:    func(ctx context.Context, c *cloudflare.Client, id string) error { _, err := c.Get(ctx, id); return err },
	cloudflare.OpDelete: func(ctx context.Context, c *cloudflare.Client, id string) error { return c.Delete(ctx, id, nil) },
	cloudflare.OpCreate: func(ctx context.Context, c *cloudflare.Client, _ string) error {
		_, err := c.Create(ctx, plain("new"), nil)
		return err
	},
	cloudflare.OpUpdate: func(ctx context.Context, c *cloudflare.Client, id string) error {
		_, err := c.Update(ctx, id, plain("renamed"), nil)
		return err
	},
	cloudflare.OpVerifyToken: func(ctx context.Context, c *cloudflare.Client, _ string) error {
		_, err := c.VerifyToken(ctx)
		return err
	},
}

func isWrite(op cloudflare.Operation) bool {
	return op == cloudflare.OpCreate || op == cloudflare.OpUpdate || op == cloudflare.OpDelete
}

// tookEffect reports whether a write of operations left its mark.
func tookEffect(t *testing.T, op cloudflare.Operation, account *simulator.Account) bool {
	t.Helper()
	all := held(t, account)
	switch op {
	case cloudflare.OpCreate:
		return len(all) == 2
	case cloudflare.OpUpdate:
		return all[0].Name == "renamed"
	default:
		return len(all) == 0
	}
}

// TestFaults lets every operation meet every fault, which lasts. It fixes what
// the error says, that a write is sent once unless it certainly had no effect,
// and that an error that isn't ambiguous never hides an effect.
func TestFaults(t *testing.T) {
	t.Parallel()
	const always = -1
	garble := func(with string) func([]byte) []byte { return func([]byte) []byte { return []byte(with) } }
	faults := []struct {
		name      string
		fault     simulator.Fault
		status    int // 0 means that of a success
		noAnswer  bool
		permanent bool
		ambiguous bool // if it is a write
		effect    bool
		resent    bool // though it is a write
		harmless  []cloudflare.Operation
	}{
		{name: "500 before", fault: simulator.Fault{Kind: simulator.ServerError}, status: 500, ambiguous: true},
		{name: "500 after", fault: simulator.Fault{Kind: simulator.ServerError, After: true}, status: 500, ambiguous: true, effect: true},
		{name: "503 before", fault: simulator.Fault{Kind: simulator.ServerError, Status: 503, RetryAfter: 2 * time.Second}, status: 503, ambiguous: true},
		{name: "HTML before", fault: simulator.Fault{Kind: simulator.HTML}, status: 502, ambiguous: true},
		{name: "HTML after", fault: simulator.Fault{Kind: simulator.HTML, Status: 524, After: true}, status: 524, ambiguous: true, effect: true},
		{name: "HTML 200", fault: simulator.Fault{Kind: simulator.HTML, Status: 200}, status: 200, ambiguous: true},
		{name: "HTML 403", fault: simulator.Fault{Kind: simulator.HTML, Status: 403}, status: 403, permanent: true},
		{name: "success false before", fault: simulator.Fault{Kind: simulator.SuccessFalse}, status: 200, ambiguous: true},
		{name: "success false after", fault: simulator.Fault{Kind: simulator.SuccessFalse, After: true}, status: 200, ambiguous: true, effect: true},
		{name: "lost reply before", fault: simulator.Fault{Kind: simulator.LostReply}, noAnswer: true, ambiguous: true},
		{name: "lost reply after", fault: simulator.Fault{Kind: simulator.LostReply, After: true}, noAnswer: true, ambiguous: true, effect: true},
		{name: "silence before", fault: simulator.Fault{Kind: simulator.Silence}, noAnswer: true, ambiguous: true},
		{name: "silence after", fault: simulator.Fault{Kind: simulator.Silence, After: true}, noAnswer: true, ambiguous: true, effect: true},
		{name: "429", fault: simulator.Fault{Kind: simulator.TooManyRequests, RetryAfter: 7 * time.Second}, status: 429, resent: true},
		{name: "429 without Retry-After", fault: simulator.Fault{Kind: simulator.TooManyRequests}, status: 429, resent: true},
		{name: "400", fault: simulator.Fault{Kind: simulator.Refusal}, status: 400, permanent: true},
		{name: "401", fault: simulator.Fault{Kind: simulator.Refusal, Status: 401}, status: 401, permanent: true},
		{name: "403", fault: simulator.Fault{Kind: simulator.Refusal, Status: 403}, status: 403, permanent: true},
		{name: "404", fault: simulator.Fault{Kind: simulator.Refusal, Status: 404}, status: 404, permanent: true},
		{name: "408", fault: simulator.Fault{Kind: simulator.Refusal, Status: 408}, status: 408},
		{name: "409", fault: simulator.Fault{Kind: simulator.Refusal, Status: 409}, status: 409, permanent: true},
		{name: "422", fault: simulator.Fault{Kind: simulator.Refusal, Status: 422}, status: 422, permanent: true},
		{name: "302", fault: simulator.Fault{Kind: simulator.HTML, Status: 302}, status: 302, permanent: true, ambiguous: true},
		{name: "cut JSON", fault: simulator.Fault{Kind: simulator.CutJSON}, ambiguous: true, effect: true},
		{name: "broken body", fault: simulator.Fault{Kind: simulator.BrokenBody}, ambiguous: true, effect: true},
		{name: "body beyond the timeout", fault: simulator.Fault{Kind: simulator.SlowBody, Delay: time.Hour}, ambiguous: true, effect: true},
		{
			name: "null result", fault: simulator.Fault{Kind: simulator.NullResult}, ambiguous: true, effect: true,
			harmless: []cloudflare.Operation{cloudflare.OpDelete},
		},
		{name: "empty body", fault: simulator.Fault{Kind: simulator.Tampered, Rewrite: garble("")}, ambiguous: true, effect: true},
		{name: "null body", fault: simulator.Fault{Kind: simulator.Tampered, Rewrite: garble("null")}, ambiguous: true, effect: true},
		{name: "no success", fault: simulator.Fault{Kind: simulator.Tampered, Rewrite: garble(`{"result":null}`)}, ambiguous: true, effect: true},
		{name: "result of another type", fault: simulator.Fault{Kind: simulator.Tampered, Rewrite: garble(`{"success":true,"result":7,"result_info":{"total_count":1,"total_pages":1}}`)}, ambiguous: true, effect: true},
		{
			name: "another policy", ambiguous: true, effect: true,
			fault: simulator.Fault{Kind: simulator.Tampered, Rewrite: garble(`{"success":true,"result":{"id":"other","name":"other"}}`)},
		},
	}
	for _, f := range faults {
		for op, do := range operations {
			t.Run(fmt.Sprintf("%s/%s", f.name, op), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					account := simulator.New(simulator.Options{})
					id := seed(t, account, plain("old"))
					lasting := f.fault
					lasting.Times = always
					account.Inject(lasting)

					err := do(t.Context(), connect(t, account, nil), id)

					if slices.Contains(f.harmless, op) {
						if err != nil {
							t.Errorf("want no error, got %v", err)
						}
						return
					}
					e := failure(t, err)
					switch {
					case f.noAnswer && e.Status != 0, f.status != 0 && e.Status != f.status, f.status == 0 && !f.noAnswer && e.Status/100 != 2:
						t.Errorf("status %d, want %d: %v", e.Status, f.status, e)
					case e.Permanent() != f.permanent:
						t.Errorf("Permanent() = %t: %v", e.Permanent(), e)
					case e.Ambiguous != (f.ambiguous && isWrite(op)):
						t.Errorf("Ambiguous = %t: %v", e.Ambiguous, e)
					case e.Operation != op:
						t.Errorf("operation %q", e.Operation)
					}
					checkRequests(t, account, op, f.permanent, f.resent)
					if isWrite(op) && tookEffect(t, op, account) != f.effect {
						t.Errorf("effect = %t, want %t", !f.effect, f.effect)
					}
				})
			})
		}
	}
}

// checkRequests checks how often an operation was tried.
func checkRequests(t *testing.T, account *simulator.Account, op cloudflare.Operation, permanent, resent bool) {
	t.Helper()
	count := account.Count(string(op))
	once := isWrite(op) && !resent || permanent
	switch {
	case op == cloudflare.OpVerifyToken && permanent: // both of its addresses
		if count != 2 {
			t.Errorf("%d requests, want 2", count)
		}
	case once && count != 1:
		t.Errorf("%d requests, want 1", count)
	case count > 5:
		t.Errorf("%d requests, want at most 5", count)
	}
}

func TestFaultThatPasses(t *testing.T) {
	t.Parallel()
	passing := []simulator.Fault{
		{Kind: simulator.ServerError},
		{Kind: simulator.HTML},
		{Kind: simulator.SuccessFalse},
		{Kind: simulator.LostReply},
		{Kind: simulator.Silence},
		{Kind: simulator.CutJSON},
		{Kind: simulator.BrokenBody},
		{Kind: simulator.TooManyRequests, RetryAfter: time.Second},
	}
	for _, f := range passing {
		t.Run(string(f.Kind), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				account := simulator.New(simulator.Options{})
				id := seed(t, account, plain("old"))
				f.Times = 3
				account.Inject(f)
				if _, err := connect(t, account, nil).Get(t.Context(), id); err != nil {
					t.Errorf("a read must get over a fault that passes: %v", err)
				}
				if n := account.Count("get"); n != 4 {
					t.Errorf("%d requests, want 4", n)
				}
			})
		})
	}
}

func TestSlowAnswerWithinTheTimeoutIsGood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		account := simulator.New(simulator.Options{Latency: 5 * time.Second})
		account.Inject(simulator.Fault{Kind: simulator.SlowBody, Delay: 20 * time.Second})
		start := time.Now()
		if _, err := connect(t, account, nil).Create(t.Context(), plain("slow"), nil); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 25*time.Second {
			t.Errorf("took %s, want 25s", took)
		}
	})
}

func TestCancelledContextEndsReadsAtOnce(t *testing.T) {
	t.Parallel()
	for op, do := range operations {
		if isWrite(op) {
			continue
		}
		t.Run(string(op), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				account := simulator.New(simulator.Options{})
				id := seed(t, account, plain("old"))
				account.Inject(simulator.Fault{Kind: simulator.Silence})
				ctx, stop := stopAfter(t, time.Second)
				start := time.Now()
				err := do(ctx, connect(t, account, nil), id)
				if took := time.Since(start); took != time.Second {
					t.Errorf("took %s, want 1s", took)
				}
				if e := failure(t, err); !errors.Is(e, stop) || !errors.Is(e, context.Canceled) {
					t.Errorf("the error must wrap the context's and its cause: %v", err)
				}
			})
		})
	}
}

// TestWriteUnderWayIsSeenThrough because its end must be recorded: a context
// that ends then, on SIGTERM say, stops it neither before the answer nor
// before the timeout.
func TestWriteUnderWayIsSeenThrough(t *testing.T) {
	t.Parallel()
	for op, do := range operations {
		if !isWrite(op) {
			continue
		}
		t.Run(string(op)+" answered", func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				account := simulator.New(simulator.Options{Latency: 10 * time.Second})
				id := seed(t, account, plain("old"))
				ctx, _ := stopAfter(t, time.Second)
				if err := do(ctx, connect(t, account, nil), id); err != nil {
					t.Errorf("want the answer, got %v", err)
				}
				if !tookEffect(t, op, account) {
					t.Error("it had no effect")
				}
			})
		})
		t.Run(string(op)+" unanswered", func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				account := simulator.New(simulator.Options{})
				id := seed(t, account, plain("old"))
				account.Inject(simulator.Fault{Kind: simulator.Silence, After: true})
				ctx, stop := stopAfter(t, time.Second)
				start := time.Now()
				e := failure(t, do(ctx, connect(t, account, nil), id))
				if took := time.Since(start); took != 30*time.Second {
					t.Errorf("took %s, want 30s", took)
				}
				if !e.Ambiguous || !errors.Is(e, context.DeadlineExceeded) || !errors.Is(e, stop) {
					t.Errorf("want an ambiguous error that tells both reasons: %v", e)
				}
			})
		})
	}
}

// stopAfter returns a context that ends after that long, and its cause.
func stopAfter(t *testing.T, length time.Duration) (context.Context, error) {
	t.Helper()
	stop := errors.New("told to stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(length, func() { cancel(stop) })
	return ctx, stop
}

func TestNothingIsSentWithAContextThatHasEnded(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for op, do := range operations {
		account := simulator.New(simulator.Options{})
		id := seed(t, account, plain("old"))
		if e := failure(t, do(ended, connect(t, account, nil), id)); e.Ambiguous || !errors.Is(e, context.Canceled) {
			t.Errorf("%s: got %v", op, e)
		}
		if n := len(account.Requests()); n != 0 {
			t.Errorf("%s: %d requests", op, n)
		}
	}
}

func TestCancelledContextEndsWaitsBetweenTries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		account := simulator.New(simulator.Options{})
		account.Inject(simulator.Fault{Kind: simulator.TooManyRequests, RetryAfter: 300 * time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		_, err := connect(t, account, nil).Create(ctx, plain("new"), nil)
		e := failure(t, err)
		if took := time.Since(start); took != 10*time.Second || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("took %s: %v", took, err)
		}
		if e.Ambiguous || e.Status != 429 || e.RetryAfter != 300*time.Second {
			t.Errorf("the refusal must stay to be seen: %+v", e)
		}
	})
}

func TestAnswerToCreateMustBeThePolicySent(t *testing.T) {
	t.Parallel()
	for name, result := range map[string]string{
		"no id":        `{"name": "new"}`,
		"another name": `{"id": "f174e90a-fafe-4643-bbbc-4a0ed4fc8415", "name": "old"}`,
		"no object":    `"new"`,
		"a list":       `[]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			account := simulator.New(simulator.Options{})
			account.Inject(simulator.Fault{Kind: simulator.Tampered, Rewrite: func([]byte) []byte {
				return []byte(`{"success": true, "errors": [], "messages": [], "result": ` + result + `}`)
			}})
			live, err := connect(t, account, nil).Create(t.Context(), plain("new"), nil)
			if e := failure(t, err); !e.Ambiguous || e.Permanent() {
				t.Errorf("want an ambiguous error, got %+v", e)
			}
			if live.ID != "" || live.Name != "" {
				t.Errorf("an error came with a policy: %v", live)
			}
		})
	}
}

func TestUnknownFieldsAndKindsSurviveARead(t *testing.T) {
	t.Parallel()
	account := simulator.New(simulator.Options{Quirks: simulator.Quirks{AcceptUnknownRules: true}})
	odd := plain("odd")
	odd.Require = []policy.Rule{{Kind: "brand_new_kind", Body: map[string]any{"x": "1"}}}
	id := seed(t, account, odd)
	account.Inject(simulator.Fault{Kind: simulator.Tampered, Rewrite: func(body []byte) []byte {
		return append([]byte(`{"new_top": 1, "result": {"new_field": {"deep": [1.50]},`), body[len(`{"errors":[],"messages":[],"result":{`):]...)
	}})
	live, err := connect(t, account, nil).Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if !policy.Equal(policy.Policy{Require: live.Require}, policy.Policy{Require: odd.Require}) {
		t.Errorf("rule %v, want %v", live.Require, odd.Require)
	}
	if got := fmt.Sprint(live.Settings["new_field"]); got != "map[deep:[1.50]]" {
		t.Errorf("new_field is %s", got)
	}
}
