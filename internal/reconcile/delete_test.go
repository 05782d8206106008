package reconcile_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/guard"
)

// withOrphan returns a world in mode sync where old and kept were made, and
// Git has dropped old since; nobody has looked yet.
func withOrphan(t *testing.T, options simulator.Options) *world {
	t.Helper()
	w := newWorld(t, options).inMode(diff.Sync, diff.DriftReport)
	w.git.declare("old", "kept")
	w.run(event.Success)
	w.git.declare("kept")
	return w
}

// id returns the id of the policy of that name.
func (w *world) id(name string) string {
	w.t.Helper()
	all, err := w.account.Policies()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, p := range all {
		if p.Name == name {
			return p.ID
		}
	}
	w.t.Fatalf("there is no policy %q", name)
	return ""
}

func TestDeletesAtTheSecondLook(t *testing.T) {
	t.Parallel()
	w := withOrphan(t, simulator.Options{})
	if done := w.run(event.Noop); done.States[diff.Orphaned] != 1 || w.account.Count("delete") != 0 {
		t.Errorf("at the first look: %d deletes, states %v", w.account.Count("delete"), done.States)
	}
	w.stop()
	w.start()
	w.inMode(diff.Sync, diff.DriftReport)
	done := w.run(event.Success)
	if d := cmp.Diff([]string{"kept"}, w.names()); d != "" {
		t.Errorf("account differs (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"kept"}, w.recorded()); d != "" {
		t.Errorf("records differ (-want +got):\n%s", d)
	}
	if done.States[diff.Orphaned] != 0 || done.States[diff.InSync] != 1 {
		t.Errorf("states = %v", done.States)
	}
	w.runWith(t.Context(), event.Manual, event.Noop)
}

func TestTheSecondLookFollowsTheNextTick(t *testing.T) {
	t.Parallel()
	w := withOrphan(t, simulator.Options{})
	w.run(event.Noop)
	w.run(event.Success) // though Git is unchanged and the account was listed just now
	if n := w.account.Count("delete"); n != 1 {
		t.Errorf("%d deletes, want 1", n)
	}
}

func TestWhatComesBackBetweenTwoLooksStays(t *testing.T) {
	t.Parallel()
	w := withOrphan(t, simulator.Options{})
	w.run(event.Noop)
	w.git.declare("kept", "old")
	w.run(event.Noop)
	w.git.declare("kept")
	w.run(event.Noop)
	if n := w.account.Count("delete"); n != 0 {
		t.Errorf("%d deletes after one look since it was back", n)
	}
}

func TestOtherModesDeleteNothing(t *testing.T) {
	t.Parallel()
	for _, mode := range []diff.Mode{diff.CreateOnly, diff.Upsert} {
		w := withOrphan(t, simulator.Options{})
		w.Mode = mode
		for range 3 {
			w.runWith(t.Context(), event.Manual, event.Noop)
		}
		if n := w.account.Count("delete"); n != 0 {
			t.Errorf("%s: %d deletes", mode, n)
		}
	}
}

func TestAPolicyThatCameIntoUseIsNotDeleted(t *testing.T) {
	t.Parallel()
	w := withOrphan(t, simulator.Options{})
	w.run(event.Noop)
	planned, err := w.Plan(t.Context())
	if err != nil || planned.Plan.Count(diff.ActionDelete) != 1 {
		t.Fatalf("plan %+v, %v", planned.Plan, err)
	}
	for _, app := range []string{"Wiki", "Payroll"} {
		if err := w.account.Attach(w.id("old"), app); err != nil {
			t.Fatal(err)
		}
	}
	got := w.Executor.Execute(t.Context(), event.Scope{Target: "production", Run: startedRun(t, w)}, planned.Plan, planned.Listed)
	if got.Err == nil || !strings.Contains(got.Err.Error(), `delete "old": used by Wiki, Payroll: take it off them first`) {
		t.Errorf("error %v, want the applications' names", got.Err)
	}
	if n := w.account.Count("delete"); n != 0 {
		t.Errorf("%d deletes", n)
	}
}

func TestWhatIsInUseIsNotDeletedAndItsUsersAreNamed(t *testing.T) {
	t.Parallel()
	w := withOrphan(t, simulator.Options{})
	for _, app := range []string{"Wiki", "Payroll"} {
		if err := w.account.Attach(w.id("old"), app); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		w.runWith(t.Context(), event.Manual, event.Noop)
	}
	const count = "gone from Git; held back by its use by 2 applications"
	for _, want := range []string{count + ": Wiki, Payroll", count} {
		planned, err := w.Plan(t.Context())
		if err != nil || len(planned.Plan.Reported) != 1 || planned.Plan.Reported[0].Reason != want {
			t.Errorf("reported %+v, %v; want %q", planned.Plan.Reported, err, want)
		}
		w.account.Inject(simulator.Fault{Operation: "list_apps", Kind: simulator.Refusal})
	}
	if n := w.account.Count("delete"); n != 0 {
		t.Errorf("%d deletes", n)
	}
	w.git.declare("kept", "old")
	before := w.account.Count("list_apps")
	w.run(event.Noop)
	if n := w.account.Count("list_apps"); n != before {
		t.Error("applications were listed though nothing is to be deleted")
	}
}

func TestAnEditedOrphanIsNotDeletedUnseen(t *testing.T) {
	t.Parallel()
	w := withOrphan(t, simulator.Options{})
	w.run(event.Noop)
	planned, err := w.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.account.Edit(w.id("old"), body("old", "edited.example")); err != nil {
		t.Fatal(err)
	}
	got := w.Executor.Execute(t.Context(), event.Scope{Target: "production", Run: startedRun(t, w)}, planned.Plan, planned.Listed)
	if got.Err == nil || w.account.Count("delete") != 0 {
		t.Errorf("error %v, %d deletes", got.Err, w.account.Count("delete"))
	}
}

func TestAnOrphanThatIsGoneAlreadyIsForgotten(t *testing.T) {
	t.Parallel()
	w := withOrphan(t, simulator.Options{})
	w.run(event.Noop)
	planned, err := w.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.account.Remove(w.id("old"))
	got := w.Executor.Execute(t.Context(), event.Scope{Target: "production", Run: startedRun(t, w)}, planned.Plan, planned.Listed)
	if got.Err != nil {
		t.Error(got.Err)
	}
	if d := cmp.Diff([]string{"kept"}, w.recorded()); d != "" {
		t.Errorf("records differ (-want +got):\n%s", d)
	}
}

func TestALostAnswerToADeleteIsCleared(t *testing.T) {
	t.Parallel()
	for _, kind := range []simulator.Kind{simulator.ServerError, simulator.HTML, simulator.LostReply, simulator.CutJSON, simulator.BrokenBody} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/after=%v", kind, after), func(t *testing.T) {
				t.Parallel()
				w := withOrphan(t, simulator.Options{})
				w.run(event.Noop)
				w.account.Inject(simulator.Fault{Operation: "delete", Kind: kind, After: after})
				w.run(event.Partial)
				w.stop()
				w.start()
				w.inMode(diff.Sync, diff.DriftReport)
				w.run(event.Success)
				if d := cmp.Diff([]string{"kept"}, w.names()); d != "" {
					t.Errorf("account differs (-want +got):\n%s", d)
				}
				if d := cmp.Diff([]string{"kept"}, w.recorded()); d != "" {
					t.Errorf("records differ (-want +got):\n%s", d)
				}
				intents, err := w.store.Intents(t.Context(), "production")
				if err != nil || len(intents) != 0 {
					t.Errorf("still in doubt: %v, %v", intents, err)
				}
			})
		}
	}
}

