//go:build unix

package main

import (
	"os"
	"syscall"
)

// wakeSignals make every target run now.
func wakeSignals() []os.Signal { return []os.Signal{syscall.SIGUSR1} }
