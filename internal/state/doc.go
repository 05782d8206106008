// Package state says what policysync remembers between runs, and what a store
// must promise so that nothing is made twice or forgotten.
//
//	records   per target and key: the policy we last wrote and what the account answered
//	intents   the journal: requests that were about to leave and whose outcome isn't known
//	runs      one pass for one target
//	changes   what each run did, or tried to do, in order
//	suspensions   per target: that an operator keeps it from running
//
// A write to the account goes: Intend, which is on disk when it returns; then
// the request; then one of Settle or Forget (it took effect), Abandon (it
// certainly had none) or Doubt (nobody knows: the intent stays open and the
// next run looks).
//
// The stores are in the packages below; storetest holds the one suite that
// each must pass.
package state
