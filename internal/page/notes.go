package page

import (
	"slices"

	"github.com/policysync/policysync/internal/event"
)

// maxNotes is how many notes of a target are kept.
const maxNotes = 200

// happen keeps a note.
func (s *seen) happen(n note) {
	s.notes = append(s.notes[max(0, len(s.notes)-maxNotes+1):len(s.notes):len(s.notes)], n)
}

func suspended(e event.Suspended) note {
	n := note{At: e.Since, Mood: "warn", Word: "suspended", Text: e.Reason}
	if e.By != "" {
		n.Word = "suspended by " + e.By
	}
	return n
}

func resumed(e event.Resumed) note {
	n := note{At: e.At, Mood: "ok", Word: "resumed"}
	if e.Expired {
		n.Text = "the suspension's time was over"
	}
	if e.By != "" {
		n.Word = "resumed by " + e.By
	}
	return n
}

func asked(e event.Asked) note {
	n := note{At: e.At, Mood: "none", Word: "told to run"}
	if e.By != "" {
		n.Word = "told to run by " + e.By
	}
	return n
}

// configure takes note of a config.
func (w *Watch) configure(e event.Configured) {
	for _, target := range e.Removed {
		delete(w.targets, target)
	}
	if e.Err != nil {
		for _, s := range w.targets {
			s.happen(note{At: e.At, Mood: "bad", Word: "config refused", Text: e.Err.Error()})
		}
		return
	}
	for _, target := range e.Targets {
		switch {
		case !w.started:
			w.of(target).happen(note{At: e.At, Mood: "none", Word: "policysync started"})
		case slices.Contains(e.Added, target):
			w.of(target).happen(note{At: e.At, Mood: "none", Word: "config", Text: "the target is new in it"})
		case slices.Contains(e.Changed, target):
			w.of(target).happen(note{At: e.At, Mood: "none", Word: "config", Text: "the target's settings have changed in it"})
		}
	}
	w.started = true
}
