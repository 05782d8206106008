package manifest_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/policysync/policysync/internal/diagnostic"
	"github.com/policysync/policysync/internal/manifest"
)

// laughs is the classic bomb: levels of lists of ten aliases of the level
// below, in a place that any value may stand.
func laughs(levels int) string {
	var b strings.Builder
	b.WriteString(small + "policysync: {allow_unknown_rules: true}\nexclude:\n  - bomb:\n      - &l0 [lol]\n")
	for i := 1; i <= levels; i++ {
		fmt.Fprintf(&b, "      - &l%d [%s]\n", i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*l%d, ", i-1), 10), ", "))
	}
	return b.String()
}

// mergeBomb is objects of many entries, merged into each other again and again.
func mergeBomb() string {
	var b strings.Builder
	b.WriteString(small + "policysync: {allow_unknown_rules: true}\nexclude:\n  - bomb:\n      - &m {")
	for i := range 20_000 {
		fmt.Fprintf(&b, "k%d: 1, ", i)
	}
	b.WriteString("}\n")
	for range 20_000 {
		b.WriteString("      - {<<: *m}\n")
	}
	return b.String()
}

// flat returns a file of nearly the largest size.
func flat(prefix, unit, suffix string) string {
	return prefix + strings.Repeat(unit, (manifest.MaxFileSize-len(prefix)-len(suffix))/len(unit)) + suffix
}

// The inputs are as large as a file may be, which takes some seconds with -race.
//
//nolint:paralleltest // it measures what the whole process allocates
func TestHostileFileGetsAnErrorNotTheMemory(t *testing.T) {
	for _, c := range []struct{ name, content, want string }{
		{"aliases", laughs(9), "the document has more than 200000 values after its aliases are expanded"},
		{"merges", mergeBomb(), "the document has more than 200000 values after its aliases are expanded"},
		{"brackets", flat("", "[", ""), "nested too deep"},
		{"braces", flat("", "{a: ", ""), "nested too deep"},
		{"dashes", flat("", "- ", ""), "nested too deep"},
		{"values", flat("[", "a,", "]"), "the document has more than 200000 values after its aliases are expanded"},
		{"keys", flat("", "a: b\n", ""), "too many errors: what follows is not looked at"},
		{"documents", flat("", "---\na\n", ""), "too many errors: what follows is not looked at"},
		{"quotes", flat("", "\"", ""), "want \"---\" before a further document"},
		{"comments", flat("", "#\n", "name: 1"), "name: want text"},
		{"name", flat("name: \"", "a\\n", "b\""), "has line breaks"},
		{"unknown fields", flat("", strings.Repeat("x", 60)+": 1\n", ""), "is already on line 1"},
		{"unknown kinds", "include:\n" + strings.Repeat("- emai: 1\n", 50_000), "too many errors: what follows is not looked at"},
		{"long key", flat("", "k", ": 1"), "no key can stand here"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			_, err := manifest.Decode(fstest.MapFS{"f.yaml": {Data: []byte(c.content)}})
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			if list, ok := errors.AsType[diagnostic.List](err); !ok || !strings.Contains(list.Error(), c.want) {
				t.Errorf("got error %.500v, want %q", err, c.want)
			} else if n := len(list.Error()); n > 1<<20 {
				t.Errorf("the error has %d bytes", n)
			}
			if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 400<<20 {
				t.Errorf("allocated %d MiB in all", allocated>>20)
			}
			if took > time.Minute {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestAliasesBelowTheLimitAreExpanded(t *testing.T) {
	t.Parallel()
	set, err := manifest.Decode(fstest.MapFS{"f.yaml": {Data: []byte(laughs(3))}})
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(fmt.Sprint(set.Policies[0].Exclude), "lol"); n != 1111 {
		t.Errorf("got %d leaves, want 1111", n)
	}
}
