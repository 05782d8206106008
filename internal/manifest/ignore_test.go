package manifest_test

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/manifest"
)

func TestCommentsThatSilenceLintsAreKept(t *testing.T) {
	t.Parallel()
	set, err := manifest.Decode(fstest.MapFS{
		"a.yaml": {Data: []byte(`# policysync:ignore A for all
name: "A # policysync:ignore B no comment"
decision: allow # policysync:ignore C,D  why
include: [everyone: {}]
# policysync:ignore`)},
		"b.yaml": {Data: []byte("name: B\ndecision: allow # policysync: ignore E no\ninclude: [everyone: {}]\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []manifest.Ignore{
		{Place: manifest.Place{File: "a.yaml", Line: 1, Col: 1}, Text: "A for all", About: 2},
		{Place: manifest.Place{File: "a.yaml", Line: 3, Col: 17}, Text: "C,D  why", About: 3},
		{Place: manifest.Place{File: "a.yaml", Line: 5, Col: 1}},
	}
	if d := cmp.Diff(want, set.Ignores); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
