// Package example holds the manifests of an imaginary team, for the demo and
// for reading.
package example

import "embed"

// Files are the manifests, in the folders in which a repository would keep
// them.
//
//go:embed *.yaml people machines
var Files embed.FS
