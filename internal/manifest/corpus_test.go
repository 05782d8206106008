package manifest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/policysync/policysync/internal/diagnostic"
	"github.com/policysync/policysync/internal/manifest"
	"github.com/policysync/policysync/internal/policy"
)

var update = flag.Bool("update", false, "write what is, as what is wanted, to testdata")

// wantFile is the part of a corpus file that says what Decode makes of the
// other parts.
const wantFile = "want"

// varsFile is the part, if there is one, that holds the target's variables.
const varsFile = "vars.json"

// corpus is one file of testdata: a title, manifests and what is wanted.
type corpus struct {
	path    string
	archive *txtar.Archive
}

func corpora(t testing.TB, folder string) []corpus {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", folder, "*.txtar"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no corpus in %s: %v", folder, err)
	}
	all := make([]corpus, len(paths))
	for i, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all[i] = corpus{path, archive}
	}
	return all
}

func (c corpus) name() string { return strings.TrimSuffix(filepath.Base(c.path), ".txtar") }

func (c corpus) manifests() fstest.MapFS {
	files := fstest.MapFS{}
	for _, f := range c.archive.Files {
		if f.Name != wantFile && f.Name != varsFile {
			files[f.Name] = &fstest.MapFile{Data: f.Data}
		}
	}
	return files
}

// decode decodes the manifests, or files that stand for them, with the
// corpus file's variables.
func (c corpus) decode(t testing.TB, files fstest.MapFS) (manifest.Set, error) {
	t.Helper()
	var decoder manifest.Decoder
	for _, f := range c.archive.Files {
		if f.Name == varsFile {
			d := json.NewDecoder(bytes.NewReader(f.Data))
			d.UseNumber()
			if err := d.Decode(&decoder.Vars); err != nil {
				t.Fatal(err)
			}
		}
	}
	return decoder.Decode(files)
}

