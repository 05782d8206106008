package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/freeze"
	"github.com/policysync/policysync/internal/guard"
)

// freezer knows which freeze switches are set, and tells sink when they become
// others. The daemon's is its web.Freezer, and an event.Sink of its runs. It may
// be used concurrently.
type freezer struct {
	cfg  func() *config.Config // as it is now
	sink event.Sink
	wake func() // makes the targets do what was held back until now; only for Freeze

	mu   sync.Mutex
	told []guard.Freeze // what sink knows of
}

// InForce returns the switches of the config, the environment and the file, as
// they are now.
func (f *freezer) InForce() []guard.Freeze {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.look()
}

// Emit looks at the switches when a run begins, because one that finds nothing
// to do asks for none.
func (f *freezer) Emit(e event.Event) {
	if _, begins := e.(event.RunStarted); begins {
		f.InForce()
	}
}

// Freeze sets those of the file, as by says, and wakes the targets if that lifts any.
func (f *freezer) Freeze(set []guard.Switch, reason, by string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := f.look()
	if err := freezeFile(f.cfg()).Set(set, reason, by, time.Now()); err != nil {
		return err
	}
	f.sink.Emit(event.Warned{Message: fmt.Sprintf("the API set the freeze switches to %s: %q, by %q", list(set), reason, by)})
	if lifted(before, f.look()) {
		f.wake()
	}
	return nil
}

func (f *freezer) look() []guard.Freeze {
	now := frozen(f.cfg())
	if !slices.Equal(now, f.told) {
		f.sink.Emit(event.Warned{Message: "freeze switches in force now: " + list(now)})
	}
	f.told = now
	return now
}

// frozen returns the freeze switches that are set now, wherever that is.
func frozen(cfg *config.Config) []guard.Freeze {
	var all []guard.Freeze
	for _, s := range cfg.Freeze {
		all = append(all, guard.Freeze{Switch: s, Where: "the config file"})
	}
	for _, s := range cfg.FreezeEnv {
		all = append(all, guard.Freeze{Switch: s, Where: "POLICYSYNC_FREEZE"})
	}
	return append(all, freezeFile(cfg).InForce()...)
}

// freezeFile is where operators set switches while the daemon runs.
func freezeFile(cfg *config.Config) freeze.File {
	return freeze.File(filepath.Join(filepath.Dir(cfg.State.Path()), "freeze"))
}

// lifted reports whether something that was held back before may pass now.
func lifted(before, now []guard.Freeze) bool {
	set := func(s guard.Switch) bool {
		return slices.ContainsFunc(now, func(f guard.Freeze) bool { return f.Switch == s })
	}
	return !set(guard.FreezeAll) && slices.ContainsFunc(before, func(f guard.Freeze) bool { return !set(f.Switch) })
}

// list names switches for people.
func list[T any](set []T) string {
	if len(set) == 0 {
		return "none"
	}
	names := make([]string, len(set))
	for i, s := range set {
		names[i] = fmt.Sprint(s)
	}
	return strings.Join(names, ", ")
}
