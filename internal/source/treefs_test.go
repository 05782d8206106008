package source_test

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/source"
)

func TestFilesOfACommitAreAProperFS(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{
		"a.yaml": "1", "empty.yaml": "", "sub/b.yaml": "22", "sub/deeper/c.yaml": "333",
		// Git sorts a folder as if its name ended in a slash: a-b, a.b, a/.
		"a-b": "x", "a/x": "y", "a.b": "z",
	})
	s := fetch(t, newGit(t, r.options()))
	if err := fstest.TestFS(s.FS, "a.yaml", "empty.yaml", "sub/b.yaml", "sub/deeper/c.yaml", "a-b", "a/x", "a.b"); err != nil {
		t.Error(err)
	}
}

// listed is what a consumer learns of an entry before it opens anything.
type listed struct {
	Mode fs.FileMode
	Size int64
}

func list(t *testing.T, fsys fs.FS, dir string) map[string]listed {
	t.Helper()
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]listed{}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Type() != e.Type() || info.Name() != e.Name() {
			t.Errorf("%s: entry and info differ: %v, %v", e.Name(), e, info)
		}
		got[e.Name()] = listed{info.Mode(), info.Size()}
	}
	return got
}

const someCommit = "0123456789012345678901234567890123456789"

func TestEveryKindOfEntryIsListedAndOnlyFilesAndFoldersOpen(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{
		"plain.yaml": "12345", "link.yaml@": "plain.yaml", "out@": "../../etc/passwd", "loop@": ".", "module#": someCommit,
		"sub/x": "y", "caf\xe9.yaml": "latin", "r\xe9p/inside.yaml": "1",
	})
	s := fetch(t, newGit(t, r.options()))
	want := map[string]listed{
		"plain.yaml":   {0o444, 5},
		"link.yaml":    {fs.ModeSymlink | 0o777, 10},
		"out":          {fs.ModeSymlink | 0o777, 16},
		"loop":         {fs.ModeSymlink | 0o777, 1},
		"module":       {fs.ModeIrregular, 0},
		"sub":          {fs.ModeDir | 0o555, 0},
		"caf\xe9.yaml": {0o444, 5},
		"r\xe9p":       {fs.ModeDir | 0o555, 0},
	}
	if diff := cmp.Diff(want, list(t, s.FS, ".")); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	for name, text := range map[string]string{
		"link.yaml": "is a symbolic link, which is not followed", "out": "is a symbolic link, which is not followed",
		"loop": "is a symbolic link, which is not followed", "loop/plain.yaml": fs.ErrNotExist.Error(),
		"module": "is a submodule, which is not followed", "module/x": fs.ErrNotExist.Error(), "none": fs.ErrNotExist.Error(),
		"caf\xe9.yaml": fs.ErrInvalid.Error(), "r\xe9p/inside.yaml": fs.ErrInvalid.Error(),
		"../x": fs.ErrInvalid.Error(), "/plain.yaml": fs.ErrInvalid.Error(), "": fs.ErrInvalid.Error(),
	} {
		_, openErr := s.FS.Open(name)
		_, readErr := fs.ReadFile(s.FS, name)
		wantPathError(t, openErr, name, text)
		wantPathError(t, readErr, name, text)
	}
	_, err := fs.ReadFile(s.FS, "sub")
	wantPathError(t, err, "sub", "is a folder")
	_, err = fs.ReadDir(s.FS, "plain.yaml")
	wantPathError(t, err, "plain.yaml", "is not a folder")
	if info, err := fs.Stat(s.FS, "link.yaml"); err != nil || info.Mode().Type() != fs.ModeSymlink {
		t.Errorf("Stat of a link: %v, %v", info, err)
	}
}

func wantPathError(t *testing.T, err error, name, text string) {
	t.Helper()
	var got *fs.PathError
	if !errors.As(err, &got) || got.Path != name || got.Err.Error() != text {
		t.Errorf("%s: error %v, want %s", name, err, text)
	}
}

