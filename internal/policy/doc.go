// Package policy says what a Cloudflare Access reusable policy is: its fields
// and rule kinds, its canonical form, and when two of them mean the same.
//
//	Desired   what Git says            (a Policy, its key, its place in a file)
//	Recorded  what we last applied     (the Policy sent, the Policy read back, the id)
//	Live      what the account has now (a Policy, its id, how many apps use it)
//
// It is pure: values in, values out. Two tables drive it, and with it the
// decoding, checking and comparing done elsewhere: Fields for a policy's own
// fields, Kinds for the rule kinds. Both follow Cloudflare's OpenAPI schema
// (access_policy_req and access_rule). Adding a field or a rule kind is adding
// a row.
package policy
