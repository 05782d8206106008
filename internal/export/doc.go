// Package export turns an account's live policies into manifests, beside those
// that a folder has already:
//
//	live ─► has a manifest that says so     left as it is
//	     ─► has a manifest that says else   its lines that differ are altered
//	     ─► has none                        a new file, named for the policy
//	     ─► can't be declared               told of, with what to do
//
// It is pure: it reads the folder through an fs.FS and says which files are to
// have which content. What it gives was decoded again, and means the same as
// the account has; the folder as a whole is without mistakes.
package export
