package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/policy/policytest"
)

// fill gives an account that many policies, whose rules are of every kind and
// refer, of each kind of things, to one with a name of its own, to one of two
// that share a name, or to nothing that there is.
func fill(s *station, count int) {
	s.Helper()
	things := map[policy.Reference][]string{}
	for _, kind := range []policy.Reference{policy.ToGroup, policy.ToEmailList, policy.ToIPList, policy.ToServiceToken, policy.ToProvider, policy.ToPosture} {
		for _, name := range []string{"Alone: '\"#", "twice", "twice"} {
			things[kind] = append(things[kind], s.account.Add(kind, name))
		}
	}
	kinds := map[string]bool{}
	for i := range count {
		p := policytest.Policies().Example(i)
		p.Name = fmt.Sprintf("%s %d", p.Name, i)
		for n, r := range slices.Concat(p.Include, p.Exclude, p.Require) {
			kind, _ := policy.KindNamed(r.Kind)
			kinds[r.Kind] = true
			for _, f := range kind.Fields {
				if ids := things[f.Refers]; ids != nil && (i+n)%4 < len(ids) {
					r.Body.(map[string]any)[f.Name] = ids[(i+n)%4]
				}
			}
		}
		_, err := s.account.Seed(p)
		s.must(err)
	}
	if len(kinds) != len(policy.Kinds()) {
		s.Fatalf("there are rules of %d kinds, want all %d", len(kinds), len(policy.Kinds()))
	}
}

// exports exports, fails the test unless that ends so, and returns the files.
func (s *station) exports(folder, want string, flags ...string) map[string]string {
	s.Helper()
	code, out, complaints := s.run(append([]string{"export", "--out", folder}, flags...)...)
	if code != 0 || !strings.Contains(out, want) || strings.Contains(complaints, "Not exported") {
		s.Fatalf("export exits with %d, %s%s\nwant %q", code, out, complaints, want)
	}
	files := map[string]string{}
	entries, err := os.ReadDir(folder)
	s.must(err)
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(folder, e.Name()))
		s.must(err)
		files[e.Name()] = string(content)
	}
	return files
}

// unplanned fails the test unless the plan for what was exported is empty.
func (s *station) unplanned(count int) {
	s.Helper()
	want := fmt.Sprintf("No changes. %d in sync.\n", count)
	if code, out, complaints := s.run("plan", "--detailed-exitcode"); code != 0 || out != want {
		s.Fatalf("plan exits with %d, %.2000s%.2000s\nwant %q", code, out, complaints, want)
	}
}

func same(s *station, what string, want, got map[string]string) {
	s.Helper()
	if d := cmp.Diff(want, got); d != "" {
		s.Fatalf("%s (-want +got):\n%.3000s", what, d)
	}
}

// TestExportedPoliciesPlanToNoChangeAndExportAgainToTheSameBytes takes some
// seconds: a thousand policies are written and read a few times.
func TestExportedPoliciesPlanToNoChangeAndExportAgainToTheSameBytes(t *testing.T) {
	t.Parallel()
	const count = 1000
	s := newStation(t, ", mode: sync")
	fill(s, count)
	first := s.exports(s.policies, "1000 new, 0 altered, 0 as they were")
	s.unplanned(count)
	same(s, "exported again", first, s.exports(s.policies, "0 new, 0 altered, 1000 as they were"))
	same(s, "exported elsewhere", first, s.exports(filepath.Join(t.TempDir(), "other"), "1000 new", "--no-record"))
	text := strings.Join(slices.Collect(maps.Values(first)), "")
	if !strings.Contains(text, `'Alone: ''"#'`) || strings.Contains(text, "{name: twice}") {
		t.Error("ids aren't named, or are by names that several share")
	}

	// Comments stay, whatever becomes of the policies.
	const above, below = "# Above.\n\n", "\n# Below.\n"
	commented := map[string]string{}
	for name, content := range first {
		commented[name] = above + strings.Replace(content, "\ndecision:", " # beside\ndecision:", 1) + below
		s.write(filepath.Join(s.policies, name), commented[name])
	}
	same(s, "exported with comments", commented, s.exports(s.policies, "0 new, 0 altered, 1000 as they were"))
	all, err := s.account.Policies()
	s.must(err)
	for i, p := range all {
		other := policytest.Policies().Example(count + i)
		other.Name = p.Name
		s.must(s.account.Edit(p.ID, other))
	}
	altered := s.exports(s.policies, "0 new, ")
	s.unplanned(count)
	for _, content := range altered {
		if !strings.HasPrefix(content, above) || !strings.HasSuffix(content, below) || strings.Count(content, " # beside\n") != 1 {
			t.Fatalf("comments are gone:\n%s", content)
		}
	}
	if n := s.account.Count("create") + s.account.Count("update") + s.account.Count("delete"); n != 0 {
		t.Errorf("the account was written to %d times", n)
	}
}

// TestExportIsTheSameWhateverTheAccountDoesWithWhatItIsGiven holds for each way
// in which the real account may behave.
func TestExportIsTheSameWhateverTheAccountDoesWithWhatItIsGiven(t *testing.T) {
	t.Parallel()
	for name, quirks := range map[string]simulator.Quirks{
		"defaults":  {DefaultDuration: true, EmptyRules: true},
		"nulls":     {NullDuration: true, FoldCase: true},
		"the order": {NewestFirst: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStationWith(t, simulator.Options{Quirks: quirks}, "")
			fill(s, 60)
			first := s.exports(s.policies, "60 new")
			s.unplanned(60)
			same(s, "exported elsewhere", first, s.exports(filepath.Join(t.TempDir(), "other"), "60 new", "--no-record"))
		})
	}
}

func TestFilesAreWrittenAllOrNone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := map[string][]byte{"a.yaml": []byte("a"), "b/c.yaml": []byte("c")}
	if err := writeFiles(dir, files, event.Sinks{}); err == nil {
		t.Error("a file was written to a folder that isn't there")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 0 {
		t.Errorf("there is %v, %v", entries, err)
	}
	if err := os.Mkdir(filepath.Join(dir, "b"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := writeFiles(dir, files, event.Sinks{}); err != nil {
		t.Error(err)
	}
	if content, err := os.ReadFile(filepath.Join(dir, "b", "c.yaml")); string(content) != "c" {
		t.Errorf("c.yaml holds %q, %v", content, err)
	}
}

func TestAFileThatIsReplacedKeepsItsMode(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"private.yaml": 0o600, "shared.yaml": 0o664} {
		path := filepath.Join(dir, name)
		err := errors.Join(os.WriteFile(path, []byte("before"), 0o600), os.Chmod(path, mode),
			writeFiles(dir, map[string][]byte{name: []byte("after")}, event.Sinks{}))
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}
