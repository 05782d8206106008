// Command licences tells under which licences the modules are that a program
// is made of, on every system that it is built for:
//
//	licences -in MODULE PACKAGE          a table of modules
//	licences -in MODULE -texts PACKAGE   the licences and notices themselves, to go with a program that is given away
//
// A module without a licence, or with one that isn't allowed, is an error.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/build"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	classifier "github.com/google/licenseclassifier/v2"
	"github.com/google/licenseclassifier/v2/assets"
)

// allowed are the licences that a program under Apache-2.0 may bring along. MPL-2.0 asks only
// that changes to its own files be published, and we make none.
var allowed = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BlueOak-1.0.0", "ISC", "MIT", "MPL-2.0", "Unlicense"}

// read are modules whose licences a person has read, because the classifier doesn't recognise them.
var read = map[string]string{
	"modernc.org/mathutil": "BSD-3-Clause", // speaks of the authors where the text has the copyright holder
}

func main() {
	in := flag.String("in", ".", "the `folder` of the program's module")
	texts := flag.Bool("texts", false, "write the texts")
	flag.Parse()
	if err := run(context.Background(), os.Stdout, *in, flag.Arg(0), *texts); err != nil {
		fmt.Fprintln(os.Stderr, "licences:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, w io.Writer, in, program string, texts bool) error {
	modules, err := modulesOf(ctx, in, program)
	if err != nil {
		return err
	}
	known, err := assets.DefaultClassifier()
	if err != nil {
		return err
	}
	var problems []error
	for i := range modules {
		if err := modules[i].examine(known); err != nil {
			problems = append(problems, err)
		}
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	if texts {
		return writeTexts(w, modules)
	}
	for _, m := range modules {
		if _, err := fmt.Fprintf(w, "| %s | %s | %s |\n", m.Path, m.Version, strings.Join(m.licences, ", ")); err != nil {
			return err
		}
	}
	return nil
}

// module is a module of a program.
type module struct {
	Path, Version, Dir string
	Main               bool
	files              []string // that say what one may do with it
	licences           []string // SPDX identifiers
}

// modulesOf returns the modules that a package needs on any system, by path.
func modulesOf(ctx context.Context, in, program string) ([]module, error) {
	found := map[string]module{}
	for _, system := range []string{"linux", "darwin", "windows"} {
		list := exec.CommandContext(ctx, "go", "list", "-deps", "-json=Module", program)
		list.Env = append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0")
		list.Dir, list.Stderr = in, os.Stderr
		out, err := list.Output()
		if err != nil {
			return nil, fmt.Errorf("go list for %s: %w", system, err)
		}
		for packages := json.NewDecoder(bytes.NewReader(out)); ; {
			var p struct{ Module *module }
			if err := packages.Decode(&p); err == io.EOF {
				break
			} else if err != nil {
				return nil, err
			}
			if p.Module != nil && !p.Module.Main {
				found[p.Module.Path] = *p.Module
			}
		}
	}
	var all []module
	for _, m := range found {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b module) int { return strings.Compare(a.Path, b.Path) })
	return all, nil
}

var legal = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)([.-].*)?$`)

// examine finds a module's licences.
func (m *module) examine(known *classifier.Classifier) error {
	entries, err := os.ReadDir(m.Dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Type().IsRegular() && legal.MatchString(e.Name()) && !strings.HasSuffix(e.Name(), ".go") {
			m.files = append(m.files, filepath.Join(m.Dir, e.Name()))
		}
	}
	for _, file := range m.files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for _, match := range known.Match(text).Matches {
			if match.MatchType == "License" && !slices.Contains(m.licences, match.Name) {
				m.licences = append(m.licences, match.Name)
			}
		}
	}
	if name, ok := read[m.Path]; ok && len(m.licences) == 0 {
		m.licences = []string{name}
	}
	slices.Sort(m.licences)
	if len(m.licences) == 0 {
		return fmt.Errorf("%s %s: no licence is recognised in %q: read it, and replace the module or name it in tools/supply", m.Path, m.Version, m.files)
	}
	for _, l := range m.licences {
		if !slices.Contains(allowed, l) {
			return fmt.Errorf("%s %s is under %s, which isn't allowed: replace the module, or allow the licence in tools/supply", m.Path, m.Version, l)
		}
	}
	return nil
}

func writeTexts(w io.Writer, modules []module) error {
	modules = append([]module{{Path: "Go", Version: runtime.Version(), files: []string{filepath.Join(build.Default.GOROOT, "LICENSE")}}}, modules...)
	for _, m := range modules {
		for _, file := range m.files {
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(w, "%s\n%s %s, %s\n\n%s\n", strings.Repeat("=", 80), m.Path, m.Version, filepath.Base(file), text); err != nil {
				return err
			}
		}
	}
	return nil
}
