package page

import "github.com/policysync/policysync/internal/state"

// maxNotes is how many notes of a target can be looked through.
const maxNotes = 1000

// note is a state.Note in words.
type note struct {
	Mood string // as of a standing
	Word string
	Text string
}

func newNote(n state.Note) note {
	shown := note{Mood: "none", Text: n.Text}
	switch n.What {
	case state.WasSuspended:
		shown.Mood, shown.Word = "warn", "suspended"
	case state.WasResumed:
		shown.Mood, shown.Word = "ok", "resumed"
	case state.HasExpired:
		shown.Mood, shown.Word, shown.Text = "ok", "resumed", "the suspension's time was over"
	case state.WasAsked:
		shown.Word = "told to run"
	case state.WasStarted:
		shown.Word = "policysync started"
	case state.WasAdded:
		shown.Word, shown.Text = "config", "the target is new in it"
	case state.WasChanged:
		shown.Word, shown.Text = "config", "the target's settings have changed in it"
	case state.ConfigRefused:
		shown.Mood, shown.Word = "bad", "config refused"
	default:
		shown.Word = string(n.What)
	}
	if n.By != "" {
		shown.Word += " by " + n.By
	}
	return shown
}
