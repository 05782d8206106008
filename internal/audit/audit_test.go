package audit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/policysync/policysync/internal/audit"
	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/state"
	"github.com/policysync/policysync/internal/state/sqlite"
	"github.com/policysync/policysync/internal/state/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A store with an audit file is a store like any other.
func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Opener {
		t.Helper()
		dir := t.TempDir()
		return func() (state.Store, error) {
			store, err := sqlite.Open(context.Background(), filepath.Join(dir, "state.db")) //nolint:usetesting // it is opened again in cleanups
			if err != nil {
				return nil, err
			}
			return audit.New(store, filepath.Join(dir, "audit.jsonl")), nil
		}
	})
}

// trail is a state with an audit file.
type trail struct {
	*testing.T

	dir, file string
	store     state.Store
}

func newTrail(t *testing.T) *trail {
	t.Helper()
	dir := t.TempDir()
	r := &trail{T: t, dir: dir, file: filepath.Join(dir, "audit.jsonl")}
	r.begin()
	t.Cleanup(func() { r.must(r.store.Close()) })
	r.must(r.store.StartRun(t.Context(), state.Run{
		ID: "run-1", Target: "production", Trigger: "webhook", Commit: "c0ffee", Author: "Ann <ann@example.com>", Started: noon,
	}))
	return r
}

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// begin opens the store, as a new process does.
func (r *trail) begin() {
	r.Helper()
	store, err := sqlite.Open(r.Context(), filepath.Join(r.dir, "state.db"))
	r.must(err)
	r.store = audit.New(store, r.file)
}

func (r *trail) restart() {
	r.Helper()
	r.must(r.store.Close())
	r.begin()
}

func (r *trail) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// write has a policy of that name created.
func (r *trail) write(name string) {
	r.Helper()
	r.must(r.intend(name))
	r.must(r.settle(name))
}

func (r *trail) intend(name string) error {
	return r.store.Intend(r.Context(), state.Intent{
		Target: "production", Key: name, Action: "create", Body: body(name), Run: "run-1", At: noon,
	})
}

func (r *trail) settle(name string) error {
	after := body(name)
	return r.store.Settle(r.Context(), policy.Recorded{Key: name, ID: "id-" + name, Sent: after, ReadBack: after}, state.Change{
		Run: "run-1", Target: "production", Action: "create", Key: name, Name: name, ID: "id-" + name,
		Direction: "widens", Result: "success", Ray: "8f0a-AMS", After: &after, At: noon,
	})
}

func body(name string) policy.Policy {
	return policy.Policy{Name: name, Decision: policy.Allow, Include: []policy.Rule{
		{Kind: "email", Body: map[string]any{"email": name + "@example.com"}},
	}}
}

func (r *trail) lines() []string {
	r.Helper()
	text, err := os.ReadFile(r.file)
	r.must(err)
	return strings.SplitAfter(strings.TrimSuffix(string(text), "\n"), "\n")
}

// verify checks files against what the state knows.
func (r *trail) verify(files ...string) (*audit.Verifier, error) {
	r.Helper()
	end, err := r.store.AuditEnd(r.Context())
	r.must(err)
	v := &audit.Verifier{Known: end}
	for _, name := range files {
		text, err := os.ReadFile(name)
		r.must(err)
		if err := v.File(filepath.Base(name), bytes.NewReader(text)); err != nil {
			return v, err
		}
	}
	return v, v.End(filepath.Base(files[len(files)-1]))
}

func TestAWriteIsALineBeforeItLeavesAndOneWithItsOutcome(t *testing.T) {
	t.Parallel()
	r := newTrail(t)
	r.must(r.intend("Eng"))
	before := r.lines()
	r.must(r.settle("Eng"))
	all := r.lines()
	if len(before) != 1 || len(all) != 2 {
		t.Fatalf("%d lines before the request, %d in all", len(before), len(all))
	}
	var outcome map[string]any
	r.must(json.Unmarshal([]byte(all[1]), &outcome))
	for field, want := range map[string]any{
		"seq": 2.0, "time": "2026-11-23T12:00:00Z", "event": "outcome", "target": "production", "run": "run-1", "trigger": "webhook",
		"commit": "c0ffee", "author": "Ann <ann@example.com>", "action": "create", "key": "Eng", "name": "Eng", "id": "id-Eng",
		"direction": "widens", "result": "success", "ray": "8f0a-AMS",
	} {
		if outcome[field] != want {
			t.Errorf("%s is %v, want %v", field, outcome[field], want)
		}
	}
	for _, line := range all {
		if !strings.Contains(line, `"after":{"decision":"allow","include":[{"email":{"email":"Eng@example.com"}}],"name":"Eng"}`) {
			t.Errorf("line doesn't have the body: %s", line)
		}
	}
	if info, err := os.Stat(r.file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode is %v: %v", info.Mode(), err)
	}
}

