package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/event"
)

// usage is what a process has used up.
type usage struct {
	cpu  time.Duration // with that of the processes it started
	wall time.Duration // from its start to its end
	out  string
}

// onOneCore runs a program as a process of its own.
func onOneCore(b *testing.B, name string, args ...string) usage {
	b.Helper()
	return onCores(b, 1, name, args...)
}

// onCores runs a program as a process of its own, on so many cores.
func onCores(b *testing.B, n int, name string, args ...string) usage {
	b.Helper()
	c := exec.CommandContext(b.Context(), name, args...)
	c.Env = append(os.Environ(), fmt.Sprintf("GOMAXPROCS=%d", n))
	began := time.Now()
	out, err := c.CombinedOutput()
	if err != nil {
		b.Fatalf("%s: %v\n%s", c, err, out)
	}
	return usage{c.ProcessState.UserTime() + c.ProcessState.SystemTime(), time.Since(began), string(out)}
}

// measured is policysync, and prints what the kernel says about it at the end.
// Of a process that has ended one only learns the larger of its own peak of
// memory and that of the process that started it.
func measured() {
	tuneGC()
	a := &app{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, env: os.LookupEnv}
	if code := run(context.Background(), a, os.Args[1:]); code != 0 {
		fmt.Println("exit code", code)
	}
	status, err := os.ReadFile("/proc/self/status")
	fmt.Printf("%s%v\n", status, err)
}

// peakMemory returns the most memory, in MiB, that a measured process had.
func peakMemory(b *testing.B, out string) float64 {
	b.Helper()
	var kib float64
	_, rest, _ := strings.Cut(out, "VmHWM:")
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		b.Fatalf("the kernel doesn't tell the memory: %v in\n%s", err, out)
	}
	return kib / 1024
}

// median reports the median of what was measured.
func median(b *testing.B, measured []float64, unit string) {
	b.Helper()
	slices.Sort(measured)
	b.ReportMetric(measured[len(measured)/2], unit)
}

// BenchmarkNoOp is `policysync apply` from its start to its end, where all is
// in sync and git has the commit that the cache has. It is compared with a
// program that only asks for the list of policies and decodes it.
func BenchmarkNoOp(b *testing.B) {
	for _, n := range []int{1_000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := newInSync(b, n, simulator.Options{})
			apply := func() usage {
				return onOneCore(b, "measured", "apply", "--yes", "--config", s.config())
			}
			apply() // fills the cache
			var cpu, ratios, rss, requests []float64
			for b.Loop() {
				before := s.account.Count("list")
				used := apply()
				if want := fmt.Sprintf("No changes. %d in sync.\n", n); !strings.HasPrefix(used.out, want) {
					b.Fatalf("got %q, want %q", used.out, want)
				}
				cpu, rss = append(cpu, used.cpu.Seconds()*1000), append(rss, peakMemory(b, used.out))
				requests = append(requests, float64(s.account.Count("list")-before))
				peer := onOneCore(b, "listing", s.api, fmt.Sprint(n/1000))
				if peer.out != "" {
					b.Fatal(peer.out)
				}
				ratios = append(ratios, used.cpu.Seconds()/peer.cpu.Seconds())
			}
			median(b, cpu, "cpu-ms")
			median(b, ratios, "×list")
			median(b, rss, "rss-MiB")
			median(b, requests, "requests")
		})
	}
}

// BenchmarkOneChangedOf10000 is a run of the daemon after a commit that
// changes one file of 10,000.
func BenchmarkOneChangedOf10000(b *testing.B) {
	s := newInSync(b, 10_000, simulator.Options{})
	var took phaseTimes
	target := s.reconciler(&took)
	if done := target.Run(b.Context(), event.Startup); done.Result != event.Noop {
		b.Fatal(done.Result, done.Err)
	}
	first, parses, before := took[event.Parse], []float64{}, s.account.Count("update")
	for i := 0; b.Loop(); i++ {
		s.commit(map[int]string{7: fmt.Sprintf("n%d.example.com", i)})
		if done := target.Run(b.Context(), event.Schedule); done.Result != event.Success || s.account.Count("update") != before+i+1 {
			b.Fatal(done.Result, done.Err)
		}
		parses = append(parses, took[event.Parse].Seconds()/first.Seconds())
	}
	median(b, parses, "×first-parse")
}

// phaseTimes is a sink that notes how long each phase of the last run took.
type phaseTimes map[event.Phase]time.Duration

func (p *phaseTimes) Emit(e event.Event) {
	switch e := e.(type) {
	case event.RunStarted:
		*p = phaseTimes{}
	case event.PhaseDone:
		(*p)[e.Phase] = e.Took
	default:
	}
}
