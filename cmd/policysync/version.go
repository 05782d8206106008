package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

func newVersion(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "version",
		Short: "Say which version this is",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			b := buildInfo()
			if a.flags.format == jsonFormat {
				return json.NewEncoder(a.stdout).Encode(b)
			}
			a.say("%s\n", b)
			return nil
		},
	}
	a.formatFlag(c, textFormat, jsonFormat)
	return c
}

// unknown stands for the revision where the program wasn't built from a
// repository.
const unknown = "unknown"

// build says from what the program was built.
type build struct {
	Version  string `json:"version"`        // of the module; (devel) where the toolchain noted none
	Revision string `json:"revision"`       // the commit, or unknown
	Time     string `json:"time,omitempty"` // of the commit, RFC 3339
	Modified bool   `json:"modified"`       // there was more than the commit has
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// buildInfo returns what the Go toolchain noted in the program.
func buildInfo() build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return buildOf(info)
}

func buildOf(info *debug.BuildInfo) build {
	b := build{
		Version: cmp.Or(info.Main.Version, "(devel)"), Revision: unknown,
		Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

// String says in a line which version this is.
func (b build) String() string {
	facts := []string{"revision " + b.revision(), b.Go, b.Platform}
	if b.Time != "" {
		facts[0] += " of " + b.Time
	}
	return fmt.Sprintf("policysync %s (%s)", b.Version, strings.Join(facts, ", "))
}

// revision is the commit, marked when there was more than it has.
func (b build) revision() string {
	if b.Modified {
		return b.Revision + "+dirty"
	}
	return b.Revision
}

func version() string { return buildInfo().Version }
