//go:build release

// Package release_test checks what `make snapshot` has left in dist.
package release_test

import (
	"archive/zip"
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// root is the work tree, dist what is released.
const (
	root = "../.."
	dist = root + "/dist"
)

// one returns the one file of dist that a pattern matches, as an absolute path.
func one(t *testing.T, pattern string) string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dist, pattern))
	if err != nil || len(all) != 1 {
		t.Fatalf("%s is %q in dist, %v: run `make snapshot`", pattern, all, err)
	}
	path, err := filepath.Abs(all[0])
	check(t, err)
	return path
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// output runs a program, which must succeed, and returns all that it says.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, args...)
	said, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", c, err, said)
	}
	return string(said)
}

func sum(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	check(t, err)
	hash := sha256.Sum256(text)
	return hex.EncodeToString(hash[:])
}

// wantFiles fails the test unless all that is wanted is there.
func wantFiles(t *testing.T, name string, got, want []string) {
	t.Helper()
	for _, file := range want {
		if !slices.Contains(got, file) {
			t.Errorf("%s has no %s, but %q", name, file, got)
		}
	}
}

func TestEverySystemGetsTheProgramWithItsPapers(t *testing.T) {
	t.Parallel()
	for _, system := range []string{
		"linux_amd64.tar.gz", "linux_arm64.tar.gz", "darwin_amd64.tar.gz", "darwin_arm64.tar.gz", "windows_amd64.zip", "windows_arm64.zip",
	} {
		t.Run(system, func(t *testing.T) {
			t.Parallel()
			archive := one(t, "policysync_*_"+system)
			folder := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(archive), ".tar.gz"), ".zip") + "/"
			program, list := "policysync", tarred
			if strings.HasSuffix(system, ".zip") {
				program, list = "policysync.exe", zipped
			}
			var got []string
			for _, name := range list(t, archive) {
				got = append(got, strings.TrimPrefix(name, folder))
			}
			wantFiles(t, system, got, []string{
				program, "LICENSE", "third-party-licences.txt", "README.md", "CHANGELOG.md", "policy.schema.json", "man/policysync.1.gz", "man/policysync-plan.1.gz",
				"completions/policysync.bash", "completions/_policysync", "completions/policysync.fish", "completions/policysync.ps1",
				"deploy/policysync.yaml", "deploy/systemd/policysync.service",
			})
		})
	}
}

func tarred(t *testing.T, archive string) []string {
	t.Helper()
	return strings.Fields(output(t, "tar", "-tzf", archive))
}

func zipped(t *testing.T, archive string) []string {
	t.Helper()
	opened, err := zip.OpenReader(archive)
	check(t, err)
	defer opened.Close() //nolint:errcheck // only read from
	var names []string
	for _, f := range opened.File {
		names = append(names, f.Name)
	}
	return names
}

func TestChecksumsAreThoseOfAllThatIsReleased(t *testing.T) {
	t.Parallel()
	sums, err := os.Open(one(t, "SHA256SUMS"))
	check(t, err)
	defer sums.Close() //nolint:errcheck // only read from
	listed := map[string]string{}
	for lines := bufio.NewScanner(sums); lines.Scan(); {
		hash, name, _ := strings.Cut(lines.Text(), "  ")
		listed[name] = hash
	}
	released := map[string]string{}
	for _, pattern := range []string{"*.tar.gz", "*.zip", "*.deb", "*.rpm", "*.cdx.json"} {
		all, err := filepath.Glob(filepath.Join(dist, pattern))
		check(t, err)
		for _, path := range all {
			released[filepath.Base(path)] = sum(t, path)
		}
	}
	if diff := cmp.Diff(released, listed); diff != "" || len(released) != 16 {
		t.Errorf("%d files (-released +listed):\n%s", len(released), diff)
	}
}

// TestBillOfMaterialsNamesEveryModule compares it with what the toolchain noted
// in the program.
func TestBillOfMaterialsNamesEveryModule(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(one(t, "policysync_*_linux_amd64.cdx.json"))
	check(t, err)
	var bill struct {
		BOMFormat  string
		Components []struct{ Name, Version, PURL string }
	}
	check(t, json.Unmarshal(text, &bill))
	named := map[string]string{}
	for _, c := range bill.Components {
		named[c.Name] = c.Version
	}
	linked := map[string]string{}
	for line := range strings.Lines(output(t, "go", "version", "-m", one(t, "policysync_linux_amd64_v1/policysync"))) {
		if fields := strings.Fields(line); len(fields) > 2 && fields[0] == "dep" {
			linked[fields[1]] = fields[2]
		}
	}
	linked["std"] = strings.TrimSpace(output(t, "go", "env", "GOVERSION"))
	if diff := cmp.Diff(linked, named); diff != "" || bill.BOMFormat != "CycloneDX" {
		t.Errorf("%s of %q (-linked +named):\n%s", bill.BOMFormat, slices.Sorted(maps.Keys(named)), diff)
	}
}

// TestSameCommitGivesTheSameBytes makes the program again, as docs/install.md
// tells those who verify it, and once more in a folder of another length.
func TestSameCommitGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	released := one(t, "policysync_linux_amd64_v1/policysync")
	if strings.Contains(output(t, released, "version"), "+dirty") {
		t.Fatal("dist was made of what isn't committed: commit it and run `make snapshot` again")
	}
	again := filepath.Join(t.TempDir(), "elsewhere", "in a folder of another name")
	output(t, "git", "clone", "--quiet", "--no-local", root, again)
	output(t, "make", "-C", again, "build")
	if sum(t, released) != sum(t, filepath.Join(again, "bin", "policysync")) {
		t.Errorf("released: %s\nmade again: %s", output(t, "go", "version", "-m", released), output(t, "go", "version", "-m", filepath.Join(again, "bin", "policysync")))
	}
}

// TestSourceWithoutRepositoryTellsNoRevision builds from an archive of the source.
func TestSourceWithoutRepositoryTellsNoRevision(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	output(t, "sh", "-c", `git -C "$1" archive HEAD | tar -xC "$2"`, "sh", root, folder)
	output(t, "make", "-C", folder, "build")
	said := output(t, filepath.Join(folder, "bin", "policysync"), "version", "--format", "json")
	if !strings.HasPrefix(said, `{"version":"(devel)","revision":"unknown","modified":false,`) {
		t.Errorf("it says %s", said)
	}
}
