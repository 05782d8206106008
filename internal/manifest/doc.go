// Package manifest turns a folder of YAML into the policies that Git declares.
//
//	folder → files → documents (package yamltree) → their variables put in
//	       → policies and rule sets → one Set, the rules of rule sets put in, or every error
//
// What a manifest may hold is said by the tables of package policy; this
// package walks a document along them. It never guesses: what it doesn't
// understand is an error with its path, line and column, and then there is no
// Set at all, so that a mistake in one file can't take another file's policy
// for deleted.
package manifest
