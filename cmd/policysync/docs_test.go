package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/policysync/policysync/internal/config"
)

// root is the repository, as seen from here.
var root = filepath.Join("..", "..")

// TestDependenciesAreDocumented holds the table of docs/dependencies.md against
// what go.mod asks for.
func TestDependenciesAreDocumented(t *testing.T) {
	t.Parallel()
	direct, _, _ := strings.Cut(text(t, "go.mod"), "\n)")
	required := rows(direct, regexp.MustCompile(`(?m)^\t(\S+) (v\S+)$`))
	documented := rows(text(t, "docs/dependencies.md"), regexp.MustCompile(`(?m)^\| \[[^]]+\]\(https://pkg\.go\.dev/([^)]+)\) .*\| (v[0-9.]+), 20`))
	tools := rows(text(t, "tools/go.mod"), regexp.MustCompile(`(?m)^\t(\S+) (v\S+)`))
	for _, module := range required {
		if !slices.Contains(documented, module) {
			t.Errorf("go.mod requires %s, which docs/dependencies.md doesn't list", module)
		}
	}
	for _, module := range documented {
		if !slices.Contains(required, module) && !slices.Contains(tools, module) {
			t.Errorf("docs/dependencies.md lists %s, which no go.mod requires", module)
		}
	}
}

func text(t *testing.T, name string) string {
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
