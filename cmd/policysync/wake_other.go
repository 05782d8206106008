//go:build !unix

package main

import "os"

// wakeSignals are none here: `policysync sync` does the same.
func wakeSignals() []os.Signal { return nil }
