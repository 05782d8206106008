package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/policysync/policysync/internal/diagnostic"
	"github.com/policysync/policysync/internal/lint"
	"github.com/policysync/policysync/internal/manifest"
	"github.com/policysync/policysync/internal/source"
)

func newValidate(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "validate [PATH…]",
		Short: "Check manifests, offline",
		Long: `Check manifests, offline: every file below each PATH (default: this folder).

All mistakes of all files are reported at once, as path:line:col: message. Where
there are none, it warns of what is valid but most likely a mistake, with the
code of the page in docs/lints that says more. To silence such a warning, write
behind the line that it names, or above it:

  # policysync:ignore CODE reason

It exits with 1 where there are mistakes; with --strict, for warnings too.

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
	a.formatFlag(c, textFormat, jsonFormat, sarifFormat)
	c.Flags().BoolVar(&a.flags.strict, "strict", false, "fail for warnings too")
	return c
}

func (a *app) validate(c *cobra.Command, paths []string, targets []vantage) error {
	var found findings
	for _, path := range paths {
		set, list, err := a.check(c.Context(), path, targets)
		if err != nil {
			return err
		}
		if len(set.Unseen) > 0 {
			a.complain("%s alone doesn't show what these rule sets hold: %s\n", path, strings.Join(set.Unseen, ", "))
		}
		if len(set.Unset) > 0 {
			a.complain("Values in %s with these variables are not checked: %s. Name their target with --config FILE and --target NAME, or set them with --var NAME=VALUE\n",
				path, strings.Join(set.Unset, ", "))
		}
		found.List = append(found.List, list...)
		found.policies += len(set.Policies)
		found.files += set.Files
	}
	mistakes := len(found.Of(diagnostic.Error))
	if mistakes == 0 && found.files == 0 {
		return fmt.Errorf("no manifests (*.yaml, *.yml) below %s", strings.Join(paths, ", "))
	}
	if err := a.showFindings(found); err != nil {
		return err
	}
	switch warnings := len(found.List) - mistakes; {
	case mistakes > 0:
		return fmt.Errorf("%s: correct them and validate again", counted(mistakes, "mistake", "mistakes"))
	case warnings > 0 && a.flags.strict:
		return fmt.Errorf("%s, which --strict takes for mistakes: correct what they name, or silence them with a reason", counted(warnings, "warning", "warnings"))
	}
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
// returns what it holds for the last. What is found for some of the targets
// alone names them.
func (a *app) check(ctx context.Context, path string, targets []vantage) (set manifest.Set, all diagnostic.List, err error) {
	dir, files, err := open(ctx, path)
	if err != nil {
		return set, nil, err
	}
	_, alone := files.(only)
	of := map[diagnostic.Diagnostic][]string{}
	for _, t := range targets {
		decoder := manifest.Decoder{Partial: alone, Vars: t.vars, OpenVars: t.open}
		var found diagnostic.List
		if set, found, err = look(&decoder, files); err != nil {
			return set, nil, err
		}
		for _, d := range found {
			of[d] = append(of[d], t.name)
		}
	}
	for d, names := range of {
		if len(names) < len(targets) {
			if d.Code == lint.UnusedIgnore { // another target needs it
				continue
			}
			d.Message += " (target " + strings.Join(names, ", ") + ")"
		}
		d.Path = filepath.Join(dir, d.Path)
		all = append(all, d)
	}
	return set, all, nil
}

// look decodes files and returns what is found in them: the errors, with those
// of comments, or else what the lints find; and what was passed over.
func look(decoder *manifest.Decoder, files fs.FS) (manifest.Set, diagnostic.List, error) {
	set, err := decoder.Decode(files)
	found, mistaken := errors.AsType[diagnostic.List](err)
	switch {
	case err == nil:
		found = lint.Check(set, nil)
		manifest.Excerpts(files, found)
	case mistaken:
		bad := lint.BadIgnores(set)
		manifest.Excerpts(files, bad)
		found = slices.Concat(found, bad)
	default:
		return set, nil, err
	}
	return set, slices.Concat(found, set.Warnings), nil
}

// open returns the folder that path is, or that it is in, and its files, of
// which only the one that path is, if it is one.
func open(ctx context.Context, path string) (dir string, files fs.FS, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", nil, fmt.Errorf("%w: name a manifest, or a folder with some", err)
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
