// Package audit writes each request that changes the account, and what became
// of it, to a file of its own, and checks such files.
//
// The file is JSON, a line for each, and only ever appended to. Each line has the
// hash of the one before it and its own, so that none can be changed, removed or
// put elsewhere unseen; the state knows the last one, so that none can be cut off
// the end. A line is on disk before its request leaves. When the file is moved
// away, the next line begins a new one, in which the chain goes on.
package audit
