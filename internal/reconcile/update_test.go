package reconcile_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/guard"
	"github.com/policysync/policysync/internal/policy"
)

// commitText commits one file of manifests.
func (w *world) commitText(text string) {
	w.git.commit(fstest.MapFS{"a.yaml": {Data: []byte(text)}})
}

// only returns the account's one policy.
func (w *world) only() policy.Live {
	w.t.Helper()
	all, err := w.account.Policies()
	if err != nil || len(all) != 1 {
		w.t.Fatalf("the account has %d policies, %v; want 1", len(all), err)
	}
	return all[0]
}

// domain returns the domain that a policy made by manifest lets in.
func domain(p policy.Live) any {
	body, ok := p.Include[0].Body.(map[string]any)
	if !ok {
		return nil
	}
	return body["domain"]
}

func TestUpdatesWhatGitChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{}).inMode(diff.Upsert, diff.DriftReport)
	w.commitText(manifest("a", "one.example"))
	w.run(event.Success)
	id := w.only().ID
	w.commitText(manifest("a", "two.example"))
	before := len(w.account.Requests())
	w.run(event.Success)
	if got := w.only(); got.ID != id || domain(got) != "two.example" {
		t.Errorf("live is %+v", got)
	}
	if n := len(w.account.Requests()) - before; n != 2 {
		t.Errorf("one change took %d requests, want the list and the update", n)
	}
	w.runWith(t.Context(), event.Manual, event.Noop)
	records, err := w.store.Records(t.Context(), "production")
	if err != nil || len(records) != 1 || !records[0].CreatedAt.Before(records[0].UpdatedAt) {
		t.Errorf("records %+v, %v; want one that was ours since before it changed", records, err)
	}
}

func TestARenameKeepsTheID(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{}).inMode(diff.Upsert, diff.DriftReport)
	w.commitText(manifest("Eng", "one.example"))
	w.run(event.Success)
	id := w.only().ID
	w.commitText(manifest("Engineering", "one.example") + "policysync: {previously: [Eng]}\n")
	w.run(event.Success)
	if got := w.only(); got.ID != id || got.Name != "Engineering" {
		t.Errorf("live is %s %q, want %s under its new name", got.ID, got.Name, id)
	}
	if d := cmp.Diff([]string{"Engineering"}, w.recorded()); d != "" {
		t.Errorf("records differ (-want +got):\n%s", d)
	}
	w.runWith(t.Context(), event.Manual, event.Noop)
}

func TestDriftIsHealedOnlyWhereThatIsAskedFor(t *testing.T) {
	t.Parallel()
	for drift, want := range map[diff.Drift]string{diff.DriftReport: "edited.example", diff.DriftHeal: "git.example"} {
		t.Run(string(drift), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, simulator.Options{}).inMode(diff.Upsert, drift)
			w.commitText(manifest("a", "git.example"))
			w.run(event.Success)
			if err := w.account.Edit(w.only().ID, body("a", "edited.example")); err != nil {
				t.Fatal(err)
			}
			result := event.Noop
			if drift == diff.DriftHeal {
				result = event.Success
			}
			w.runWith(t.Context(), event.Manual, result)
			if got := domain(w.only()); got != want {
				t.Errorf("live lets in %v, want %s", got, want)
			}
		})
	}
}

