package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newVersion(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Say which version this is",
		Args:  cobra.NoArgs,
		Run:   func(*cobra.Command, []string) { a.say("%s\n", versionLine()) },
	}
}

// versionLine says in a line which version this is.
func versionLine() string {
	b := buildInfo()
	return fmt.Sprintf("policysync %s (revision %s, %s, %s/%s)", b.version, b.revision, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// build says from what the program was built.
type build struct{ version, revision string }

// buildInfo returns what the Go toolchain noted in the program.
func buildInfo() build {
	b := build{"(devel)", "unknown"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.version = cmp.Or(info.Main.Version, b.version)
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			b.revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			b.revision += "+dirty"
		}
	}
	return b
}

func version() string { return buildInfo().version }
