package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/cloudflare"
	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/diagnostic"
	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/guard"
	"github.com/policysync/policysync/internal/reconcile"
	"github.com/policysync/policysync/internal/source"
	"github.com/policysync/policysync/internal/state"
)

func TestCreatesWhatIsMissingThenWritesNoMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{})
	w.git.declare("a", "b", "c")
	done := w.run(event.Success)
	if d := cmp.Diff([]string{"a", "b", "c"}, w.names()); d != "" {
		t.Errorf("account differs (-want +got):\n%s", d)
	}
	if done.States[diff.InSync] != 3 || done.States[diff.Missing] != 0 || done.ToLive <= 0 {
		t.Errorf("run = %+v", done)
	}
	if got, want := w.account.Count("list"), 1; got != want {
		t.Errorf("%d lists, want %d", got, want)
	}

	done = w.runWith(t.Context(), event.Manual, event.Noop)
	if w.writes() != 3 || w.account.Count("list") != 2 || done.States[diff.InSync] != 3 || done.ToLive != 0 {
		t.Errorf("second run: %d writes, %d lists, %+v", w.writes(), w.account.Count("list"), done)
	}

	w.stop()
	w.start()
	w.runWith(t.Context(), event.Startup, event.Noop)
	if w.writes() != 3 {
		t.Errorf("a restart led to %d more writes", w.writes()-3)
	}
}

func TestToLiveIsMeasuredFromThePushIfThatIsToldInTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{})
	for name, tc := range map[string]struct {
		commit string // told of; empty: the one that comes
		at     time.Time
		longer time.Duration // at least
	}{
		"told":           {"", time.Now().Add(-time.Hour), time.Hour},
		"another commit": {"other", time.Now().Add(-time.Hour), 0},
		"in the future":  {"", time.Now().Add(time.Hour), 0},
	} {
		w.git.declare(name)
		snapshot, err := w.git.Fetch(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if tc.commit == "" {
			tc.commit = snapshot.Commit
		}
		w.Pushed(tc.commit, tc.at)
		if got := w.run(event.Success).ToLive; got <= tc.longer || got > tc.longer+time.Minute {
			t.Errorf("%s: %s to live, want %s and a moment", name, got, tc.longer)
		}
	}
}

func TestPhasesComeInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{})
	w.git.declare("a")
	w.run(event.Success)
	want := []string{"fetch", "parse", "list", "plan", "guard", "apply", "record"}
	if d := cmp.Diff(want, w.events.phases()); d != "" {
		t.Errorf("phases differ (-want +got):\n%s", d)
	}
	w.git.err = errDown
	w.run(event.Failed)
	if d := cmp.Diff([]string{"fetch!", "record"}, w.events.phases()); d != "" {
		t.Errorf("phases of a failed run differ (-want +got):\n%s", d)
	}
}

func TestAnUnchangedCommitAsksTheAccountNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Options{})
		w.git.declare("a")
		w.run(event.Success)
		for range 9 {
			time.Sleep(time.Minute)
			w.run(event.Noop)
		}
		if n := len(w.account.Requests()); n != 2 {
			t.Errorf("%d requests in nine minutes, want the list and the create at their start", n)
		}
		time.Sleep(time.Minute)
		w.run(event.Noop)
		if n := w.account.Count("list"); n != 2 {
			t.Errorf("%d lists after ten minutes, want 2", n)
		}
		w.runWith(t.Context(), event.Manual, event.Noop)
		if n := w.account.Count("list"); n != 3 {
			t.Errorf("%d lists after one was asked for, want 3", n)
		}
		w.git.declare("a", "b")
		w.run(event.Success)
		if n := w.account.Count("list"); n != 4 {
			t.Errorf("%d lists after a new commit, want 4", n)
		}
	})
}

func TestWhatWasLeftUndoneIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{})
	w.git.declare("bad", "good")
	w.account.Inject(simulator.Fault{Operation: "create", Kind: simulator.Refusal, Match: isNamed("bad")})
	done := w.run(event.Partial)
	if d := cmp.Diff([]string{"good"}, w.names()); d != "" {
		t.Errorf("one refused policy held up others (-want +got):\n%s", d)
	}
	if done.States[diff.Failed] != 1 || done.States[diff.InSync] != 1 {
		t.Errorf("states = %v", done.States)
	}
	if answer, ok := errors.AsType[*cloudflare.Error](done.Err); !ok || answer.Status != http.StatusBadRequest {
		t.Errorf("error = %v", done.Err)
	}
	w.run(event.Success)
	if d := cmp.Diff([]string{"bad", "good"}, w.names()); d != "" {
		t.Errorf("account differs (-want +got):\n%s", d)
	}
}

