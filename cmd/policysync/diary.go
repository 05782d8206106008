package main

import (
	"context"
	"slices"
	"sync"

	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/state"
)

// diary is an event.Sink that keeps what happens to targets besides runs. It may
// be used concurrently.
type diary struct {
	keep   func([]state.Note) error
	failed func(error)

	mu      sync.Mutex
	targets []string // of the config in force; nil: none was yet
}

// newDiary returns a diary that is kept in the store, however ctx ends.
func newDiary(ctx context.Context, store state.Store, failed func(error)) *diary {
	return &diary{keep: func(notes []state.Note) error { return store.Note(context.WithoutCancel(ctx), notes) }, failed: failed}
}

// Emit keeps what the event tells.
func (d *diary) Emit(e event.Event) {
	var notes []state.Note
	switch e := e.(type) {
	case event.Suspended:
		notes = []state.Note{{Target: e.Target, At: e.Since, What: state.WasSuspended, By: e.By, Text: e.Reason}}
	case event.Resumed:
		what := state.WasResumed
		if e.Expired {
			what = state.HasExpired
		}
		notes = []state.Note{{Target: e.Target, At: e.At, What: what, By: e.By}}
	case event.Asked:
		notes = []state.Note{{Target: e.Target, At: e.At, What: state.WasAsked, By: e.By}}
	case event.Configured:
		notes = d.configured(e)
	}
	if len(notes) == 0 {
		return
	}
	if err := d.keep(notes); err != nil {
		d.failed(err)
	}
}

// configured returns what a config is to its targets.
func (d *diary) configured(e event.Configured) (notes []state.Note) {
	d.mu.Lock()
	defer d.mu.Unlock()
	note := func(target string, what state.Occasion, text string) {
		notes = append(notes, state.Note{Target: target, At: e.At, What: what, Text: text})
	}
	if e.Err != nil {
		for _, target := range d.targets {
			note(target, state.ConfigRefused, e.Err.Error())
		}
		return notes
	}
	for _, target := range e.Targets {
		switch {
		case d.targets == nil:
			note(target, state.WasStarted, "")
		case slices.Contains(e.Added, target):
			note(target, state.WasAdded, "")
		case slices.Contains(e.Changed, target):
			note(target, state.WasChanged, "")
		}
	}
	d.targets = e.Targets
	return notes
}
