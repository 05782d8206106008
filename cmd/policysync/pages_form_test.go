package main

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var aSection = regexp.MustCompile(`(?m)^## (.+)$`)

// TestDecisionsAreOfOneForm, are numbered without a gap, and are listed.
func TestDecisionsAreOfOneForm(t *testing.T) {
	t.Parallel()
	list, number := text(t, "docs/decisions/README.md"), 0
	for _, page := range pages(t) {
		if path.Dir(page) != "docs/decisions" || path.Base(page) == "README.md" {
			continue
		}
		number++
		title, _, _ := strings.Cut(text(t, page), "\n")
		head, name, _ := strings.Cut(title, ": ")
		if want := fmt.Sprintf("# %04d", number); head != want || !strings.HasPrefix(path.Base(page), want[2:]+"-") {
			t.Errorf("%s begins with %q, want %s: and the same number in the file's name", page, title, want)
		}
		if !strings.Contains(list, fmt.Sprintf("- %04d: [%s](%s)\n", number, name, path.Base(page))) {
			t.Errorf("docs/decisions/README.md doesn't list %s as %q", page, name)
		}
		var sections []string
		for _, found := range aSection.FindAllStringSubmatch(text(t, page), -1) {
			sections = append(sections, found[1])
		}
		if want := []string{"Context", "Decision", "Consequences"}; !slices.Equal(sections, want) {
			t.Errorf("%s has the sections %q, want %q", page, sections, want)
		}
	}
	if number < 10 {
		t.Errorf("found %d decisions", number)
	}
}

// TestChangelogKeepsItsForm, which is that of Keep a Changelog 1.1.0.
func TestChangelogKeepsItsForm(t *testing.T) {
	t.Parallel()
	changelog := text(t, "CHANGELOG.md")
	releases := aSection.FindAllStringSubmatch(changelog, -1)
	if len(releases) == 0 || releases[0][1] != "[Unreleased]" {
		t.Fatal("the first section is not [Unreleased]")
	}
	for _, release := range releases {
		name, dated := release[1], regexp.MustCompile(`^(\[\d+\.\d+\.\d+[^\]]*\]) - \d{4}-\d{2}-\d{2}$`).FindStringSubmatch(release[1])
		if dated != nil {
			name = dated[1]
		} else if name != "[Unreleased]" {
			t.Errorf("the section %q is not [VERSION] - YYYY-MM-DD", name)
		}
		if !strings.Contains(changelog, "\n"+name+": https://") {
			t.Errorf("nothing says where %s leads: add a line %s: https://… at the end", name, name)
		}
	}
	for _, release := range strings.Split(changelog, "\n## ")[1:] {
		kinds, last := []string{"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}, -1
		for _, part := range strings.Split(release, "\n### ")[1:] {
			kind, entries, _ := strings.Cut(part, "\n")
			if i := slices.Index(kinds, kind); i <= last {
				t.Errorf("the kind of changes %q is not one of %q, in this order and each once", kind, kinds)
			} else {
				last = i
			}
			if !strings.HasPrefix(entries, "\n- ") {
				t.Errorf("%s doesn't begin with an entry", kind)
			}
		}
	}
}

// TestArchitectureNamesEveryPackage that isn't there for another's tests alone.
func TestArchitectureNamesEveryPackage(t *testing.T) {
	t.Parallel()
	page := text(t, "docs/architecture.md")
	for _, file := range files(t, ".go") {
		folder := path.Dir(file)
		short := strings.TrimPrefix(folder, "internal/")
		if folder != short && !strings.Contains(page, "`"+folder+"`") && !strings.Contains(page, "`"+short+"`") {
			t.Errorf("docs/architecture.md says nothing of %s", folder)
		}
	}
}
