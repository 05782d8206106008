//go:build !release

package main

import "github.com/spf13/cobra"

// forRelease returns no command: man pages are written before a release.
func forRelease(*app) []*cobra.Command { return nil }