func TestSizeIsKnownWithoutReadingTheFile(t *testing.T) {
	t.Parallel()
	big, delta := strings.Repeat("0123456789", 1<<20), scramble(1<<15)
	r := newRepository(t, files{"big.yaml": big, "a.yaml": delta, "b.yaml": delta + "x"})
	o := r.options()
	s := fetch(t, newGit(t, o))
	if got := contents(t, s.FS); got["big.yaml"] != big || got["a.yaml"] != delta || got["b.yaml"] != delta+"x" {
		t.Error("a large file, or two of which one is a delta of the other, were not read as they are")
	}
	remove(t, inCache(t, o, anyPack))
	f, err := s.FS.Open("big.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if info, err := f.Stat(); err != nil || info.Size() != 10<<20 {
		t.Errorf("Stat of the open file: %v, %v", info, err)
	}
	if n, err := io.Copy(io.Discard, f); err == nil {
		t.Errorf("read %d bytes of a file that is gone from the cache", n)
	}
	want := map[string]listed{"big.yaml": {0o444, 10 << 20}, "a.yaml": {0o444, 1 << 15}, "b.yaml": {0o444, 1<<15 + 1}}
	if diff := cmp.Diff(want, list(t, s.FS, ".")); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

func TestFileInfoTellsTheHashAndTheTimeOfTheCommit(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{"sub/a.yaml": "1", "module#": someCommit})
	s := fetch(t, newGit(t, r.options()))
	for name, want := range map[string]string{
		".": r.git("rev-parse", "main^{tree}"), "sub": r.git("rev-parse", "main:sub"),
		"sub/a.yaml": r.git("rev-parse", "main:sub/a.yaml"), "module": someCommit,
	} {
		info, err := fs.Stat(s.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		hash := info.(interface{ ContentHash() string }).ContentHash()
		if info.Name() != path.Base(name) || hash != unhex(t, want) || !info.ModTime().Equal(time.Unix(1793613600, 0)) {
			t.Errorf("%s: %s with hash %x, want %s", name, info, hash, want)
		}
	}
}

func TestExecutableAndOddModesAreFiles(t *testing.T) {
	t.Parallel()
	r := newRepository(t, nil)
	blob := r.run("content", "--git-dir="+r.dir, "hash-object", "-w", "--stdin")
	commitTree(r, literalTree(r, "100755 run", blob, "100664 old", blob, "100600 odd", blob))
	s := fetch(t, newGit(t, r.options()))
	want := map[string]listed{"run": {0o555, 7}, "old": {0o444, 7}, "odd": {0o444, 7}}
	if diff := cmp.Diff(want, list(t, s.FS, ".")); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	wantFiles(t, s, files{"run": "content", "old": "content", "odd": "content"})
}

// literalTree writes a tree that git itself would refuse to make. Its
// arguments are pairs of "mode name" and hash.
func literalTree(r *repository, pairs ...string) string {
	r.t.Helper()
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		b.WriteString(pairs[i] + "\x00" + unhex(r.t, pairs[i+1]))
	}
	return r.run(b.String(), "--git-dir="+r.dir, "hash-object", "-t", "tree", "--literally", "-w", "--stdin")
}

func commitTree(r *repository, tree string) {
	r.t.Helper()
	r.git("update-ref", "refs/heads/main", r.git("commit-tree", tree, "-m", "made by hand"))
}

func TestHostileTreeIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		build func(r *repository, blob string) string
		want  string
	}{
		"two entries of one name": {func(r *repository, blob string) string {
			return literalTree(r, "100644 a.yaml", blob, "120000 a.yaml", blob)
		}, ` has two entries named "a.yaml": run git fsck on the repository`},
		"parent folder": {func(r *repository, blob string) string {
			return literalTree(r, "100644 ..", blob)
		}, `: the commit has an entry named "..", which Git forbids: run git fsck on the repository`},
		"slash": {func(r *repository, blob string) string {
			return literalTree(r, "100644 ../../x", blob)
		}, `: the commit has an entry named "../../x", which Git forbids: run git fsck on the repository`},
		"a few bytes that spell out millions of files": {func(r *repository, _ string) string {
			var pairs []string
			for i := range 1000 {
				pairs = append(pairs, "160000 m"+string(rune('0'+i/100))+string(rune('0'+i/10%10))+string(rune('0'+i%10)), someCommit)
			}
			tree := literalTree(r, pairs...)
			for range 2 {
				for i := 1; i < len(pairs); i += 2 {
					pairs[i-1], pairs[i] = strings.Replace(pairs[i-1], "160000", "40000", 1), tree
				}
				tree = literalTree(r, pairs...)
			}
			return tree
		}, ": there are more than 200000 files and folders: set path to the folder with the policies"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRepository(t, nil)
			blob := r.run("x", "--git-dir="+r.dir, "hash-object", "-w", "--stdin")
			commitTree(r, c.build(r, blob))
			err := fetchError(t, newGit(t, r.options()))
			if !strings.HasSuffix(err.Error(), c.want) || errors.Is(err, source.ErrNotFound) {
				t.Errorf("error %q does not end in %q", err, c.want)
			}
		})
	}
}

func TestFolderInTheGuiseOfAFileIsNotRead(t *testing.T) {
	t.Parallel()
	r := newRepository(t, files{"sub/a.yaml": "1"})
	tree := r.git("rev-parse", "main:sub")
	commitTree(r, literalTree(r, "100644 a.yaml", tree))
	s := fetch(t, newGit(t, r.options()))
	_, err := fs.ReadFile(s.FS, "a.yaml")
	wantPathError(t, err, "a.yaml", "object "+tree+" is a tree and not a file: run git fsck on the repository")
}

func TestFilesMayBeReadByManyAtOnce(t *testing.T) {
	t.Parallel()
	want := files{"a.yaml": scramble(100_000), "b/c.yaml": scramble(200_000), "d.yaml": "small"}
	s := fetch(t, newGit(t, newRepository(t, want).options()))
	for range 4 {
		t.Run("reader", func(t *testing.T) {
			t.Parallel()
			wantFiles(t, s, want)
		})
	}
}

func TestAuthorAndSubjectAreAlwaysText(t *testing.T) {
	t.Parallel()
	r := newRepository(t, nil)
	r.commit("main", "\n\ncaf\xe9 au lait\nmore", files{})
	s := fetch(t, newGit(t, r.options()))
	if s.Subject != "caf\ufffd au lait" {
		t.Errorf("subject %q", s.Subject)
	}
}
