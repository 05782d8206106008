package main

import (
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pages returns the paths of all Markdown files of the repository, as seen from
// its top, with slashes.
func pages(t testing.TB) []string {
	t.Helper()
	all := files(t, ".md")
	if len(all) < 50 {
		t.Fatalf("found %d pages", len(all))
	}
	return all
}

// files returns the paths of all files of the repository whose names end so, but
// for test data.
func files(t testing.TB, ending string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "testdata" || entry.Name() == "node_modules"):
			return filepath.SkipDir
		case strings.HasSuffix(file, ending):
			relative, err := filepath.Rel(root, file)
			all = append(all, filepath.ToSlash(relative))
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var fenced = regexp.MustCompile("(?s)\n( *)```(\\w[^\n]*)\n(.*?)\n *```\n")

// blocks returns the fenced blocks of a Markdown file, each with what stands
// behind its fence, the language first, and without the indentation of the list
// that it may stand in.
func blocks(t testing.TB, file string) [][2]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all [][2]string
	for _, found := range fenced.FindAllSubmatch(text, -1) {
		unindented := strings.ReplaceAll("\n"+string(found[3]), "\n"+string(found[1]), "\n")
		all = append(all, [2]string{string(found[2]), unindented[1:]})
	}
	return all
}

// prose is a page without its fenced blocks.
func prose(t testing.TB, page string) string {
	t.Helper()
	var b strings.Builder
	inside := false
	for line := range strings.Lines(text(t, page)) {
		if strings.HasPrefix(strings.TrimLeft(line, " "), "```") {
			inside = !inside
		} else if !inside {
			b.WriteString(line)
		}
	}
	if inside {
		t.Errorf("a fenced block of %s doesn't end", page)
	}
	return b.String()
}

var (
	aSpan    = regexp.MustCompile("`[^`\n]+`")
	aLink    = regexp.MustCompile(`\]\(<?([^)\s>]+)>?\)`)
	aHeading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	anID     = regexp.MustCompile(`<a id="([^"]+)">`)
)

// links returns where the links of a page lead, as it writes them.
func links(t testing.TB, page string) []string {
	t.Helper()
	var all []string
	for _, found := range aLink.FindAllStringSubmatch(aSpan.ReplaceAllString(prose(t, page), "code"), -1) {
		all = append(all, found[1])
	}
	return all
}

// ours is where the repository stands at its host; docs may link to it by that.
const ours = "https://github.com/policysync/policysync/blob/main/"

// TestLinksOfPagesLead to a file that there is and to a heading of it.
func TestLinksOfPagesLead(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, page := range pages(t) {
		for _, link := range links(t, page) {
			to, err := url.Parse(link)
			if err != nil {
				t.Errorf("%s links to %s: %v", page, link, err)
				continue
			}
			target := path.Join(path.Dir(page), to.Path)
			if inside, is := strings.CutPrefix(link, ours); is {
				target, _, _ = strings.Cut(inside, "#")
			} else if to.IsAbs() {
				continue
			}
			if to.Path == "" {
				target = page
			}
			seen++
			leads(t, page, link, target, to.Fragment)
		}
	}
	if seen < 150 {
		t.Errorf("only %d links were tried", seen)
	}
}

func leads(t *testing.T, page, link, target, anchor string) {
	t.Helper()
	info, err := os.Stat(filepath.Join(root, filepath.FromSlash(target)))
	switch {
	case err != nil:
		t.Errorf("%s links to %s: there is no %s", page, link, target)
	case anchor != "" && (info.IsDir() || !slices.Contains(anchors(t, target), anchor)):
		t.Errorf("%s links to %s: %s has no heading of that name", page, link, target)
	}
}

// anchors returns what links to a page may have behind the #, by GitHub's rules.
func anchors(t *testing.T, page string) []string {
	t.Helper()
	text := prose(t, page)
	var all []string
	for _, found := range aHeading.FindAllStringSubmatch(text, -1) {
		title := aLink.ReplaceAllString(found[1], "]")
		kept := strings.Map(func(r rune) rune {
			if r < 0x80 && !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789-_ ", r) {
				return -1
			}
			return r
		}, strings.ToLower(title))
		all = append(all, strings.ReplaceAll(kept, " ", "-"))
	}
	for _, found := range anID.FindAllStringSubmatch(text, -1) {
		all = append(all, found[1])
	}
	return all
}

// TestEveryPageIsOnTheMap, or on a page that is.
func TestEveryPageIsOnTheMap(t *testing.T) {
	t.Parallel()
	reached, next := map[string]bool{}, []string{"docs/README.md"}
	for len(next) > 0 {
		page := next[0]
		next = next[1:]
		if reached[page] || path.Ext(page) != ".md" || !strings.HasPrefix(page, "docs/") {
			continue
		}
		reached[page] = true
		for _, link := range links(t, page) {
			to, _, _ := strings.Cut(link, "#")
			next = append(next, path.Join(path.Dir(page), to))
		}
	}
	for _, page := range pages(t) {
		if strings.HasPrefix(page, "docs/") && !reached[page] {
			t.Errorf("no way leads from docs/README.md to %s: link it there", page)
		}
	}
	if !slices.Contains(slices.Collect(maps.Keys(reached)), "docs/tutorial.md") {
		t.Errorf("the map leads to %d pages", len(reached))
	}
}
