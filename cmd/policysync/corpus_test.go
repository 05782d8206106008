package main

import (
	"bytes"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
)

// TestNoBadManifestReachesTheAccount applies every case of the corpus of bad
// manifests.
func TestNoBadManifestReachesTheAccount(t *testing.T) {
	t.Parallel()
	account := simulator.New(simulator.Options{})
	server := httptest.NewServer(account)
	t.Cleanup(server.Close)
	cases, err := filepath.Glob(filepath.Join("..", "..", "internal", "manifest", "testdata", "bad", "*.txtar"))
	if err != nil || len(cases) < 60 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	state := t.TempDir()
	env := map[string]string{
		"CLOUDFLARE_BASE_URL": server.URL, "CLOUDFLARE_ACCOUNT_ID": simulator.DefaultAccountID, "STATE_DIRECTORY": state,
	}
	for _, file := range cases {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		for _, f := range archive.Files {
			path := filepath.Join(dir, f.Name)
			if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, f.Data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var stdout, stderr bytes.Buffer
		a := &app{stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr, env: func(name string) (string, bool) {
			value, set := env[name]
			return value, set
		}}
		if code := run(t.Context(), a, []string{"apply", "--yes", "--dir", dir}); code != exitError || !strings.Contains(stderr.String(), "parse: ") {
			t.Errorf("%s: exit code %d\n%s%s", file, code, stdout.String(), stderr.String())
		}
	}
	if n := len(account.Requests()); n != 0 {
		t.Errorf("the account got %d requests", n)
	}
}
