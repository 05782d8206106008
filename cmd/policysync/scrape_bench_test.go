package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/metrics"
	"github.com/policysync/policysync/internal/web"
)

// BenchmarkScrape is a scrape of targets with 10,000 policies each, after runs
// that did all there is to do, against the limit. On a machine that does something
// else, too, the fastest tells most.
func BenchmarkScrape(b *testing.B) {
	const limit = 20 * time.Millisecond
	for _, targets := range []int{1, 50} {
		b.Run(fmt.Sprint(targets), func(b *testing.B) {
			handler, series, fastest := scraped(b, targets), 0, time.Hour
			for b.Loop() {
				answer, began := httptest.NewRecorder(), time.Now()
				handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
				fastest = min(fastest, time.Since(began))
				if series = strings.Count(answer.Body.String(), "\npolicysync_"); answer.Code != http.StatusOK || series < 100*targets {
					b.Fatal(answer.Code, series)
				}
			}
			b.ReportMetric(fastest.Seconds()*1000, "fastest-ms")
			b.ReportMetric(fastest.Seconds()/limit.Seconds(), "of-limit")
			b.ReportMetric(float64(series), "series")
		})
	}
}

// scraped answers scrapes as a daemon of so many targets does.
func scraped(b *testing.B, targets int) http.Handler {
	b.Helper()
	registry, counters, err := newRegistry(metrics.Now{
		Stalled: func() []string { return nil }, Remaining: func(string) int { return 600 },
		DiskFree: func() (float64, error) { return 1 << 30, nil },
	})
	if err != nil {
		b.Fatal(err)
	}
	names := make([]string, targets)
	for i := range names {
		names[i] = fmt.Sprintf("target-%d", i)
	}
	counters.Emit(event.Configured{Targets: names, Receivers: []string{"github", "gitlab"}})
	for _, name := range names {
		scope := event.Scope{Target: name}
		for _, phase := range event.Phases() {
			counters.Emit(event.PhaseDone{Scope: scope, Phase: phase, Took: time.Second})
		}
		counters.Emit(event.RunDone{
			Scope: scope, Trigger: event.Schedule, Result: event.Success, ToLive: time.Second,
			States: map[diff.State]int{diff.InSync: 9_000, diff.Drifted: 1_000},
		})
	}
	return web.Handler(web.Options{Metrics: registry})
}
