package cloudflare_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/policysync/policysync/internal/cloudflare"
)

// TestBudgetIsKeptAcrossRestarts restarts, with other budgets too, or changes what
// one allows, at random times, and looks at all windows.
func TestBudgetIsKeptAcrossRestarts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		file := filepath.Join(t.TempDir(), "requests")
		type life struct {
			Limit  int
			Goes   bool  // on, with another limit, instead of restarting
			Pauses []int // seconds before each request
		}
		lives := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) life {
			return life{
				Limit:  rapid.IntRange(1, 6).Draw(rt, "limit"),
				Goes:   rapid.Bool().Draw(rt, "goes on"),
				Pauses: rapid.SliceOfN(rapid.IntRange(0, 90), 0, 10).Draw(rt, "pauses"),
			}
		}), 1, 6).Draw(rt, "lives")
		var begun []time.Time
		var limitThen []int
		synctest.Test(t, func(t *testing.T) {
			var budget *cloudflare.Budget
			for i, life := range lives {
				var err error
				if i > 0 && life.Goes {
					budget.Allow(life.Limit)
				} else if budget, err = cloudflare.OpenBudget(file, life.Limit); err != nil {
					t.Fatal(err)
				}
				for _, pause := range life.Pauses {
					time.Sleep(time.Duration(pause) * time.Second)
					if _, err := budget.Wait(t.Context(), nil); err != nil {
						t.Fatal(err)
					}
					begun, limitThen = append(begun, time.Now()), append(limitThen, life.Limit)
				}
			}
		})
		for i, limit := range limitThen {
			if i >= limit && begun[i].Sub(begun[i-limit]) < window {
				rt.Fatalf("%d requests within %s, the budget is %d", limit+1, begun[i].Sub(begun[i-limit]), limit)
			}
		}
	})
}

func TestBudgetSurvivesAnyFile(t *testing.T) {
	t.Parallel()
	nanoseconds := func(at time.Time) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(at.UnixNano())) }
	for name, tc := range map[string]struct {
		text func() []byte
		wait time.Duration // before the second request, of a budget of 2
	}{
		"empty":               {func() []byte { return nil }, 0},
		"cut short":           {func() []byte { return nanoseconds(time.Now())[:7] }, 0},
		"garbage":             {func() []byte { return bytes.Repeat([]byte{0x81}, 20) }, 0},
		"long ago":            {func() []byte { return nanoseconds(time.Now().Add(-window)) }, 0},
		"a minute ago":        {func() []byte { return nanoseconds(time.Now().Add(-time.Minute)) }, 4 * time.Minute},
		"a clock put back":    {func() []byte { return nanoseconds(time.Now().Add(time.Hour)) }, window},
		"more than the limit": {func() []byte { return bytes.Repeat(nanoseconds(time.Now()), 9) }, window},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "requests")
			synctest.Test(t, func(t *testing.T) {
				if err := os.WriteFile(file, tc.text(), 0o600); err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				budget, err := cloudflare.OpenBudget(file, 2)
				if err != nil {
					t.Fatal(err)
				}
				for range 2 {
					if _, err := budget.Wait(t.Context(), nil); err != nil {
						t.Fatal(err)
					}
				}
				if waited := time.Since(start); waited != tc.wait {
					t.Errorf("waited %s, want %s", waited, tc.wait)
				}
			})
		})
	}
}

func TestNothingIsSentThatCannotBeCounted(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state")
	file := filepath.Join(dir, "requests")
	if _, err := cloudflare.OpenBudget(file, 2); err == nil {
		t.Error("a budget was opened in a folder that isn't there")
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	budget, err := cloudflare.OpenBudget(file, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := budget.Wait(t.Context(), nil); err == nil {
		t.Error("a request was let through that isn't counted")
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := budget.Wait(t.Context(), nil); err != nil {
		t.Errorf("when the folder is back: %v", err)
	}
}