func TestWhatIsWantedAgainAfterALostDeleteIsMadeAgain(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		w := withOrphan(t, simulator.Options{})
		w.run(event.Noop)
		w.account.Inject(simulator.Fault{Operation: "delete", Kind: simulator.LostReply, After: after})
		w.run(event.Partial)
		w.git.declare("kept", "old")
		if done := w.Run(t.Context(), event.Retry); done.Err != nil {
			t.Error(done.Err)
		}
		if d := cmp.Diff([]string{"kept", "old"}, w.names()); d != "" {
			t.Errorf("account differs (-want +got):\n%s", d)
		}
		w.runWith(t.Context(), event.Manual, event.Noop)
	}
}

func TestAnEmptySourceDeletesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{}).inMode(diff.Sync, diff.DriftReport)
	w.git.declare("a", "b")
	w.run(event.Success)
	w.git.declare()
	w.run(event.Noop)
	done := w.run(event.Blocked)
	stop, stopped := errors.AsType[*guard.Stop](done.Err)
	if !stopped || stop.Reason != guard.EmptySource || w.account.Count("delete") != 0 {
		t.Errorf("error %v after %d deletes", done.Err, w.account.Count("delete"))
	}
	_, hash, _ := strings.Cut(done.Err.Error(), "--accept ")
	w.Rules.Accept = strings.TrimSuffix(hash, "`")
	w.run(event.Success)
	if got := w.names(); len(got) != 0 {
		t.Errorf("accepted, and %v are left", got)
	}
}

func TestUnmanagedPoliciesAreNeverTouched(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{}).inMode(diff.Sync, diff.DriftHeal)
	id, err := w.account.Seed(body("theirs", "example.com"))
	if err != nil {
		t.Fatal(err)
	}
	w.git.declare("a", "b")
	w.run(event.Success)
	w.git.declare("a")
	w.run(event.Noop)
	w.run(event.Success)
	if got := w.id("theirs"); got != id {
		t.Errorf("the policy of others is %s, was %s", got, id)
	}
	for _, r := range w.account.Requests() {
		if strings.HasSuffix(r.Path, id) {
			t.Errorf("%s %s", r.Method, r.Path)
		}
	}
}
