package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/policysync/policysync/internal/diagnostic"
	"github.com/policysync/policysync/internal/manifest"
	"github.com/policysync/policysync/internal/source"
)

func newValidate(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "validate [PATH…]",
		Short: "Check manifests, offline",
		Long: `Check manifests, offline: every file below each PATH (default: this folder).

All mistakes of all files are reported at once, as path:line:col: message.`,
		RunE: func(c *cobra.Command, paths []string) error {
			if len(paths) == 0 {
				paths = []string{"."}
			}
			return a.validate(c, paths)
		},
	}
	return c
}

func (a *app) validate(c *cobra.Command, paths []string) error {
	policies, files := 0, 0
	var problems diagnostic.List
	for _, path := range paths {
		set, err := read(c, path)
		if found, ok := errors.AsType[diagnostic.List](err); ok {
			problems = append(problems, found...)
		} else if err != nil {
			return err
		}
		for _, w := range set.Warnings {
			a.complain("Warning: %s\n", w.Excerpt())
		}
		if len(set.Unseen) > 0 {
			a.complain("%s alone doesn't show what these rule sets hold: %s\n", path, strings.Join(set.Unseen, ", "))
		}
		policies += len(set.Policies)
		files += set.Files
	}
	if len(problems) > 0 {
		for _, p := range problems {
			a.say("%s\n", p.Excerpt())
		}
		return fmt.Errorf("%s: correct them and validate again", counted(len(problems), "mistake", "mistakes"))
	}
	if files == 0 {
		return fmt.Errorf("no manifests (*.yaml, *.yml) below %s", strings.Join(paths, ", "))
	}
	a.say("No mistakes in %s of %s.\n", counted(policies, "policy", "policies"), counted(files, "file", "files"))
	return nil
}

// counted writes a number and what it counts.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// read decodes what is below a folder, or one file, and puts the path in
// front of what it says of places.
func read(c *cobra.Command, path string) (manifest.Set, error) {
	dir, files, err := open(c.Context(), path)
	if err != nil {
		return manifest.Set{}, err
	}
	_, alone := files.(only)
	decoder := manifest.Decoder{Partial: alone}
	set, err := decoder.Decode(files)
	for i := range set.Warnings {
		set.Warnings[i].Path = filepath.Join(dir, set.Warnings[i].Path)
	}
	if found, ok := errors.AsType[diagnostic.List](err); ok {
		for i := range found {
			found[i].Path = filepath.Join(dir, found[i].Path)
		}
	}
	return set, err
}

// open returns the folder that path is, or that it is in, and its files, of
// which only the one that path is, if it is one.
func open(ctx context.Context, path string) (dir string, files fs.FS, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", nil, err
	}
	if !info.IsDir() {
		dir = filepath.Dir(path)
		return dir, only{os.DirFS(dir), filepath.Base(path)}, nil
	}
	snapshot, err := source.NewDir(path).Fetch(ctx)
	if err != nil {
		return "", nil, err
	}
	return path, snapshot.FS, nil
}

// only is a folder in which nothing but one file is to be seen.
type only struct {
	fs.FS
	name string
}

// ReadDir lists the one file.
func (o only) ReadDir(dir string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(o.FS, dir)
	for _, e := range entries {
		if dir == "." && e.Name() == o.name {
			return []fs.DirEntry{e}, nil
		}
	}
	return nil, err
}
