package yamltree_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/yamltree"
)

// outline returns every value of the file's documents on a line, and every
// finding.
func outline(content string) []string {
	file := yamltree.New("f", []byte(content))
	var out []string
	for root := range file.Documents() {
		out = appendValue(append(out, "---"), "", root)
	}
	for _, d := range file.Findings() {
		out = append(out, d.String())
	}
	return out
}

func appendValue(out []string, label string, v yamltree.Value) []string {
	out = append(out, fmt.Sprintf("%d:%d %s%v", v.Line, v.Col, label, v))
	for _, item := range v.Items {
		out = appendValue(out, "- ", item)
	}
	for _, e := range v.Entries {
		out = appendValue(out, fmt.Sprintf("%s@%d:%d ", e.Key, e.At.Line, e.At.Col), e.Value)
	}
	return out
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, content string
		want          []string
	}{
		{"nothing", "", nil},
		{"comments and markers", "# a\n---\n\n--- # b\n...\n---", nil},
		{"shapes", "[~, true, 1.5, 2027-01-31, yes, \"1\", [], {}]", []string{
			"---", "1:1 a list", "1:2 - nothing (null)", "1:5 - the boolean true", "1:11 - the number 1.5",
			"1:16 - the date 2027-01-31", `1:28 - the text "yes"`, `1:33 - the text "1"`, "1:38 - a list", "1:42 - an object",
		}},
		{"columns count characters", "é: {ü🙂: 1, b: 世}", []string{
			"---", "1:1 an object", "1:4 é@1:1 an object", "1:9 ü🙂@1:5 the number 1", `1:15 b@1:12 the text "世"`,
		}},
		{"columns begin after the byte order mark", "\ufeffa: b\r\nc: d\r\n", []string{
			"---", "1:1 an object", `1:4 a@1:1 the text "b"`, `2:4 c@2:1 the text "d"`,
		}},
		{"an alias stands where it is used, what it holds where it is written", "a: &x [1]\nb: *x\n", []string{
			"---", "1:1 an object", "1:4 a@1:1 a list", "1:8 - the number 1", "2:4 b@2:1 a list", "1:8 - the number 1",
		}},
		{"an alias as a key", "&k a: 1\nb: {*k : 2}\n", []string{
			"---", "1:1 an object", "1:7 a@1:1 the number 1", "2:4 b@2:1 an object", "2:10 a@2:5 the number 2",
		}},
		{"an anchor may be set again", "[&a 1, *a, &a 2, *a]", []string{
			"---", "1:1 a list", "1:2 - the number 1", "1:8 - the number 1", "1:12 - the number 2", "1:18 - the number 2",
		}},
		{"own keys win over merged ones, the first of these over the next", "- &x {a: 1, b: 1}\n- &y {b: 2, c: 2}\n- {<<: [*x, *y], a: 0}\n", []string{
			"---", "1:1 a list",
			"1:3 - an object", "1:10 a@1:7 the number 1", "1:16 b@1:13 the number 1",
			"2:3 - an object", "2:10 b@2:7 the number 2", "2:16 c@2:13 the number 2",
			"3:3 - an object", "3:21 a@3:18 the number 0", "1:16 b@1:13 the number 1", "2:16 c@2:13 the number 2",
		}},
		{"in quotes it is no merge key", "{\"<<\": a}", []string{"---", "1:1 an object", `1:8 <<@1:2 the text "a"`}},
		{"a marker needs a blank after it", "---a: b\n--- c\n", []string{"---", "1:1 an object", `1:7 ---a@1:1 the text "b"`, "---", `2:5 the text "c"`}},
		{"comments before the first marker are its document's", "# a\n%YAML 1.1\n\n---\nb", []string{"---", `5:1 the text "b"`}},
		{"a mistake spoils its own document", "a: [\n---\nb: \"c\n---\nd: e\n--- *x\n", []string{
			"---", "5:1 an object", `5:4 d@5:1 the text "e"`,
			"f:1:5: want a value or a closing bracket here", "f:3:4: the quote here is not closed",
			`f:6:5: no anchor "x" above in this document`,
		}},
		{"a tab", "a:\n\tb: c\n", []string{"f:2:1: a tab can't indent YAML: use blanks"}},
		{"what is wrong within an anchor is reported once", "[&a {b: 1, b: 2}, *a, *a]", []string{
			"---", "1:1 a list", "1:2 - an object", "1:9 b@1:6 the number 1", "1:19 - an object", "1:9 b@1:6 the number 1",
			"1:23 - an object", "1:9 b@1:6 the number 1", `f:1:12: key "b" is already on line 1: remove one`,
		}},
		{"an unknown problem is told in YAML's words", "a: !<b c\n", []string{"f:1:7: YAML syntax: did not find the expected '>'"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, outline(c.content)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTextThatYAMLOrEditorsReadDifferentlyIsRefused(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		"a: b\nc: \xff\n":          "f:2:4: byte 0xff is not UTF-8: save the file as UTF-8",
		"é: \xc3":                  "f:1:4: byte 0xc3 is not UTF-8: save the file as UTF-8",
		"a: \xed\xa0\x80":          "f:1:4: byte 0xed is not UTF-8: save the file as UTF-8",
		"\xff\xfea\x00":            "f:1:1: the file is UTF-16: save it as UTF-8",
		"\xfe\xff\x00a":            "f:1:1: the file is UTF-16: save it as UTF-8",
		"a\x00":                    "f:1:2: character U+0000 is not allowed here: remove it",
		"a: \x1b[31mred\x1b[0m":    "f:1:4: character U+001B is not allowed here: remove it",
		"a: b\u0085c: d":           "f:1:5: character U+0085 is not allowed here: remove it",
		"a: b\u2028c: d":           "f:1:5: character U+2028 is not allowed here: remove it",
		"\ufeff\ufeffa: b":         "f:1:1: character U+FEFF is not allowed here: remove it",
		"a: b\rc: d":               "f:1:5: carriage return without a line feed: end lines with LF or CRLF",
		"a: b\r":                   "f:1:5: carriage return without a line feed: end lines with LF or CRLF",
		"a: b\r\n\r\n\"\u007f\"\r": "f:3:2: character U+007F is not allowed here: remove it",
	} {
		if diff := cmp.Diff([]string{want}, outline(content)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", content, diff)
		}
	}
}

func TestObjectsOfManyKeysAreCheckedAsThoseOfFew(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 100 {
		fmt.Fprintf(&b, "k%d: %d\n", i, i)
	}
	b.WriteString("k3: again\nk99: again\n")
	file := yamltree.New("f", []byte(b.String()))
	for root := range file.Documents() {
		if v, found := root.Get("k42"); !found || v.Text != "42" || len(root.Entries) != 100 {
			t.Errorf("%d entries, k42 is %v", len(root.Entries), v)
		}
	}
	var got []string
	for _, d := range file.Findings() {
		got = append(got, d.String())
	}
	want := []string{`f:101:1: key "k3" is already on line 4: remove one`, `f:102:1: key "k99" is already on line 100: remove one`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFindingsShowTheirLineUnlessItIsLong(t *testing.T) {
	t.Parallel()
	long := "b: " + strings.Repeat("x", 500)
	file := yamltree.New("f", []byte("a: b\r\n"+long+"\n"))
	for number, want := range map[int]string{0: "", 1: "a: b", 2: "", 3: "", 4: ""} {
		if got := file.Diagnostic(yamltree.Position{Line: number, Col: 1}, "m").Source; got != want {
			t.Errorf("line %d: got source %q, want %q", number, got, want)
		}
	}
}

func TestNoMoreIsReadOnceThereAreTooManyFindings(t *testing.T) {
	t.Parallel()
	file := yamltree.New("f", []byte(strings.Repeat("--- [{a: 1, a: 2}]\n", 2*yamltree.MaxFindings)))
	documents := 0
	for range file.Documents() {
		documents++
	}
	if documents != yamltree.MaxFindings || !file.Full() {
		t.Errorf("read %d documents, full: %v", documents, file.Full())
	}
	found := file.Findings()
	last := found[len(found)-1].String()
	if len(found) != yamltree.MaxFindings+1 || last != "f:2000:19: too many errors: what follows is not looked at" {
		t.Errorf("%d findings, the last %q", len(found), last)
	}
}

func TestReadingStopsWhenTheCallerHasEnough(t *testing.T) {
	t.Parallel()
	file := yamltree.New("f", []byte("a\n---\nb: [\n"))
	for root := range file.Documents() {
		if root.Text != "a" {
			t.Errorf("got %v", root)
		}
		break
	}
	if found := file.Findings(); len(found) > 0 {
		t.Errorf("read on: %v", found)
	}
}

func TestLongTextIsShortenedInMessages(t *testing.T) {
	t.Parallel()
	if got, want := yamltree.Quote(strings.Repeat("é", 100)), `"`+strings.Repeat("é", 60)+`…"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := yamltree.Quote("a\nb"); got != `"a\nb"` {
		t.Errorf("got %s", got)
	}
}

func TestNestingIsLimited(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	if out := outline(deep(yamltree.MaxDepth)); strings.Contains(strings.Join(out, "\n"), "nested") {
		t.Errorf("at the limit: %q", out)
	}
	out := outline(deep(yamltree.MaxDepth + 1))
	if want := "f:1:33: nested more than 32 deep"; !slices.Contains(out, want) {
		t.Errorf("got %q, want %q", out, want)
	}
	chain := "- &a0 " + deep(20) + "\n- &a1 [[[[[[[[*a0]]]]]]]]\n- [[[*a1]]]\n- [[[[*a1]]]]\n"
	if out := outline(chain); !slices.Contains(out, "f:1:26: nested more than 32 deep") {
		t.Errorf("through aliases: %q", out)
	}
}
