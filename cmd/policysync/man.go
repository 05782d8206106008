//go:build release

package main

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// forRelease returns the command that releases are made with. It isn't part of
// them: what makes man pages would be carried along by every daemon.
func forRelease(a *app) []*cobra.Command {
	return []*cobra.Command{{
		Use:    "man FOLDER",
		Short:  "Write the man pages, dated SOURCE_DATE_EPOCH, into a folder",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE:   func(c *cobra.Command, args []string) error { return a.man(c.Root(), args[0]) },
	}}
}

func (a *app) man(root *cobra.Command, folder string) error {
	epoch, _ := a.env("SOURCE_DATE_EPOCH")
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return fmt.Errorf("SOURCE_DATE_EPOCH: %w: set it to the time of the commit", err)
	}
	date := time.Unix(seconds, 0).UTC()
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // everybody may read man pages
		return err
	}
	root.DisableAutoGenTag = true
	return doc.GenManTree(root, &doc.GenManHeader{Section: "1", Date: &date, Source: "policysync", Manual: "policysync"}, folder)
}
