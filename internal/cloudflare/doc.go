// Package cloudflare talks to the part of Cloudflare's API that holds Access
// reusable policies: list, get, create, update, delete, and verify a token.
//
//	Client ── waits for ──► Budget     never more requests than were agreed on
//	   │
//	   ├─ GET   tried again with backoff
//	   ├─ write sent once; again only after a 429, which certainly had no effect
//	   ▼
//	answer ── complete, well-formed, success:true ──► policy.Live
//	   └───── anything else ──────────────────────► *Error
//
// It is a thin client of its own, because a policy must survive being read:
// what this version doesn't know, fields or rule kinds, comes back as it was
// sent; a write must not be repeated blindly; and an answer that holds less
// than the whole list must not pass for the list.
package cloudflare
