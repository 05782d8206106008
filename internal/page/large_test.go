package page_test

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/policy"
)

// TestTenThousandPolicies asks several times, because other programs may be at
// work too; the first time the policies are read.
func TestTenThousandPolicies(t *testing.T) { //nolint:paralleltest // it measures
	const (
		n        = 10_000
		maxSize  = 200_000
		maxFirst = 100 * time.Millisecond
	)
	w := newWorld(t)
	records := make([]policy.Recorded, n)
	plan := diff.Plan{States: map[diff.State]int{diff.Drifted: n}}
	for i := range records {
		p := engineering()
		p.Name = fmt.Sprintf("Team %05d <%s>", i, strings.Repeat("x", 80))
		key, file := fmt.Sprintf("team-%05d", i), fmt.Sprintf("policies/departments/team-%05d.yaml", i)
		records[i] = policy.Recorded{Key: key, ID: key, Sent: p, ReadBack: p, File: file, Line: 1}
		plan.Reported = append(plan.Reported, diff.Change{
			Action: diff.ActionUpdate, Key: key, Name: p.Name, File: file, Line: 1, State: diff.Drifted,
			Reason: "changed in the account; held back by drift: report",
		})
	}
	w.record(t, records...)
	w.ran(t, "run", noon, plan, event.Noop, nil)
	for path, want := range map[string]string{
		"/": "10000 drifted", "/targets/production": "1 to 100 of 10000", "/targets/production?page=100": "9901 to 10000 of 10000",
		"/targets/production?q=TEAM-0999&state=drifted": "1 to 10 of 10", "/targets/production/runs": "1 to 1 of",
	} {
		first, fastest := time.Duration(0), time.Hour
		for range 10 {
			began := time.Now()
			answer := w.get(path)
			took := time.Since(began)
			first, fastest = cmp.Or(first, took), min(fastest, took)
			if size := answer.Body.Len(); answer.Code != http.StatusOK || size >= maxSize || !strings.Contains(answer.Body.String(), want) {
				t.Fatalf("GET %s: status %d, %d bytes, want fewer than %d and %q", path, answer.Code, size, maxSize, want)
			}
		}
		t.Logf("GET %s: %s, at first %s", path, fastest, first)
		if fastest >= maxFirst {
			t.Errorf("GET %s took %s, want less than %s", path, fastest, maxFirst)
		}
	}
}