func TestWhatKeepsFailingIsTriedEverMoreRarely(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Options{})
		w.git.declare("bad", "good")
		w.account.Inject(simulator.Fault{Operation: "create", Kind: simulator.Refusal, Match: isNamed("bad"), Times: -1})
		var tries []time.Duration
		start := time.Now()
		for range 240 {
			before := w.account.Count("create")
			if done := w.Run(t.Context(), event.Schedule); done.Result != event.Partial || done.Err == nil {
				t.Fatalf("at %s a run ended with %s, %v", time.Since(start), done.Result, done.Err)
			}
			if w.account.Count("create") > before {
				tries = append(tries, time.Since(start).Truncate(time.Minute))
			}
			time.Sleep(time.Minute)
		}
		if len(tries) < 7 || len(tries) > 12 || tries[1] != time.Minute {
			t.Errorf("in four hours it was tried at %v, want at once, after a minute, and then ever more rarely", tries)
		}
		if d := cmp.Diff([]string{"good"}, w.names()); d != "" {
			t.Errorf("account differs (-want +got):\n%s", d)
		}

		before := w.account.Count("create")
		w.runWith(t.Context(), event.Manual, event.Partial)
		w.git.commit(fstest.MapFS{"bad.yaml": {Data: []byte(manifest("bad", "another.example"))}})
		w.run(event.Partial)
		if n := w.account.Count("create") - before; n != 2 {
			t.Errorf("%d tries for an operator and a new commit, want 2", n)
		}
	})
}

// isNamed matches requests whose body is a policy of that name.
func isNamed(name string) func(simulator.Request) bool {
	return func(r simulator.Request) bool {
		return strings.Contains(string(r.Body), fmt.Sprintf(`"name":%q`, name))
	}
}

func TestALostAnswerNeverLeavesTwoPoliciesOrAForgottenOne(t *testing.T) {
	t.Parallel()
	for _, kind := range []simulator.Kind{
		simulator.ServerError, simulator.HTML, simulator.SuccessFalse, simulator.LostReply,
		simulator.CutJSON, simulator.BrokenBody, simulator.NullResult,
	} {
		for _, after := range []bool{false, true} {
			for _, restart := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/after=%v/restart=%v", kind, after, restart), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) { loseAnAnswer(t, kind, after, restart) })
				})
			}
		}
	}
}

// loseAnAnswer loses that of one create of two. Unless that took effect, the
// next runs wait whether it still does, where nobody or but a gateway answered.
func loseAnAnswer(t *testing.T, kind simulator.Kind, after, restart bool) {
	t.Helper()
	w := newWorld(t, simulator.Options{Quirks: simulator.Quirks{DefaultDuration: true}})
	w.git.declare("a", "b")
	w.account.Inject(simulator.Fault{Operation: "create", Kind: kind, After: after, Match: isNamed("a")})
	w.run(event.Partial)
	if restart {
		w.stop()
		w.start()
	}
	if len(w.names()) == 1 && (kind == simulator.LostReply || kind == simulator.HTML) {
		w.runWith(t.Context(), event.Manual, event.Partial)
		if n := w.account.Count("create"); n != 2 {
			t.Errorf("%d creates sent, want no third one yet", n)
		}
		time.Sleep(time.Minute)
	}
	w.run(event.Success)
	if d := cmp.Diff([]string{"a", "b"}, w.names()); d != "" {
		t.Errorf("account differs (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"a", "b"}, w.recorded()); d != "" {
		t.Errorf("records differ (-want +got):\n%s", d)
	}
	w.runWith(t.Context(), event.Manual, event.Noop)
}

// TestALateCreateIsNotMadeTwice lets a create take effect after the account
// was looked at, be it that Git has meanwhile given the policy another key or
// dropped it.
func TestALateCreateIsNotMadeTwice(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		meanwhile func(*world)
		state     diff.State // of the policy in the end
	}{
		"as it was":      {func(*world) {}, diff.InSync},
		"dropped by Git": {func(w *world) { w.git.declare() }, diff.Orphaned},
		"another key": {func(w *world) {
			text := manifest("a", "example.com") + "policysync: {key: another}\n"
			w.git.commit(fstest.MapFS{"a.yaml": {Data: []byte(text)}})
		}, diff.InSync},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, simulator.Options{})
				w.git.declare("a")
				w.account.Inject(simulator.Fault{Operation: "create", Kind: simulator.LostReply})
				w.run(event.Partial)
				tc.meanwhile(w)
				time.Sleep(30 * time.Second)
				w.runWith(t.Context(), event.Manual, event.Partial)
				if _, err := w.account.Seed(body("a", "example.com")); err != nil { // it arrives
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				done := w.Run(t.Context(), event.Schedule)
				if done.Result == event.Partial { // it is recorded under its old key first
					done = w.run(event.Noop)
				}
				if got := w.names(); len(got) != 1 || done.States[tc.state] != 1 || done.Err != nil {
					t.Errorf("account has %v, states %v; want one policy, %s", got, done.States, tc.state)
				}
			})
		})
	}
}

