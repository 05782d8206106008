package diff

import "github.com/policysync/policysync/internal/enum"

// Mode says which kinds of change a target's plan may hold; what it may not
// do, a plan only reports.
type Mode string

// The modes, each allowing all that the one before it does.
const (
	CreateOnly Mode = "create-only" // only missing policies are created
	Upsert     Mode = "upsert"      // policies changed in Git are updated too
	Sync       Mode = "sync"        // policies gone from Git are deleted too
)

// Adoption says when a live policy that bears a manifest's name, but isn't
// recorded as ours, becomes ours.
type Adoption string

// The ways to adopt.
const (
	AdoptIdentical Adoption = "identical" // only when its body is what Git says
	AdoptAlways    Adoption = "always"    // whatever its body
	AdoptNever     Adoption = "never"
)

// Drift says what happens to a policy that was changed behind our back.
type Drift string

// The ways to meet drift.
const (
	DriftReport Drift = "report" // show it, write nothing
	DriftHeal   Drift = "heal"   // put back what Git says, where the mode allows updates
)

// UnmarshalText accepts the modes' own names; its error lists them.
func (m *Mode) UnmarshalText(text []byte) error {
	return enum.Parse(m, text, "mode", CreateOnly, Upsert, Sync)
}

// UnmarshalText accepts identical, always and never; its error lists them.
func (a *Adoption) UnmarshalText(text []byte) error {
	return enum.Parse(a, text, "adopt", AdoptIdentical, AdoptAlways, AdoptNever)
}

// UnmarshalText accepts report and heal; its error lists them.
func (d *Drift) UnmarshalText(text []byte) error {
	return enum.Parse(d, text, "drift", DriftReport, DriftHeal)
}
