package source_test

import (
	"context"
	"encoding/hex"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/source"
)

// repository is a bare repository that real git made. Commits are written
// with git's plumbing, without a work tree, so that any tree can be built.
type repository struct {
	t   testing.TB
	dir string
}

// newRepository returns a repository with one commit on main when files are
// given, and an empty one otherwise.
func newRepository(t testing.TB, files files) *repository {
	t.Helper()
	r := &repository{t, filepath.Join(t.TempDir(), "access.git")}
	r.run("", "init", "--quiet", "--bare", "--initial-branch=main", r.dir)
	if files != nil {
		r.commit("main", "first", files)
	}
	return r
}

// files maps a path to its content. A path that ends in @ is a symbolic link
// and its content the target; one that ends in # is a submodule and its content
// the commit.
type files map[string]string

// git runs a git command in the repository and returns what it prints.
func (r *repository) git(args ...string) string {
	r.t.Helper()
	return r.run("", append([]string{"--git-dir=" + r.dir}, args...)...)
}

func (r *repository) run(input string, args ...string) string {
	r.t.Helper()
	c := exec.CommandContext(context.Background(), "git", args...)
	c.Stdin = strings.NewReader(input)
	c.Env = append(os.Environ(),
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_AUTHOR_DATE=2026-11-01T10:00:00Z",
		"GIT_COMMITTER_NAME=Bob", "GIT_COMMITTER_EMAIL=bob@example.com", "GIT_COMMITTER_DATE=2026-11-02T10:00:00Z")
	out, err := c.Output()
	if err != nil {
		stderr := ""
		if exit, ok := err.(*exec.ExitError); ok { //nolint:errorlint // exec gives it bare
			stderr = string(exit.Stderr)
		}
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, stderr)
	}
	return strings.TrimSuffix(string(out), "\n")
}

// commit puts files in the place of all that the branch has, on top of its
// history, and returns the commit. It is one process: git fast-import.
func (r *repository) commit(branch, message string, files files) string {
	r.t.Helper()
	return r.importCommit(branch, message, files, true)
}

// rewrite gives the branch a new history of one commit.
func (r *repository) rewrite(branch, message string, files files) string {
	r.t.Helper()
	return r.importCommit(branch, message, files, false)
}

func (r *repository) importCommit(branch, message string, files files, onTop bool) string {
	r.t.Helper()
	var b strings.Builder
	data := func(text string) { b.WriteString("data " + strconv.Itoa(len(text)) + "\n" + text + "\n") }
	ref := "refs/heads/" + branch
	b.WriteString("feature done\n")
	if onTop && exec.CommandContext(context.Background(), "git", "--git-dir="+r.dir, "rev-parse", "--verify", "--quiet", ref).Run() == nil {
		b.WriteString("reset " + ref + "\nfrom " + ref + "^0\n\n")
	} else {
		b.WriteString("reset " + ref + "\n\n")
	}
	b.WriteString("commit " + ref + "\nauthor Ada <ada@example.com> 1793527200 +0000\ncommitter Bob <bob@example.com> 1793613600 +0100\n")
	data(message)
	b.WriteString("deleteall\n")
	for name, content := range files {
		switch {
		case strings.HasSuffix(name, "@"):
			b.WriteString("M 120000 inline " + strings.TrimSuffix(name, "@") + "\n")
			data(content)
		case strings.HasSuffix(name, "#"):
			b.WriteString("M 160000 " + content + " " + strings.TrimSuffix(name, "#") + "\n")
		default:
			b.WriteString("M 100644 inline " + name + "\n")
			data(content)
		}
	}
	b.WriteString("done\n")
	r.run(b.String(), "--git-dir="+r.dir, "fast-import", "--quiet", "--force")
	return r.git("rev-parse", ref)
}

// options follow main of this repository by its plain path, with a new cache.
func (r *repository) options() source.Options {
	return source.Options{URL: r.dir, Branch: "main", CacheDir: filepath.Join(r.t.TempDir(), "git")}
}

func newGit(t testing.TB, o source.Options) *source.Git {
	t.Helper()
	g, err := source.NewGit(o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func fetch(t testing.TB, g *source.Git) *source.Snapshot {
	t.Helper()
	s, err := g.Fetch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fetchError returns the error that Fetch must give.
func fetchError(t testing.TB, g *source.Git) error {
	t.Helper()
	s, err := g.Fetch(t.Context())
	if err == nil {
		t.Fatalf("Fetch gave commit %s and no error", s.Commit)
	}
	if s != nil {
		t.Errorf("Fetch gave a snapshot together with the error %v", err)
	}
	return err
}

// contents reads every regular file.
func contents(t testing.TB, fsys fs.FS) files {
	t.Helper()
	got := files{}
	err := fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := fs.ReadFile(fsys, path)
		got[path] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func wantFiles(t testing.TB, s *source.Snapshot, want files) {
	t.Helper()
	if diff := cmp.Diff(want, contents(t, s.FS)); diff != "" {
		t.Errorf("files of %s (-want +got):\n%s", s.Commit, diff)
	}
}

// scramble returns n bytes that do not compress, always the same.
func scramble(n int) string {
	noise := make([]byte, n)
	if _, err := rand.NewChaCha8([32]byte{}).Read(noise); err != nil {
		panic(err)
	}
	return string(noise)
}

// cacheSize is the number of bytes on disk below dir.
func cacheSize(t testing.TB, dir string) (size int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return size
}

func unhex(t testing.TB, digits string) string {
	t.Helper()
	raw, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