// TestUpdatesConverge sees that an account with any habit ends up with what
// Git says, and that nothing is written once it has.
func TestUpdatesConverge(t *testing.T) {
	t.Parallel()
	const full = `name: a
decision: allow
include:
  - email: {email: A@Example.com}
  - ip: {ip: 192.0.2.1}
exclude:
  - geo: {country_code: us}
require:
  - certificate: {}
session_duration: 90m
approval_required: true
approval_groups:
  - approvals_needed: 1
    email_addresses: [B@example.com, a@example.com]
purpose_justification_required: true
purpose_justification_prompt: why?
isolation_required: true
connection_rules: {rdp: {allowed_clipboard_local_to_remote_formats: [text]}}
mfa_config: {allowed_authenticators: [totp], session_duration: 5m}
`
	const bare = "name: a\ndecision: deny\ninclude:\n  - everyone: {}\n"
	for name, quirks := range map[string]simulator.Quirks{
		"plain":    {},
		"defaults": {DefaultDuration: true},
		"nulls":    {NullDuration: true, EmptyRules: true},
		"folding":  {FoldCase: true},
		"keeping":  {KeepOmitted: true},
		"all":      {DefaultDuration: true, NullDuration: true, EmptyRules: true, FoldCase: true, KeepOmitted: true, NewestFirst: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, simulator.Options{Quirks: quirks}).inMode(diff.Upsert, diff.DriftHeal)
			for i, text := range []string{bare, full, bare, full} {
				w.commitText(text)
				w.run(event.Success)
				writes := w.writes()
				if done := w.runWith(t.Context(), event.Manual, event.Noop); w.writes() != writes || done.States[diff.InSync] != 1 {
					t.Errorf("step %d doesn't settle: %d more writes, states %v, live %+v", i, w.writes()-writes, done.States, w.only())
				}
			}
		})
	}
}

func TestALostAnswerToAnUpdateIsCleared(t *testing.T) {
	t.Parallel()
	for _, kind := range []simulator.Kind{
		simulator.ServerError, simulator.HTML, simulator.SuccessFalse, simulator.LostReply,
		simulator.CutJSON, simulator.BrokenBody, simulator.NullResult,
	} {
		for _, after := range []bool{false, true} {
			for _, restart := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/after=%v/restart=%v", kind, after, restart), func(t *testing.T) {
					t.Parallel()
					w := newWorld(t, simulator.Options{Quirks: simulator.Quirks{DefaultDuration: true}}).inMode(diff.Upsert, diff.DriftReport)
					w.commitText(manifest("a", "one.example"))
					w.run(event.Success)
					w.commitText(manifest("a", "two.example"))
					w.account.Inject(simulator.Fault{Operation: "update", Kind: kind, After: after})
					w.run(event.Partial)
					if restart {
						w.stop()
						w.start()
						w.inMode(diff.Upsert, diff.DriftReport)
					}
					if done := w.Run(t.Context(), event.Retry); done.Err != nil {
						t.Errorf("the next run ended with %v", done.Err)
					}
					if got := domain(w.only()); got != "two.example" {
						t.Errorf("live lets in %v", got)
					}
					writes := w.writes()
					if done := w.runWith(t.Context(), event.Manual, event.Noop); w.writes() != writes || done.States[diff.InSync] != 1 {
						t.Errorf("it doesn't settle: %v", done.States)
					}
					intents, err := w.store.Intents(t.Context(), "production")
					if err != nil || len(intents) != 0 {
						t.Errorf("still in doubt: %v, %v", intents, err)
					}
				})
			}
		}
	}
}

func TestAnUpdateGivesWayToAnEditMadeMeanwhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Options{}).inMode(diff.Upsert, diff.DriftReport)
		w.commitText(manifest("a", "one.example"))
		w.run(event.Success)
		w.commitText(manifest("a", "two.example"))
		planned, err := w.Plan(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute) // as a person takes to say yes
		if err := w.account.Edit(w.only().ID, body("a", "edited.example")); err != nil {
			t.Fatal(err)
		}
		run := startedRun(t, w)
		got := w.Executor.Execute(t.Context(), event.Scope{Target: "production", Run: run}, planned.Plan, planned.Listed)
		if got.Err == nil || !strings.Contains(got.Err.Error(), "somebody has changed the policy since it was listed") {
			t.Errorf("error %v", got.Err)
		}
		if w.account.Count("update") != 0 || domain(w.only()) != "edited.example" {
			t.Errorf("%d updates, live lets in %v", w.account.Count("update"), domain(w.only()))
		}
	})
}