func TestTamperingIsFound(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		tamper func(lines []string) []string
		want   string
	}{
		"a line is changed": {
			func(l []string) []string { l[2] = strings.Replace(l[2], "Ops", "Oops", 1); return l },
			"audit.jsonl:3: its hash isn't that of its content: it was changed",
		},
		"the last line is changed": {
			func(l []string) []string { l[5] = strings.Replace(l[5], "success", "failed", 1); return l },
			"audit.jsonl:6: its hash isn't",
		},
		"a line is removed":      {func(l []string) []string { return slices.Delete(l, 2, 3) }, "audit.jsonl:3: it is line 4 of the chain and comes after line 2: what was between them is missing"},
		"lines change places":    {func(l []string) []string { l[1], l[2] = l[2], l[1]; return l }, "audit.jsonl:2: it is line 3 of the chain and comes after line 1"},
		"a line is twice":        {func(l []string) []string { return slices.Insert(l, 2, l[1]) }, "audit.jsonl:3: it is line 2 of the chain and comes after line 2: lines are in another order"},
		"lines are cut off":      {func(l []string) []string { return l[:4] }, "audit.jsonl: it ends with line 4 of the chain, and line 6 was written"},
		"all lines are cut off":  {func([]string) []string { return nil }, "audit.jsonl: it ends with line 0"},
		"a part of the last one": {func(l []string) []string { l[5] = l[5][:20]; return l }, "audit.jsonl: it ends with line 5"},
		"a line made garbage":    {func(l []string) []string { l[2] = "garbage\n"; return l }, "audit.jsonl:4: it is line 4 of the chain and comes after line 2"},
		"a line is of another file": {
			func(l []string) []string { l[3] = seals(t, 3+1) + "\n"; return l },
			"audit.jsonl:4: the line before it isn't the one that it was written after",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newTrail(t)
			for _, name := range []string{"Eng", "Ops", "Dev"} {
				r.write(name)
			}
			if _, err := r.verify(r.file); err != nil {
				t.Fatalf("before: %v", err)
			}
			r.must(os.WriteFile(r.file, []byte(strings.Join(tc.tamper(r.lines()), "")), 0o600))
			_, err := r.verify(r.file)
			if broken, ok := errors.AsType[*audit.Break](err); !ok || !strings.HasPrefix(broken.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

// seals returns the line of that number of another chain.
func seals(t *testing.T, n int) string {
	t.Helper()
	other := newTrail(t)
	other.write("Other")
	other.write("Another")
	return other.lines()[n-1]
}

// Whatever the process had written of a line when it was killed, the next one
// goes on, and the chain holds.
func TestALineThatWasCutOffIsGoneOnAfter(t *testing.T) {
	t.Parallel()
	r := newTrail(t)
	r.write("Eng")
	r.must(r.intend("Ops"))
	whole := strings.Join(r.lines(), "")
	for _, cut := range []int{1, 20, 200, 2} {
		r.must(r.store.Close())
		last := r.lines()[len(r.lines())-1]
		r.append(last[:cut])
		r.begin()
		r.must(r.settle("Ops"))
	}
	v, err := r.verify(r.file)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(v.Cut(), " "); got != "audit.jsonl:4 audit.jsonl:6 audit.jsonl:8 audit.jsonl:10" {
		t.Errorf("cut off are %s", got)
	}
	if !strings.HasPrefix(strings.Join(r.lines(), ""), whole) {
		t.Error("what was written is not there any more")
	}
}

func (r *trail) append(text string) {
	r.Helper()
	f, err := os.OpenFile(r.file, os.O_APPEND|os.O_WRONLY, 0o600)
	r.must(err)
	_, err = f.WriteString(text)
	r.must(errors.Join(err, f.Close()))
}

// The process may be killed after a line is on disk and before the state knows.
func TestALineThatTheStateDoesNotKnowYetIsTaken(t *testing.T) {
	t.Parallel()
	r := newTrail(t)
	r.write("Eng")
	end, err := r.store.AuditEnd(t.Context())
	r.must(err)
	r.must(r.intend("Ops"))
	r.must(r.store.SetAuditEnd(t.Context(), end))
	if _, err := r.verify(r.file); err != nil {
		t.Error(err)
	}
	r.restart()
	r.must(r.settle("Ops"))
	if _, err := r.verify(r.file); err != nil {
		t.Error(err)
	}
}

func TestTheChainGoesOnWhenTheFileIsMovedAway(t *testing.T) {
	t.Parallel()
	for name, move := range map[string]func(*trail, string){
		"while it is open": func(r *trail, to string) { r.must(os.Rename(r.file, to)) },
		"while nobody is":  func(r *trail, to string) { r.must(r.store.Close()); r.must(os.Rename(r.file, to)); r.begin() },
		"and made anew":    func(r *trail, to string) { r.must(os.Rename(r.file, to)); r.must(os.WriteFile(r.file, nil, 0o600)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newTrail(t)
			r.write("Eng")
			moved := filepath.Join(r.dir, "audit.jsonl.1")
			move(r, moved)
			r.write("Ops")
			if v, err := r.verify(moved, r.file); err != nil || !strings.HasPrefix(v.String(), "4 lines, from 1 to 4, are as they were written") {
				t.Errorf("both: %s: %v", v, err)
			}
			if v, err := r.verify(r.file); err != nil || !strings.Contains(v.String(), "; line 2, before them, has the hash ") {
				t.Errorf("the new one: %s: %v", v, err)
			}
			if _, err := r.verify(moved); err == nil {
				t.Error("the old one passes as if it were all")
			}
			if _, err := r.verify(r.file, moved); err == nil {
				t.Error("the files pass in the wrong order")
			}
		})
	}
}

func TestNothingIsNotedWhereTheFileCannotBeWritten(t *testing.T) {
	t.Parallel()
	breaks := map[string]func(*trail){
		"its folder is gone": func(r *trail) { r.must(os.Remove(r.file)); r.file = filepath.Join(r.dir, "gone", "audit.jsonl") },
		"it is a folder":     func(r *trail) { r.must(os.Remove(r.file)); r.must(os.Mkdir(r.file, 0o700)) },
		"it was changed": func(r *trail) {
			r.must(os.WriteFile(r.file, []byte(strings.Replace(strings.Join(r.lines(), ""), "Eng", "Ops", 1)), 0o600))
		},
		"lines are gone": func(r *trail) { r.must(os.WriteFile(r.file, []byte(r.lines()[0]), 0o600)) },
		"it is another one": func(r *trail) {
			r.must(os.WriteFile(r.file, []byte(seals(r.T, 1)), 0o600))
		},
	}
	for name, destroy := range breaks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newTrail(t)
			r.write("Eng")
			destroy(r)
			r.restart()
			for what, err := range map[string]error{
				"a run": r.store.StartRun(t.Context(), state.Run{ID: "run-2", Target: "production", Started: noon}), "a request": r.intend("Ops"),
			} {
				if err == nil || !strings.Contains(err.Error(), "audit.jsonl: ") || !strings.HasSuffix(err.Error(), "nothing more is written to the account before it can be written") {
					t.Errorf("%s: %v", what, err)
				}
			}
			intents, err := r.store.Intents(t.Context(), "production")
			if len(intents) != 0 || err != nil {
				t.Errorf("intents are %v: %v", intents, err)
			}
			runs, err := r.store.Runs(t.Context(), state.RunQuery{Target: "production"})
			if len(runs) != 1 || err != nil {
				t.Errorf("runs are %v: %v", runs, err)
			}
		})
	}
}

// What has happened is recorded though the file can't be written any more.
func TestAnOutcomeIsStoredThoughTheFileIsGone(t *testing.T) {
	t.Parallel()
	r := newTrail(t)
	r.must(r.intend("Eng"))
	r.must(os.Remove(r.file))
	r.must(os.Mkdir(r.file, 0o700))
	if err := r.settle("Eng"); err == nil {
		t.Error("nobody is told")
	}
	records, err := r.store.Records(t.Context(), "production")
	if len(records) != 1 || err != nil {
		t.Errorf("records are %v: %v", records, err)
	}
}

func TestANewStateGoesOnAfterTheLastLine(t *testing.T) {
	t.Parallel()
	r := newTrail(t)
	r.write("Eng")
	r.must(r.store.Close())
	for _, part := range []string{"state.db", "state.db-wal", "state.db-shm"} {
		if err := os.Remove(filepath.Join(r.dir, part)); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	r.begin()
	r.must(r.store.StartRun(t.Context(), state.Run{ID: "run-1", Target: "production", Started: noon}))
	r.write("Ops")
	if v, err := r.verify(r.file); err != nil || !strings.HasPrefix(v.String(), "4 lines, from 1 to 4, ") {
		t.Errorf("%s: %v", v, err)
	}
}
