package yamltree_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/yamltree"
)

func TestCommentsAreToldFromTextThatLooksLikeThem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, content string
		want          []string
	}{
		{"none", "a: b # c\n", nil},
		{"at the end of a line", "a: b # my:word  c d \n", []string{`1:6 "c d" about 1`}},
		{"without blanks, with nothing behind, before CRLF", "é: b\t#my:word\r\n", []string{`1:6 "" about 1`}},
		{"on a line of its own", "\t# my:word c\n\n# d\na: b\n", []string{`1:2 "c" about 4`}},
		{"one after another", "# my:word c\n# my:word d\na: b # my:word e\n", []string{`1:1 "c" about 3`, `2:1 "d" about 3`, `3:6 "e" about 3`}},
		{"at the end of the file", "a: b\n# my:word c", []string{`2:1 "c" about 0`}},
		{"behind another comment", "a: b # c # my:word d\n", []string{`1:10 "d" about 1`}},
		{"another word", "a: b # my:words c\n", nil},
		{"not at the beginning of a comment", "a: b # c my:word\n", nil},
		{"commented out", "a: b\n# c: d # my:word e\n", nil},
		{"no blank before it", "a: b#my:word c\n", nil},
		{"in quotes", "a: 'b # my:word c' # my:word d\nb: \"# my:word e\"\n", nil},
		{"behind quotes with a #", "a: 'b # c' # my:word d\n", []string{`1:12 "d" about 1`}},
		{"in quotes over lines", "a: 'b\n  # my:word c\n  d'\n# my:word e\nb: c\n", []string{`4:1 "e" about 5`}},
		{"in a block text, and after it", "a: |\n  b\n  # my:word c\n# my:word d\nb: >-\n  c # my:word e\n", []string{`4:1 "d" about 5`}},
		{"on the line of a block text's beginning", "a: | # my:word c\n  b\n", []string{`1:6 "c" about 1`}},
		{"after a block text that keeps its end", "a: |+\n  b\n\n# my:word c\nb: c\n", []string{`4:1 "c" about 5`}},
		{"in a key", "\"a # my:word b\": c\n", nil},
		{"in a flow list", "a: [b, # my:word c\n  d]\n", []string{`1:8 "c" about 1`}},
		{"in each document", "a: b # my:word c\n--- # my:word d\na: '# my:word e'\n", []string{`1:6 "c" about 1`, `2:5 "d" about 2`}},
		{"what stands for it while looking", "my:word: my:word_0. # my:word_ c\nb: my:word__ # my:word d\n", []string{`2:14 "d" about 2`}},
		{"a tag's #", "a: &b c # my:word d\nd: *b\n", []string{`1:9 "d" about 1`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, found := range yamltree.New("f", []byte(c.content)).Comments("my:word") {
				got = append(got, fmt.Sprintf("%d:%d %q about %d", found.Line, found.Col, found.Text, found.About))
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}
