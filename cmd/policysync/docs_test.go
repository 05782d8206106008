package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/schema"
)

// root is the repository, as seen from here.
var root = filepath.Join("..", "..")

// TestDependenciesAreDocumented holds the tables of docs/dependencies.md against
// what each go.mod asks for, the tools' too.
func TestDependenciesAreDocumented(t *testing.T) {
	t.Parallel()
	documented := rows(text(t, "docs/dependencies.md"), regexp.MustCompile(`(?m)^\| \[[^]]+\]\(https://pkg\.go\.dev/([^)]+)\) .*\| (v[0-9.]+), 20`))
	var wanted []string
	for _, mod := range files(t, "go.mod") {
		for _, module := range direct(text(t, mod)) {
			wanted = append(wanted, module)
			if !slices.Contains(documented, module) {
				t.Errorf("%s requires %s, which docs/dependencies.md doesn't list", mod, module)
			}
		}
	}
	for _, module := range documented {
		if !slices.Contains(wanted, module) {
			t.Errorf("docs/dependencies.md lists %s, which no go.mod requires itself", module)
		}
	}
}

// direct returns the modules that a go.mod names for their own sake, as
// "module version": for the packages that we import, and for tools.
func direct(mod string) []string {
	all := rows(mod, regexp.MustCompile(`(?m)^(?:\t|require )(\S+) (v\S+)$`))
	required := rows(mod, regexp.MustCompile(`(?m)^(?:\t|require )(\S+) (v\S+)`))
	for _, tool := range regexp.MustCompile(`(?m)^(?:\t|tool )([^\s/]+\.[^\s/]+/\S+)$`).FindAllStringSubmatch(mod, -1) {
		home := ""
		for _, module := range required {
			if path, _, _ := strings.Cut(module, " "); strings.HasPrefix(tool[1]+"/", path+"/") && len(module) > len(home) {
				home = module
			}
		}
		all = append(all, home)
	}
	return all
}

// TestLibcIsTheOneThatSQLiteAsksFor: with any other, SQLite may misbehave.
func TestLibcIsTheOneThatSQLiteAsksFor(t *testing.T) {
	t.Parallel()
	mod, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.GoMod}}", "modernc.org/sqlite").Output()
	if err != nil {
		t.Fatal(err)
	}
	asked, err := os.ReadFile(strings.TrimSpace(string(mod)))
	if err != nil {
		t.Fatal(err)
	}
	libc := regexp.MustCompile(`(?m)^\tmodernc\.org/libc v[0-9.]+`)
	if got, want := libc.FindString(text(t, "go.mod")), libc.FindString(string(asked)); got != want || want == "" {
		t.Errorf("go.mod has %s, and SQLite asks for %s", got, want)
	}
}

func text(t testing.TB, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// rows returns "module version" for each match of a pattern with these two.
func rows(text string, pattern *regexp.Regexp) []string {
	var all []string
	for _, match := range pattern.FindAllStringSubmatch(text, -1) {
		all = append(all, match[1]+" "+match[2])
	}
	return all
}

// The schema for editors is made by `make generate`.
func TestPublishedSchemaIsFresh(t *testing.T) {
	t.Parallel()
	want, err := schema.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	if text(t, "policy.schema.json") != string(want) {
		t.Error("policy.schema.json is stale: run make generate")
	}
}

// Editors read the comment in each document by itself.
func TestEveryExampleNamesTheSchema(t *testing.T) {
	t.Parallel()
	modeline := regexp.MustCompile(`(?m)^# yaml-language-server: \$schema=(\S+)$`)
	folder, examples := filepath.Join(root, "policies.example"), 0
	err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		if ext := filepath.Ext(path); err != nil || ext != ".yaml" && ext != ".yml" {
			return err
		}
		content, err := os.ReadFile(path)
		for i, document := range strings.Split(string(content), "---\n") {
			named := modeline.FindStringSubmatch(document)
			if len(named) != 2 || filepath.Join(filepath.Dir(path), named[1]) != filepath.Join(root, "policy.schema.json") {
				t.Errorf("document %d of %s doesn't name policy.schema.json: %q", i+1, path, named)
			}
			if i == 0 && !strings.HasPrefix(document, "# yaml-language-server: ") {
				t.Errorf("the first line of %s doesn't name the schema", path)
			}
			examples++
		}
		return err
	})
	if err != nil || examples < 5 {
		t.Errorf("found %d examples, %v", examples, err)
	}
}

// TestDeployedConfigIsValid loads the config that the systemd unit starts with.
func TestDeployedConfigIsValid(t *testing.T) {
	t.Parallel()
	systemd := func(name string) (string, bool) {
		value, set := map[string]string{
			"CREDENTIALS_DIRECTORY": "/run/credentials/policysync.service", "STATE_DIRECTORY": "/var/lib/policysync",
		}[name]
		return value, set
	}
	cfg, err := config.Load(filepath.Join(root, "deploy", "policysync.yaml"), systemd)
	if err != nil {
		t.Fatal(err)
	}
	if got := cfg.Targets[0].Cloudflare.APIToken.File; got != "/run/credentials/policysync.service/cloudflare-token" {
		t.Errorf("the token is read from %s", got)
	}
}

// TestOwnedPathsAreThere: who owns what was moved or removed owns nothing.
func TestOwnedPathsAreThere(t *testing.T) {
	t.Parallel()
	owned := regexp.MustCompile(`(?m)^(/\S+) +@`).FindAllStringSubmatch(text(t, ".github/CODEOWNERS"), -1)
	for _, path := range owned {
		if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(path[1]))); err != nil {
			t.Errorf("CODEOWNERS: %v", err)
		}
	}
	if len(owned) < 10 {
		t.Errorf("found %d owned paths", len(owned))
	}
}
