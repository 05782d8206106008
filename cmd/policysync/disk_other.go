//go:build !(linux || darwin || freebsd || dragonfly)

package main

import "errors"

// freeBytes can't be told here.
func freeBytes(string) (float64, error) { return 0, errors.ErrUnsupported }
