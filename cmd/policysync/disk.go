//go:build linux || darwin || freebsd || dragonfly

package main

import "syscall"

// freeBytes returns what the disk with a folder has left for this user.
func freeBytes(folder string) (float64, error) {
	var s syscall.Statfs_t
	err := syscall.Statfs(folder, &s)
	return float64(s.Bavail) * float64(s.Bsize), err
}
