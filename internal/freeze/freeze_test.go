package freeze_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/freeze"
	"github.com/policysync/policysync/internal/guard"
)

func TestWhatIsDoubtfulFreezesAll(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text, why string
		want      []guard.Switch
	}{
		"one":           {"deletes\n", "", []guard.Switch{guard.FreezeDeletes}},
		"several":       {"widening,deletes  deletes", "", []guard.Switch{guard.FreezeDeletes, guard.FreezeWidening}},
		"lines":         {"# incident 7\r\n\r\n  widening # not deletes\r\nall", "", []guard.Switch{guard.FreezeAll, guard.FreezeWidening}},
		"empty":         {"", ", which is empty", []guard.Switch{guard.FreezeAll}},
		"comments only": {"# deletes\n", ", which is empty", []guard.Switch{guard.FreezeAll}},
		"too large":     {strings.Repeat("deletes\n", 8193), ", which can't be read: it is larger than 64 KiB", []guard.Switch{guard.FreezeAll}},
		"misspelt":      {"deletes, widning", `, where freeze is "widning": want one of all, deletes, widening`, []guard.Switch{guard.FreezeAll}},
		"not text":      {"\x00\xff", `, where freeze is "\x00\xff": want one of all, deletes, widening`, []guard.Switch{guard.FreezeAll}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "freeze")
			if err := os.WriteFile(file, []byte(tc.text), 0o600); err != nil {
				t.Fatal(err)
			}
			var want []guard.Freeze
			for _, s := range tc.want {
				want = append(want, guard.Freeze{Switch: s, Where: file + tc.why})
			}
			if d := cmp.Diff(want, freeze.File(file).InForce()); d != "" {
				t.Errorf("in force (-want +got):\n%s", d)
			}
		})
	}
}

func TestUnreadableFreezesAllAndMissingNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if got := freeze.File(filepath.Join(dir, "freeze")).InForce(); got != nil {
		t.Errorf("without a file %v is in force", got)
	}
	want := []guard.Freeze{{Switch: guard.FreezeAll, Where: dir + ", which can't be read: is a directory"}}
	if d := cmp.Diff(want, freeze.File(dir).InForce()); d != "" {
		t.Errorf("of a folder (-want +got):\n%s", d)
	}
}

func TestSetReplacesWholeAndNoneRemoves(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := freeze.File(filepath.Join(dir, "freeze"))
	at := time.Date(2026, 11, 23, 18, 0, 0, 0, time.FixedZone("", 3600))
	if err := file.Set([]guard.Switch{guard.FreezeWidening, guard.FreezeDeletes}, "see chat\nall", "ann\ndeletes", at); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(string(file))
	if want := "# by ann deletes through the API at 2026-11-23T17:00:00Z\n# see chat all\nwidening\ndeletes\n"; err != nil || string(text) != want {
		t.Errorf("file is %q, want %q: %v", text, want, err)
	}
	for range 2 {
		if err := file.Set(nil, "", "", at); err != nil {
			t.Errorf("lift: %v", err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v %v", entries, err)
	}
	if err := freeze.File(filepath.Join(dir, "gone", "freeze")).Set(guard.Switches(), "", "", at); err == nil || !strings.HasPrefix(err.Error(), "set freeze switches: ") {
		t.Errorf("in a folder that isn't there: %v", err)
	}
}

func TestSetIsNeverSeenHalfDone(t *testing.T) {
	t.Parallel()
	file := freeze.File(filepath.Join(t.TempDir(), "freeze"))
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 50 {
				if err := file.Set([]guard.Switch{guard.FreezeDeletes, guard.FreezeWidening}, "", "", time.Now()); err != nil {
					t.Error(err)
				}
				if got := file.InForce(); len(got) != 2 {
					t.Errorf("in force: %v", got)
				}
			}
		})
	}
	all.Wait()
}
