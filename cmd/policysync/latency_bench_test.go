package main

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/event"
)

const latency = 50 * time.Millisecond

// BenchmarkNoOpAt50ms compares a run that finds 1,000 policies in sync with
// one request for their list and the decoding of the answer.
func BenchmarkNoOpAt50ms(b *testing.B) {
	s := newInSync(b, 1000, simulator.Options{Latency: latency})
	target := s.reconciler(event.Sinks{})
	var ratios []float64
	for b.Loop() {
		start := time.Now()
		if done := target.Run(b.Context(), event.Manual); done.Result != event.Noop {
			b.Fatal(done.Result, done.Err)
		}
		listing := time.Now()
		if err := listPages(b.Context(), s.api, 1); err != nil {
			b.Fatal(err)
		}
		ratios = append(ratios, listing.Sub(start).Seconds()/time.Since(listing).Seconds())
	}
	median(b, ratios, "×list")
}

// BenchmarkFirstApplyOf500 compares it with what the latency alone makes of
// 500 requests, as many at once as policysync sends.
func BenchmarkFirstApplyOf500(b *testing.B) {
	const policies = 500
	var ratios []float64
	for b.Loop() {
		b.StopTimer()
		target := newScale(b, policies, simulator.Options{Latency: latency}).reconciler(event.Sinks{})
		b.StartTimer()
		start := time.Now()
		if done := target.Run(b.Context(), event.Startup); done.Result != event.Success {
			b.Fatal(done.Result, done.Err)
		}
		least := policies * latency / requestsAtOnce
		ratios = append(ratios, time.Since(start).Seconds()/least.Seconds())
	}
	median(b, ratios, "×latency")
}

// BenchmarkPushToLive is what passes from a push, of which a webhook tells at
// once, to its policy being live, where 1,000 others are in sync and the
// account answers without latency. Git is asked over http.
func BenchmarkPushToLive(b *testing.B) {
	const pushes = 100
	s := newInSync(b, 1000, simulator.Options{})
	r := s.receive(s.repo, nil)
	body := fmt.Sprintf(`{"repository": %q, "ref": "refs/heads/main"}`, s.repo)
	var took []float64
	next := 1000
	for b.Loop() {
		for range pushes {
			s.commit(map[int]string{next: "example.com"})
			next++
			sent := r.postUntilTaken(body)
			took = append(took, float64((<-r.live).Sub(sent).Microseconds())/1000)
			<-r.ended
		}
	}
	slices.Sort(took)
	b.ReportMetric(took[len(took)*99/100], "p99-ms")
	median(b, took, "p50-ms")
}