// expect compares got with the corpus file's last part, or writes it there.
func (c corpus) expect(t *testing.T, got string) {
	t.Helper()
	last := len(c.archive.Files) - 1
	if *update {
		if c.archive.Files[last].Name == wantFile {
			c.archive.Files = c.archive.Files[:last]
		}
		c.archive.Files = append(c.archive.Files, txtar.File{Name: wantFile, Data: []byte(got)})
		if err := os.WriteFile(c.path, txtar.Format(c.archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if c.archive.Files[last].Name != wantFile {
		t.Fatalf("no part %q: run the test with -update and check what it writes", wantFile)
	}
	if diff := cmp.Diff(string(c.archive.Files[last].Data), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", c.path, diff)
	}
}

// lines returns each finding of an error of Decode on a line.
func lines(t *testing.T, err error) string {
	t.Helper()
	list, ok := errors.AsType[diagnostic.List](err)
	if !ok {
		t.Fatalf("got error %v, want a diagnostic.List", err)
	}
	var b strings.Builder
	for _, d := range list {
		b.WriteString(d.String() + "\n")
	}
	return b.String()
}

func TestEveryBadManifestGivesExactlyItsErrors(t *testing.T) {
	t.Parallel()
	for _, c := range corpora(t, "bad") {
		t.Run(c.name(), func(t *testing.T) {
			t.Parallel()
			set, err := c.decode(t, c.manifests())
			if err == nil {
				t.Fatal("no error")
			}
			if len(set.Policies) > 0 {
				t.Errorf("got %d policies beside an error", len(set.Policies))
			}
			c.expect(t, lines(t, err))
		})
	}
}

// several are the files of which more than one thing is said, and why: all
// others hold one mistake each, of which one thing is said.
var several = map[string]string{
	"all-errors":             "all mistakes of all files are told at once",
	"clash-broken-file":      "the name of a policy with a mistake is taken all the same",
	"document-kind-misspelt": "what has a misspelt kind is looked at all the same",
	"list-wrong-value":       "what a list stands for is many rules, and a mistake in all of them is told once",
	"root-empty-object":      "each field that lacks is told of",
	"set-in-policy":          "the list has the wrong name, and so the one that must be there lacks",
	"var-two":                "each variable of a text is told of, and once",
}

func TestBadManifestsHoldOneMistakeEach(t *testing.T) {
	t.Parallel()
	single := 0
	for _, c := range corpora(t, "bad") {
		want := c.archive.Files[len(c.archive.Files)-1]
		reason, many := several[c.name()]
		switch n := bytes.Count(want.Data, []byte("\n")); {
		case n == 1 && many:
			t.Errorf("%s is no exception: %s", c.path, reason)
		case n > 1 && !many:
			t.Errorf("%s holds %d mistakes: split it", c.path, n)
		case n == 1:
			single++
		}
	}
	if single < 150 {
		t.Errorf("there are %d", single)
	}
}

func TestGoodManifestsDecodeToWhatTheySay(t *testing.T) {
	t.Parallel()
	for _, c := range corpora(t, "good") {
		t.Run(c.name(), func(t *testing.T) {
			t.Parallel()
			set, err := c.decode(t, c.manifests())
			if err == nil {
				set, err = set.Resolve(directory())
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.MarshalIndent(readable(set), "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			c.expect(t, string(got)+"\n")
		})
	}
}

// directory is what an account has that the good manifests name.
func directory() map[policy.Reference][]policy.Thing {
	things := map[policy.Reference][]policy.Thing{}
	for refers, names := range map[policy.Reference][]string{
		policy.ToGroup: {"Contractors", "Staff"}, policy.ToEmailList: {"Allowed", "Approvers"}, policy.ToIPList: {"Offices"},
		policy.ToProvider: {"Entra", "GitHub", "Google", "Okta"}, policy.ToPosture: {"Disk encryption"},
		policy.ToServiceToken: {"CI"}, policy.ToApp: {"Wiki"},
	} {
		for _, name := range names {
			things[refers] = append(things[refers], policy.Thing{ID: fmt.Sprintf("the %s %s", refers, name), Name: name})
		}
	}
	return things
}

// readable returns policies in a form whose JSON shows everything.
func readable(set manifest.Set) []any {
	var all []any
	for _, d := range set.Policies {
		all = append(all, struct {
			At, Key    string
			Previously []string
			Protect    bool
			Expires    time.Time
			Body       policy.Policy
		}{fmt.Sprintf("%s:%d", d.File, d.Line), d.Key, d.Previously, d.Protect, d.Expires, d.Policy})
	}
	return all
}

// windows returns files as an editor on Windows saves them.
func windows(files fstest.MapFS) fstest.MapFS {
	saved := fstest.MapFS{}
	for name, file := range files {
		text := "\ufeff" + strings.ReplaceAll(string(file.Data), "\n", "\r\n")
		saved[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return saved
}

func TestByteOrderMarkAndCRLFChangeNothing(t *testing.T) {
	t.Parallel()
	for _, c := range corpora(t, "good") {
		want, wantErr := c.decode(t, c.manifests())
		got, err := c.decode(t, windows(c.manifests()))
		if wantErr != nil || err != nil {
			t.Fatalf("%s: %v, %v", c.path, wantErr, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-LF +CRLF):\n%s", c.path, diff)
		}
	}
	for _, c := range corpora(t, "bad") {
		_, want := c.decode(t, c.manifests())
		_, err := c.decode(t, windows(c.manifests()))
		if diff := cmp.Diff(want, err); diff != "" {
			t.Errorf("%s (-LF +CRLF):\n%s", c.path, diff)
		}
	}
}

func TestCorpusHasEveryKindAndField(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for _, c := range corpora(t, "good") {
		for _, f := range c.manifests() {
			text.Write(f.Data)
		}
	}
	for _, k := range policy.Kinds() {
		if !strings.Contains(text.String(), "- "+k.Name+":") {
			t.Errorf("no good manifest has a rule of kind %s: add one to testdata/good, and run with -update", k.Name)
		}
		missing(t, text.String(), k.Fields)
	}
	missing(t, text.String(), policy.Fields())
}

func missing(t *testing.T, text string, fields []policy.Field) {
	t.Helper()
	for _, f := range fields {
		if !strings.Contains(text, f.Name+":") {
			t.Errorf("no good manifest has the field %s", f.Name)
		}
		missing(t, text, f.Fields)
	}
}
