package storetest

import (
	"cmp"
	"maps"
	"slices"

	"pgregory.net/rapid"

	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/state"
)

// model is what a store must be equal to: maps by key, and a list.
type model struct {
	records map[string]policy.Recorded
	intents map[string]state.Intent
	runs    map[string]state.Run
	changes []state.Change
}

func newModel() *model {
	return &model{map[string]policy.Recorded{}, map[string]state.Intent{}, map[string]state.Run{}, nil}
}

// take carries a step out, or returns the errors of which one must come.
func (m *model) take(s step) (refused []error) {
	key := s.change.Key
	_, open := m.intents[key]
	_, started := m.runs[s.run.ID]
	if !started && s.do != "start" && s.do != "refresh" {
		refused = append(refused, state.ErrNoRun)
	}
	if started && s.do == "drop" && m.needs(s.run.ID) {
		refused = append(refused, state.ErrNoRun)
	}
	if open && s.do == "intend" {
		refused = append(refused, state.ErrIntentOpen)
	}
	if !open && (s.do == "abandon" || s.do == "doubt") {
		refused = append(refused, state.ErrNoIntent)
	}
	if refused != nil {
		return refused
	}
	switch s.do {
	case "start":
		m.runs[s.run.ID] = s.run
	case "finish":
		m.runs[s.run.ID] = s.run // the steps' runs differ only in what finishing stores
	case "drop":
		delete(m.runs, s.run.ID)
	case "intend":
		m.intents[key] = s.intent
	case "settle":
		m.put(s.record)
	case "forget":
		delete(m.records, key)
	case "refresh":
		m.put(s.record)
		return nil
	}
	m.append(s)
	return nil
}

func (m *model) put(r policy.Recorded) {
	maps.DeleteFunc(m.records, func(_ string, other policy.Recorded) bool { return other.ID == r.ID })
	m.records[r.Key] = r
}

// needs reports whether something is of that run.
func (m *model) needs(run string) bool {
	for _, i := range m.intents {
		if i.Run == run {
			return true
		}
	}
	return len(changesOf(run, m.changes)) > 0
}

// append stores the change of a step that has one, which closes the intent
// unless it is in doubt.
func (m *model) append(s step) {
	switch s.do {
	case "settle", "forget", "abandon":
		delete(m.intents, s.change.Key)
		m.changes = append(m.changes, s.change)
	case "doubt":
		intent := m.intents[s.change.Key]
		intent.Answered = s.answered
		m.intents[s.change.Key] = intent
		m.changes = append(m.changes, s.change)
	}
}

// compare fails the test unless the store holds for the target what the model
// holds.
func (m *model) compare(t *rapid.T, store state.Reader, target string) {
	records, err := store.Records(t.Context(), target)
	agree(t, "records", sorted(m.records), records, err)
	listed, err := store.Listing(t.Context(), target)
	agree(t, "listing", listing(sorted(m.records)), listed, err)
	for _, key := range slices.Sorted(maps.Keys(m.records)) {
		found, err := store.Record(t.Context(), target, key)
		agree(t, "record", m.records[key], found, err)
	}
	intents, err := store.Intents(t.Context(), target)
	agree(t, "intents", sorted(m.intents), intents, err)
	runs, err := store.Runs(t.Context(), state.RunQuery{Target: target})
	newest := sorted(m.runs)
	slices.Reverse(newest)
	agree(t, "runs", newest, runs, err)
	var changes []state.Change
	for _, id := range slices.Sorted(maps.Keys(m.runs)) {
		found, err := store.Changes(t.Context(), id)
		agree(t, "changes", changesOf(id, m.changes), found, err)
		changes = append(changes, found...)
		run, err := store.Run(t.Context(), id)
		agree(t, "run", m.runs[id], run, err)
	}
	if len(changes) != len(m.changes) {
		t.Fatalf("%d changes, want %d", len(changes), len(m.changes))
	}
}

func agree[T any](t *rapid.T, what string, want, got T, err error) {
	if err != nil {
		t.Fatal(err)
	}
	if diff := difference(want, got); diff != "" {
		t.Fatalf("%s (-want +got)\n%s", what, diff)
	}
}

func sorted[K cmp.Ordered, V any](m map[K]V) []V {
	var values []V
	for _, key := range slices.Sorted(maps.Keys(m)) {
		values = append(values, m[key])
	}
	return values
}

func changesOf(run string, changes []state.Change) []state.Change {
	var found []state.Change
	for _, c := range changes {
		if c.Run == run {
			found = append(found, c)
		}
	}
	return found
}