// TestACreateThatHadToWaitHasItsTimeToTakeEffect loses the answer of a create
// that left only after a long wait.
func TestACreateThatHadToWaitHasItsTimeToTakeEffect(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Options{})
		w.git.declare("a")
		w.account.Inject(simulator.Fault{Operation: "create", Kind: simulator.TooManyRequests, RetryAfter: 300 * time.Second})
		w.account.Inject(simulator.Fault{Operation: "create", Kind: simulator.LostReply})
		w.run(event.Partial)
		intents, err := w.store.Intents(t.Context(), "production")
		if err != nil || len(intents) != 1 || !intents[0].At.Equal(time.Now()) {
			t.Errorf("in doubt: %+v, %v; want the create that left just now", intents, err)
		}
		w.runWith(t.Context(), event.Manual, event.Partial)
		if n := w.account.Count("create"); n != 2 {
			t.Errorf("%d creates sent, want no third one yet", n)
		}
		time.Sleep(time.Minute)
		w.run(event.Success)
	})
}

func TestWhatALostCreateMadeIsOursThoughGitDropsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{})
	w.git.declare("a")
	w.account.Inject(simulator.Fault{Operation: "create", Kind: simulator.LostReply, After: true})
	w.run(event.Partial)
	w.git.declare()
	done := w.run(event.Success)
	if d := cmp.Diff([]string{"a"}, w.recorded()); d != "" {
		t.Errorf("records differ (-want +got):\n%s", d)
	}
	if done.States[diff.Orphaned] != 1 {
		t.Errorf("states = %v, want one orphaned", done.States)
	}
}

func TestAFailedReadWritesNothing(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		set  func(*world)
		want string // of the error
	}{
		{"git", func(w *world) { w.git.err = errDown }, "fetch: git is down"},
		{"manifest", func(w *world) {
			w.git.commit(fstest.MapFS{
				"good.yaml": {Data: []byte(manifest("good", "example.com"))},
				"bad.yaml":  {Data: []byte("name: bad\ndecision: alow\n")},
			})
		}, "bad.yaml:2:11: "},
		{"short list", func(w *world) {
			w.account.Inject(simulator.Fault{Operation: "list", Kind: simulator.ShortPage, Times: -1})
		}, "list: "},
		{"list that isn't JSON", func(w *world) {
			w.account.Inject(simulator.Fault{Operation: "list", Kind: simulator.HTML, Status: 403, Times: -1})
		}, "list: "},
		{"success: false", func(w *world) {
			w.account.Inject(simulator.Fault{Operation: "list", Kind: simulator.SuccessFalse, Times: -1})
		}, "list: "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // for the pauses between tries
				w := newWorld(t, simulator.Options{})
				if _, err := w.account.Seed(body("theirs", "example.com")); err != nil {
					t.Fatal(err)
				}
				w.git.declare("a")
				tc.set(w)
				done := w.run(event.Failed)
				if done.Err == nil || !strings.Contains(done.Err.Error(), tc.want) {
					t.Errorf("error = %v, want one with %q", done.Err, tc.want)
				}
				if w.writes() != 0 || len(w.recorded()) != 0 {
					t.Errorf("%d writes, records %v", w.writes(), w.recorded())
				}
			})
		})
	}
}

func TestAFailedStateWritesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{})
	w.git.declare("a")
	w.stop()
	w.run(event.Failed)
	if n := len(w.account.Requests()); n != 0 {
		t.Errorf("%d requests though nothing can be recorded", n)
	}
}

func TestMistakesInManifestsAreFoundAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{})
	w.git.commit(fstest.MapFS{"bad.yaml": {Data: []byte("nme: x\n")}})
	for range 2 {
		done := w.run(event.Failed)
		if _, ok := errors.AsType[diagnostic.List](done.Err); !ok {
			t.Errorf("error = %v, want the mistakes", done.Err)
		}
	}
	w.git.declare("good")
	w.run(event.Success)
}

func TestRefusedCredentialsEndTheRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{ReadOnly: true})
	var names []string
	for i := range 100 {
		names = append(names, fmt.Sprintf("p%03d", i))
	}
	w.git.declare(names...)
	done := w.run(event.Failed)
	if n := w.account.Count("create"); n < 1 || n > w.Executor.Concurrency {
		t.Errorf("%d creates were tried with a token that can't write, want at most %d", n, w.Executor.Concurrency)
	}
	if done.Err == nil || !strings.Contains(done.Err.Error(), "Access: Apps and Policies Write") {
		t.Errorf("error = %v, want it to name the permission", done.Err)
	}
}

func TestLivePoliciesOfOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{})
	for _, p := range []string{"same", "unmanaged"} {
		if _, err := w.account.Seed(body(p, "example.com")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.account.Seed(body("other", "other.example")); err != nil {
		t.Fatal(err)
	}
	w.git.declare("same", "other")
	done := w.run(event.Success)
	if w.writes() != 0 {
		t.Errorf("%d writes, want none: there is nothing to create", w.writes())
	}
	if d := cmp.Diff([]string{"same"}, w.recorded()); d != "" {
		t.Errorf("adopted (-want +got):\n%s", d)
	}
	want := map[diff.State]int{diff.InSync: 1, diff.Conflict: 1, diff.Unmanaged: 1}
	for _, s := range diff.States() {
		if done.States[s] != want[s] {
			t.Errorf("%d policies are %s, want %d", done.States[s], s, want[s])
		}
	}
}

func TestForgetsWhatIsGoneFromBoth(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{})
	w.git.declare("a")
	w.run(event.Success)
	all, err := w.account.Policies()
	if err != nil {
		t.Fatal(err)
	}
	w.account.Remove(all[0].ID)
	w.git.declare()
	w.run(event.Success)
	if got := w.recorded(); len(got) != 0 {
		t.Errorf("records = %v, want none", got)
	}
}

func TestFreezeHoldsWritesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{})
	frozen := []guard.Freeze{{Switch: guard.FreezeAll, Where: "a test"}}
	w.Frozen = func() []guard.Freeze { return frozen }
	w.git.declare("a")
	done := w.run(event.Blocked)
	if w.writes() != 0 {
		t.Errorf("%d writes", w.writes())
	}
	if _, ok := errors.AsType[*guard.Stop](done.Err); !ok || done.States[diff.Missing] != 1 {
		t.Errorf("error %v, states %v", done.Err, done.States)
	}
	frozen = nil // lifted while it runs
	w.runWith(t.Context(), event.Manual, event.Success)
}

func TestADeclinedPlanIsNotCarriedOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{})
	w.git.declare("a")
	no := errors.New("no")
	w.Approve = func(p reconcile.Planned) error {
		if p.Plan.Count(diff.ActionCreate) != 1 {
			t.Errorf("asked about %+v", p.Plan)
		}
		return no
	}
	if done := w.run(event.Failed); !errors.Is(done.Err, no) || w.writes() != 0 {
		t.Errorf("error %v after %d writes", done.Err, w.writes())
	}
}

func TestAStopFinishesTheRequestsUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Options{Latency: time.Second})
		w.git.declare("a", "b", "c", "d", "e", "f", "g", "h")
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(1500*time.Millisecond, cancel) // half through the first four creates
		done := w.runWith(ctx, event.Schedule, event.Partial)
		if n := w.account.Count("create"); n != 4 {
			t.Errorf("%d creates, want the four that were under way", n)
		}
		if d := cmp.Diff(w.names(), w.recorded()); d != "" {
			t.Errorf("what was created isn't what is recorded:\n%s", d)
		}
		if done.States[diff.InSync] != 4 || done.States[diff.Missing] != 4 {
			t.Errorf("states = %v", done.States)
		}
		w.run(event.Success)
		if n := w.account.Count("create"); n != 8 {
			t.Errorf("%d creates in all, want 8", n)
		}
	})
}

// stuck is a source that answers no more.
type stuck struct{ reconcile.Source }

func (stuck) Fetch(ctx context.Context) (*source.Snapshot, error) {
	<-ctx.Done()
	return nil, fmt.Errorf("fetch: %w", ctx.Err())
}

func TestAStopBeforeAnythingIsWrittenLeavesNoRunBehind(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		after time.Duration
		set   func(*world)
	}{
		"before it has begun":         {0, func(*world) {}},
		"while Git is asked":          {time.Second, func(w *world) { w.Source = stuck{w.git} }},
		"while the account is listed": {500 * time.Millisecond, func(*world) {}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, simulator.Options{Latency: time.Second})
				w.git.declare("a")
				tc.set(w)
				ctx, cancel := context.WithTimeout(t.Context(), tc.after)
				defer cancel()
				done := w.runWith(ctx, event.Schedule, event.Failed)
				if !done.Cut || !errors.Is(done.Err, context.DeadlineExceeded) {
					t.Errorf("ended with %+v", done)
				}
				if runs, err := w.store.Runs(t.Context(), state.RunQuery{Target: "production"}); err != nil || len(runs) > 0 {
					t.Errorf("history has %v, %v", runs, err)
				}
				for _, e := range w.events.all {
					if fetched, ok := e.(event.SourceFetched); ok && fetched.Result == event.FetchError {
						t.Errorf("told of %v", e)
					}
				}
				w.Source = w.git
				if done := w.run(event.Success); done.Cut || w.account.Count("create") != 1 {
					t.Errorf("then: %+v", done)
				}
			})
		})
	}
}

func TestHistoryTellsOfEachRunAndChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simulator.Options{})
		w.git.declare("a")
		w.account.Inject(simulator.Fault{Operation: "create", Kind: simulator.LostReply})
		w.run(event.Partial)
		time.Sleep(time.Minute)
		w.run(event.Success)
		checkHistory(t, w)
	})
}

// checkHistory sees that the two runs of TestHistoryTellsOfEachRunAndChange
// are recorded.
func checkHistory(t *testing.T, w *world) {
	t.Helper()
	runs, err := w.store.Runs(t.Context(), state.RunQuery{Target: "production", Limit: 10})
	if err != nil || len(runs) != 2 {
		t.Fatalf("runs = %v, %v; want 2", runs, err)
	}
	if runs[0].Result != "success" || runs[1].Result != "partial" || runs[1].Error == "" || runs[0].Finished.IsZero() || runs[0].Commit == "" {
		t.Errorf("runs = %+v", runs)
	}
	for _, r := range runs {
		var phases []string
		for _, p := range r.Phases {
			phases = append(phases, p.Name)
		}
		if d := cmp.Diff([]string{"fetch", "parse", "list", "plan", "guard", "apply"}, phases); d != "" {
			t.Errorf("phases differ (-want +got):\n%s", d)
		}
	}
	if !slices.ContainsFunc(runs[1].Phases, func(p state.Phase) bool { return p.Name == "apply" && p.Failed }) {
		t.Errorf("phases of the run that failed in part: %+v", runs[1].Phases)
	}
	var got []string
	for _, r := range []string{runs[1].ID, runs[0].ID} {
		changes, err := w.store.Changes(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range changes {
			got = append(got, c.Action+" "+c.Result)
		}
	}
	if d := cmp.Diff([]string{"create unknown", "create failed", "create success"}, got); d != "" {
		t.Errorf("changes differ (-want +got):\n%s", d)
	}
}
