package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/state/sqlite"
)

// BenchmarkPoll is a run of the daemon that finds the commit unchanged, in a
// process of its own: what the servers use up doesn't count. It is compared
// with what `git ls-remote` uses up.
func BenchmarkPoll(b *testing.B) {
	s := newInSync(b, 1000, simulator.Options{})
	const polls = 100
	var cpu, ratios []float64
	for b.Loop() {
		before := s.account.Count("list")
		micros, err := strconv.ParseFloat(onOneCore(b, "poll", s.config(), strconv.Itoa(polls)).out, 64)
		if err != nil {
			b.Fatal(err)
		}
		if n := s.account.Count("list") - before; n != 1 {
			b.Fatalf("%d requests to the account, want the first run's list alone", n)
		}
		peer := onOneCore(b, "git", "ls-remote", s.repo)
		cpu, ratios = append(cpu, micros/1000), append(ratios, micros/float64(peer.cpu.Microseconds()))
	}
	median(b, cpu, "cpu-ms/poll")
	median(b, ratios, "×ls-remote")
}

// poll is the program that BenchmarkPoll starts: it prints the median of the
// microseconds of CPU time that a number of polls each took, or an error.
func poll() {
	if err := pollAll(context.Background(), os.Args[1], os.Args[2]); err != nil {
		fmt.Println(err)
	}
}

func pollAll(ctx context.Context, configFile, polls string) error {
	a := &app{env: os.LookupEnv}
	cfg, err := config.Load(configFile, a.env)
	if err != nil {
		return err
	}
	store, err := sqlite.Open(ctx, cfg.State.Path())
	if err != nil {
		return err
	}
	all, err := workshop{a, budgetsBeside(cfg.State), store, nil, event.Sinks{}}.reconcilers(cfg)
	if err != nil {
		return err
	}
	if done := all[0].Run(ctx, event.Startup); done.Err != nil {
		return done.Err
	}
	n, err := strconv.Atoi(polls)
	if err != nil {
		return err
	}
	used := make([]time.Duration, n)
	for i := range used {
		before := cpuTime()
		if done := all[0].Run(ctx, event.Schedule); done.Err != nil {
			return done.Err
		}
		used[i] = cpuTime() - before
	}
	slices.Sort(used)
	fmt.Print(used[n/2].Microseconds())
	return store.Close()
}

// cpuTime returns the CPU time that this process has used up.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