func TestAPlanBeyondItsLimitsIsStoppedUnlessItIsAccepted(t *testing.T) {
	t.Parallel()
	w := withMany(t, 20)
	done := w.run(event.Blocked)
	stop, stopped := errors.AsType[*guard.Stop](done.Err)
	if !stopped || stop.Reason != guard.TooMany || w.account.Count("update") != 0 || done.States[diff.Blocked] != 20 {
		t.Errorf("error %v after %d updates, states %v", done.Err, w.account.Count("update"), done.States)
	}
	w.accept(done)
	w.run(event.Success)
	if n := w.account.Count("update"); n != 20 {
		t.Errorf("%d updates, want 20", n)
	}
}

// withMany returns a world in which so many policies were made, and Git has
// changed all of them since.
func withMany(t *testing.T, policies int) *world {
	t.Helper()
	w := newWorld(t, simulator.Options{}).inMode(diff.Upsert, diff.DriftHeal)
	for _, domain := range []string{"one.example", "two.example"} {
		var text strings.Builder
		for i := range policies {
			text.WriteString("---\n" + manifest(fmt.Sprintf("p%02d", i), domain))
		}
		w.commitText(text.String())
		if domain == "one.example" {
			w.run(event.Success)
		}
	}
	return w
}

// accept has the plan through that a run was stopped for.
func (w *world) accept(done event.RunDone) {
	_, hash, _ := strings.Cut(fmt.Sprint(done.Err), "--accept ")
	w.Rules.Accept = strings.TrimSuffix(hash, "`")
}

// TestAnAcceptedPlanPassesOnce though everything was put back by hand to what
// it was when the plan was accepted.
func TestAnAcceptedPlanPassesOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := withMany(t, 12)
		w.accept(w.run(event.Blocked))
		time.Sleep(time.Minute)
		w.run(event.Success)
		time.Sleep(time.Minute)
		all, err := w.account.Policies()
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range all {
			if err := w.account.Edit(l.ID, body(l.Name, "one.example")); err != nil {
				t.Fatal(err)
			}
		}
		w.runWith(t.Context(), event.Manual, event.Blocked)
		if n := w.account.Count("update"); n != 12 {
			t.Errorf("%d updates, want 12", n)
		}
	})
}

func TestAFightIsGivenUpUntilGitOrAnOperatorMoves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Options{}).inMode(diff.Upsert, diff.DriftHeal)
		w.commitText(manifest("a", "git.example"))
		w.run(event.Success)
		// fight runs after each of so many edits, and returns how many were undone.
		fight := func(rounds int) int {
			before := w.account.Count("update")
			for i := range rounds {
				if err := w.account.Edit(w.only().ID, body("a", fmt.Sprintf("edit%d.example", i))); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Hour)
				w.Run(t.Context(), event.Schedule)
			}
			return w.account.Count("update") - before
		}
		if n := fight(6); n != 3 {
			t.Errorf("%d edits of six were undone, want three", n)
		}
		time.Sleep(time.Hour)
		done := w.run(event.Noop)
		if done.States[diff.Drifted] != 1 {
			t.Errorf("states = %v", done.States)
		}
		w.runWith(t.Context(), event.Manual, event.Success)
		if n := fight(6); n != 3 {
			t.Errorf("%d edits of six were undone after an operator's run, want three", n)
		}
		if err := w.account.Edit(w.only().ID, body("a", "git.example")); err != nil {
			t.Fatal(err)
		}
		w.runWith(t.Context(), event.Manual, event.Noop)
		if n := fight(6); n != 3 {
			t.Errorf("%d edits of six were undone after an operator had put it right, want three", n)
		}
		w.commitText(manifest("a", "moved.example"))
		w.run(event.Success)
		if n := fight(4); n != 3 {
			t.Errorf("%d edits of four were undone after Git had moved, want three", n)
		}
	})
}
