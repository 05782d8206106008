package log_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/guard"
	"github.com/policysync/policysync/internal/impact"
	"github.com/policysync/policysync/internal/log"
	"github.com/policysync/policysync/internal/policy"
)

var scope = event.Scope{Target: "production", Run: "run-1", Commit: "c0ffee"}

// lines emits the events and returns the lines written, without their times.
func lines(t *testing.T, level string, events ...event.Event) []map[string]any {
	t.Helper()
	var out bytes.Buffer
	sink, err := log.New(&out, level, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		sink.Emit(e)
	}
	var all []map[string]any
	for line := range strings.Lines(out.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		at, ok := fields["time"].(string)
		if _, err := time.Parse(time.RFC3339Nano, at); !ok || err != nil {
			t.Errorf("time is %v", fields["time"])
		}
		delete(fields, "time")
		all = append(all, fields)
	}
	return all
}

func TestEachChangeAndEachRunIsALine(t *testing.T) {
	t.Parallel()
	create := diff.Change{Action: diff.ActionCreate, Key: "eng", Name: "Engineering", Reason: "not in the account", Direction: impact.Widens, Desired: &policy.Desired{Policy: policy.Policy{Name: "Engineering"}}}
	update := diff.Change{
		Action: diff.ActionUpdate, Key: "eng", Live: &policy.Live{Policy: policy.Policy{Name: "Before"}},
		Desired: &policy.Desired{Policy: policy.Policy{Name: "After"}},
	}
	got := lines(t, "info",
		event.RunStarted{Scope: scope, Trigger: event.Startup},
		event.SourceFetched{Scope: scope, Result: event.Changed},
		event.PhaseDone{Scope: scope, Phase: event.List},
		event.PlanMade{Scope: scope, Plan: diff.Plan{Reported: []diff.Change{{
			Action: diff.ActionUpdate, Key: "ops", ID: "id-1", State: diff.Drifted, Reason: "changed in the account",
		}}}},
		event.ChangeDone{Scope: scope, Change: create, ID: "id-2", Outcome: event.Applied, Took: time.Second},
		event.ChangeDone{Scope: scope, Change: create, Outcome: event.Refused, Ray: "8f0a-AMS", Err: errors.New("400")},
		event.ChangeDone{Scope: scope, Change: update, ID: "id-3", Outcome: event.Applied},
		event.RunDone{Scope: scope, Trigger: event.Startup, Result: event.Partial, Err: errors.New("400"), States: map[diff.State]int{diff.InSync: 3}},
	)
	type line = map[string]any
	change := func(more line) line {
		l := line{
			"target": "production", "run": "run-1", "commit": "c0ffee", "action": "create", "key": "eng", "name": "Engineering",
			"id": "", "direction": "widens", "reason": "not in the account", "after": policy.Fingerprint(policy.Policy{Name: "Engineering"}),
		}
		maps.Copy(l, more)
		return l
	}
	want := []line{
		{"level": "info", "msg": "new commit", "target": "production", "run": "run-1", "commit": "c0ffee"},
		{
			"level": "warn", "msg": "reported only", "target": "production", "run": "run-1", "commit": "c0ffee",
			"state": "drifted", "action": "update", "key": "ops", "id": "id-1", "reason": "changed in the account",
		},
		change(line{"level": "info", "msg": "change made", "result": "success", "took": 1.0, "id": "id-2"}),
		change(line{"level": "error", "msg": "change not made", "result": "failed", "took": 0.0, "error": "400", "ray": "8f0a-AMS"}),
		change(line{
			"level": "info", "msg": "change made", "action": "update", "name": "", "id": "id-3", "direction": "", "reason": "",
			"result": "success", "took": 0.0,
			"before": policy.Fingerprint(policy.Policy{Name: "Before"}), "after": policy.Fingerprint(policy.Policy{Name: "After"}),
		}),
		{
			"level": "error", "msg": "run done", "target": "production", "run": "run-1", "commit": "c0ffee",
			"trigger": "startup", "result": "partial", "took": 0.0, "in_sync": 3.0, "error": "400",
		},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("lines differ (-want +got):\n%s", d)
	}
}

