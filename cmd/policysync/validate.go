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

All mistakes of all files are reported at once, as path:line:col: message.

Values with a variable, such as ${vars.env}, are checked for each target of the
config that --config names, or of the one that is found when --target is given;
or with the variables of --var. Without any of these flags they are not checked.`,
		RunE: func(c *cobra.Command, paths []string) error {
			if len(paths) == 0 {
				paths = []string{"."}
			}
			targets, err := a.vantages(c)
			if err != nil {
				return err
			}
			return a.validate(c, paths, targets)
		},
	}
	a.configFlags(c)
	a.varFlag(c)
	return c
}

func (a *app) validate(c *cobra.Command, paths []string, targets []vantage) error {
	policies, files := 0, 0
	var problems diagnostic.List
	for _, path := range paths {
		set, found, err := a.check(c.Context(), path, targets)
		if err != nil {
			return err
		}
		problems = append(problems, found...)
		for _, w := range set.Warnings {
			a.complain("Warning: %s\n", w.Excerpt())
		}
		if len(set.Unseen) > 0 {
			a.complain("%s alone doesn't show what these rule sets hold: %s\n", path, strings.Join(set.Unseen, ", "))
		}
		if len(set.Unset) > 0 {
			a.complain("Values in %s with these variables are not checked: %s. Name their target with --config FILE and --target NAME, or set them with --var NAME=VALUE\n",
				path, strings.Join(set.Unset, ", "))
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

// check decodes what is below a folder, or one file, for each target and
// returns what it holds for the last. What is wrong for some of the targets
// alone names them.
func (a *app) check(ctx context.Context, path string, targets []vantage) (set manifest.Set, problems diagnostic.List, err error) {
	dir, files, err := open(ctx, path)
	if err != nil {
		return set, nil, err
	}
	_, alone := files.(only)
	of := map[diagnostic.Diagnostic][]string{}
	for _, t := range targets {
		decoder := manifest.Decoder{Partial: alone, Vars: t.vars, OpenVars: t.open}
		set, err = decoder.Decode(files)
		found, isList := errors.AsType[diagnostic.List](err)
		if err != nil && !isList {
			return set, nil, err
		}
		for _, d := range found {
			of[d] = append(of[d], t.name)
		}
	}
	for d, names := range of {
		if len(names) < len(targets) {
			d.Message += " (target " + strings.Join(names, ", ") + ")"
		}
		problems = append(problems, d)
	}
	problems.Sort()
	for _, list := range []diagnostic.List{problems, set.Warnings} {
		for i := range list {
			list[i].Path = filepath.Join(dir, list[i].Path)
		}
	}
	return set, problems, nil
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
