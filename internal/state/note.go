package state

import "time"

// Note is something that happened to a target besides runs.
type Note struct {
	Target string
	At     time.Time
	What   Occasion
	By     string // who did it, as visitor.Visitor has it; "": nobody, or that isn't known
	Text   string // for people: the reason, or the error
}

// Occasion is what a note is of.
type Occasion string

// The occasions.
const (
	WasSuspended  Occasion = "suspended"
	WasResumed    Occasion = "resumed"
	HasExpired    Occasion = "expired" // a suspension, whose time was over
	WasAsked      Occasion = "asked"   // to run now
	WasStarted    Occasion = "started" // policysync was
	WasAdded      Occasion = "added"   // to the config
	WasChanged    Occasion = "changed" // in the config
	ConfigRefused Occasion = "config_refused"
)
