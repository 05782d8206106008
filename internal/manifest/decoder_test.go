package manifest_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/policysync/policysync/internal/manifest"
)

// hashedFS is a folder that knows its files' hashes, as a commit does, and
// notes which files are opened.
type hashedFS struct {
	fstest.MapFS
	opened []string
}

func (h *hashedFS) Open(name string) (fs.File, error) {
	h.opened = append(h.opened, name)
	return h.MapFS.Open(name)
}

func (h *hashedFS) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := h.MapFS.ReadDir(name)
	for i, e := range entries {
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		if file := h.MapFS[path.Join(name, e.Name())]; file != nil {
			entries[i] = fs.FileInfoToDirEntry(hashedInfo{info, file.Data})
		}
	}
	return entries, err
}

type hashedInfo struct {
	fs.FileInfo
	content []byte
}

func (h hashedInfo) ContentHash() string { return fmt.Sprintf("%x", sha256.Sum256(h.content)) }

// edits are contents that are right alone or together, or wrong in all ways
// that matter to who remembers files.
var edits = []string{
	"name: A\ndecision: allow\ninclude: [everyone: {}]\n",
	"name: A\ndecision: deny\ninclude: [everyone: {}]\n",
	"name: B\ndecision: allow\ninclude: [email: {email: ann@example.com}]\nsession_duration: 24h\n",
	"name: C\ndecision: allow\ninclude: [everyone: {}]\npolicysync: {key: A}\n",
	"name: D\ndecision: allow\ninclude: [everyone: {}]\npolicysync: {previously: [B, E]}\n---\n# two\nname: E\ndecision: allow\ninclude: [everyone: {}]\n",
	"name: F\ndecision: alow\ninclude: []\n",
	"name: G\ndecision: allow\ninclude: [use: s, everyone: {}]\nrequire: [use: t]\n",
	"kind: RuleSet\nname: s\nrules: [use: t, email: {email: [ann@example.com, bob@example.com]}]\n",
	"kind: RuleSet\nname: s\nrules: [certificate: {}]\n",
	"kind: RuleSet\nname: t\nrules: [group: {name: Staff}]\n---\nkind: RuleSet\nname: u\nrules: [use: v]\n",
	"kind: RuleSet\nname: t\nrules: [use: s]\n",
	"name: [\n",
	"- not a policy\n",
	"",
}

func TestDecoderGivesWhatDecodeGives(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var decoder manifest.Decoder
		var given []manifest.Set
		var printed []string
		folder := fstest.MapFS{}
		for range rapid.IntRange(1, 8).Draw(t, "commits") {
			before := maps.Clone(folder)
			for range rapid.IntRange(0, 3).Draw(t, "edits") {
				edit(t, folder)
			}
			hashed := &hashedFS{MapFS: folder}
			got, err := decoder.Decode(hashed)
			want, wantErr := manifest.Decode(folder)
			if d := cmp.Diff(want, got); d != "" {
				t.Fatalf("set (-fresh +remembered):\n%s", d)
			}
			if d := cmp.Diff(wantErr, err); d != "" {
				t.Fatalf("errors (-fresh +remembered):\n%s", d)
			}
			if changed := changes(before, folder); err == nil && !slices.Equal(hashed.opened, changed) {
				t.Fatalf("%q were read, of which only %q have changed", hashed.opened, changed)
			}
			given, printed = append(given, got), append(printed, fmt.Sprint(got))
		}
		for i := range given {
			if now := fmt.Sprint(given[i]); now != printed[i] {
				t.Fatalf("a set was altered afterwards:\n%s\nwas\n%s", now, printed[i])
			}
		}
	})
}

func edit(t *rapid.T, folder fstest.MapFS) {
	paths := []string{"a.yaml", "b.yaml", "sub/c.yaml", "sub/d.yml"}
	at := rapid.SampledFrom(paths).Draw(t, "path")
	switch to := rapid.SampledFrom(paths).Draw(t, "to"); rapid.SampledFrom([]string{"write", "remove", "move"}).Draw(t, "edit") {
	case "write":
		folder[at] = &fstest.MapFile{Data: []byte(rapid.SampledFrom(edits).Draw(t, "content"))}
	case "move":
		if file := folder[at]; file != nil {
			folder[to] = file
		}
		fallthrough
	default:
		delete(folder, at)
	}
}

// changes returns the files that are new or other than before, sorted.
func changes(before, after fstest.MapFS) []string {
	var changed []string
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if before[name] == nil || !bytes.Equal(before[name].Data, after[name].Data) {
			changed = append(changed, name)
		}
	}
	return changed
}

func TestDecoderReadsWhatHasNoHashEachTime(t *testing.T) {
	t.Parallel()
	var decoder manifest.Decoder
	for _, want := range []string{"A", "B"} {
		set, err := decoder.Decode(fstest.MapFS{"a.yaml": {Data: fmt.Appendf(nil, "name: %s\ndecision: deny\ninclude: [everyone: {}]\n", want)}})
		if err != nil || set.Policies[0].Name != want {
			t.Errorf("got %v, %v, want the policy %s", set.Policies, err, want)
		}
	}
}

func TestDecoderForgetsWhatIsGone(t *testing.T) {
	t.Parallel()
	var decoder manifest.Decoder
	for _, readings := range []int{1, 0, 1} { // there, still there, there again
		folder := &hashedFS{MapFS: fstest.MapFS{"a.yaml": {Data: []byte(small)}}}
		if _, err := decoder.Decode(folder); err != nil || len(folder.opened) != readings {
			t.Errorf("%q were read, want %d files (%v)", folder.opened, readings, err)
		}
		if readings == 0 {
			if set, err := decoder.Decode(&hashedFS{MapFS: fstest.MapFS{}}); err != nil || len(set.Policies) != 0 {
				t.Errorf("an empty folder gave %v, %v", set.Policies, err)
			}
		}
	}
}
