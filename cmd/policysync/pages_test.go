package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

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
