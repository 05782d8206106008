// Package webhook receives what Git hosts say when somebody pushes, and wakes
// the targets that follow what was pushed to.
//
//	request ─► headers ─► size ─► signature ─► replay ─► rate ─► payload ─► repository ─► ref ─► Waker
//
// A delivery only ever says "look now". What it says of commits and people is
// remembered for logs and for measuring; what becomes live is what Git says.
// Every host has a route of its own, because headers don't tell hosts apart:
// Gogs sends GitHub's event header, and Forgejo sends those of four hosts.
package webhook