func TestLevels(t *testing.T) {
	t.Parallel()
	every := []event.Event{
		event.RunStarted{Scope: scope},
		event.SourceFetched{Scope: scope, Result: event.Unchanged},
		event.SourceFetched{Scope: scope, Result: event.FetchError, Err: errors.New("down")},
		event.SourceRewound{Target: "production", From: "a", To: "b"},
		event.SourceRewound{Target: "production", From: "a", To: "b", Unknown: errors.New("down")},
		event.Warned{Scope: scope, Message: "look"},
		event.PhaseDone{Scope: scope},
		event.PlanMade{Scope: scope},
		event.Held{Scope: scope, Reason: guard.Frozen, Err: errors.New("frozen")},
		event.ChangeDone{Scope: scope, Outcome: event.Applied},
		event.RunDone{Scope: scope, Result: event.Noop},
		event.RunDone{Scope: scope, Result: event.Noop, States: map[diff.State]int{}},
		event.RunDone{Scope: scope, Result: event.Success},
		event.RunDone{Scope: scope, Result: event.Failed, Cut: true, Err: errors.New("context canceled")},
		event.RequestDone{Target: "production"},
		event.BudgetWaiting{Target: "production", Wait: time.Second},
		event.BudgetWaited{Target: "production"},
		event.WebhookDone{Provider: "github", Result: "accepted"},
		event.WebhookDone{Provider: "github", Result: "replayed"},
		event.WebhookDone{Provider: "github", Result: "bad_signature"},
		event.WebhookDone{Provider: "github", Result: "rate_limited"},
		event.Suspended{Target: "production", Until: time.Now()},
		event.Resumed{Target: "production"},
		event.Asked{Target: "production"},
		event.TurnedAway{Reason: event.WrongToken},
		event.TurnedAway{Reason: event.WrongToken, Often: true},
		event.TurnedAway{Reason: event.NothingShown},
		event.TurnedAway{Reason: event.TooMany},
		event.Certified{Names: []string{"policysync.example.com"}},
		event.Certified{Err: errors.New("no key")},
		event.Panicked{Route: "GET /"},
		event.Complained{Message: "http: Accept error"},
		event.Complained{Message: "http: TLS handshake error", FromOutside: true},
	}
	for level, want := range map[string]int{"debug": len(every), "info": 21, "warn": 11, "error": 3} {
		if got := lines(t, level, every...); len(got) != want {
			t.Errorf("level %s: %d lines, want %d: %v", level, len(got), want, got)
		}
	}
	if _, err := log.New(&bytes.Buffer{}, "loud", false); err == nil {
		t.Error("level loud is taken")
	}
}

func TestALineOfAWebhookHasWhatItTold(t *testing.T) {
	t.Parallel()
	got := lines(t, "info",
		event.WebhookDone{
			Provider: "github", Result: "accepted", Delivery: "1", Ref: "refs/heads/main", Commit: "c0ffee", Pusher: "ann",
			Woken: []string{"production"}, Suspended: []string{"stage"},
		},
		event.WebhookDone{Provider: "gogs", Result: "bad_signature", Reason: "the signature is wrong"},
	)
	want := []map[string]any{
		{
			"level": "info", "msg": "webhook", "provider": "github", "result": "accepted", "delivery": "1", "ref": "refs/heads/main",
			"commit": "c0ffee", "pusher": "ann", "woken": []any{"production"}, "suspended": []any{"stage"},
		},
		{"level": "warn", "msg": "webhook", "provider": "gogs", "result": "bad_signature", "reason": "the signature is wrong"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("lines differ (-want +got):\n%s", d)
	}
}

func TestConsoleIsForPeople(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	sink, err := log.New(&out, "info", true)
	if err != nil {
		t.Fatal(err)
	}
	sink.Emit(event.SourceFetched{Scope: scope, Result: event.Changed, Signer: "ann"})
	if got := out.String(); !strings.Contains(got, " INFO new commit ") || !strings.Contains(got, `"commit": "c0ffee", "signer": "ann"`) {
		t.Errorf("line is %q", got)
	}
}

func TestAConfigThatTakesEffectChangesLevelAndForm(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	l, err := log.New(&out, "error", false)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []event.Event{
		event.Resumed{Target: "a"}, // below the level
		event.Configured{File: "p.yaml", LogLevel: "info", Targets: []string{"a", "b"}, Added: []string{"b"}},
		event.Configured{File: "p.yaml", Err: errors.New("line 3 is wrong"), LogLevel: "error", Console: true},
		event.Configured{File: "p.yaml", LogLevel: "info", Console: true},
		event.Resumed{Target: "b", By: "ann@example.com"},
	} {
		l.Emit(e)
	}
	want := []string{
		`{"level":"info",*"msg":"config in force","file":"p.yaml","targets":2,"added":["b"],"changed":[],"removed":[]}`,
		`{"level":"error",*"msg":"config refused, the last one stays in force","file":"p.yaml","error":"line 3 is wrong"}`,
		`* INFO config in force *"targets": 0*`,
		`* INFO resumed {"target": "b", "by": "ann@example.com", "expired": false}`,
	}
	got := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(got) != len(want) {
		t.Fatalf("%d lines, want %d:\n%s", len(got), len(want), &out)
	}
	for i, line := range got {
		pieces := strings.Split(want[i], "*")
		if !strings.HasPrefix(line, pieces[0]) || !strings.Contains(line, pieces[1]) {
			t.Errorf("line %d is %s, want %s", i, line, want[i])
		}
	}
}

func TestAPanicIsALineWithItsStack(t *testing.T) {
	t.Parallel()
	got := lines(t, "info", event.Panicked{Route: "GET /runs/{run}", Problem: "index out of range", Stack: "goroutine 7\nmain.go:1\n"})
	want := []map[string]any{{
		"level": "error", "msg": "a request's handler panicked", "route": "GET /runs/{run}", "error": "index out of range", "stack": "goroutine 7\nmain.go:1\n",
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("lines differ (-want +got):\n%s", d)
	}
}
