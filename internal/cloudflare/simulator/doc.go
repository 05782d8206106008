// Package simulator is a Cloudflare account in memory: the part of the API
// that holds Access reusable policies, with its quirks, and with every way of
// failing on demand. Tests and the demo use it in place of the real one.
//
//	request ─► latency ─► count (1200 in 5 min) ─► fault? ─► credentials ─► route
//	                                                 │                       │
//	answer  ◄─ latency ◄──────────── spoil ◄─────────┴───────────────────────┘
//
// What it answers follows Cloudflare's OpenAPI schema, and where that is
// silent what users of the API have reported: a bare IP address comes back as
// a block of one, false and empty lists are left out, a policy in use can't be
// deleted, names needn't be unique. What no source settles is a Quirk.
//
// It reads no clock but package time's, and starts no goroutine of its own, so
// that it can be used in a bubble of testing/synctest; there its Transport
// stands in for the network.
package simulator
