//go:build release

package release_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// imageConfig is what the image tells those who run it.
func imageConfig() map[string]any {
	const second = 1e9
	return map[string]any{
		"User": "65532:65532", "Entrypoint": []any{"policysync"}, "Cmd": []any{"run"},
		"Env":          []any{"PATH=/usr/bin", "STATE_DIRECTORY=/var/lib/policysync"},
		"Volumes":      map[string]any{"/var/lib/policysync": map[string]any{}},
		"ExposedPorts": map[string]any{"8080/tcp": map[string]any{}},
		"Healthcheck": map[string]any{
			"Test":        []any{"CMD", "policysync", "health"},
			"StartPeriod": 30 * second, "Interval": 30 * second, "Timeout": 10 * second,
		},
	}
}

// imageFiles are all of them, with their owners.
const imageFiles = `d 0:0 etc
d 0:0 etc/ssl
d 0:0 etc/ssl/certs
d 0:0 usr
d 0:0 usr/bin
d 0:0 usr/share
d 0:0 usr/share/doc
d 0:0 usr/share/doc/policysync
d 0:0 var
d 0:0 var/lib
d 65532:65532 var/lib/policysync
f 0:0 etc/ssl/certs/ca-certificates.crt
f 0:0 usr/bin/policysync
f 0:0 usr/share/doc/policysync/LICENSE
f 0:0 usr/share/doc/policysync/third-party-licences.txt
`

// TestImageIsBuiltAndRuns has buildah carry out the Dockerfile, both of its
// ways, and runs what comes of it as a container runtime would: as nobody, on a
// file system that can't be written to.
func TestImageIsBuiltAndRuns(t *testing.T) {
	t.Parallel()
	things := t.TempDir()
	program := one(t, "policysync_linux_amd64_v1/policysync")
	for from, to := range map[string]string{
		program:                           "linux/amd64/policysync",
		filepath.Join(root, "Dockerfile"): "Dockerfile",
		filepath.Join(root, "LICENSE"):    "LICENSE",
		filepath.Join(root, "bin", "share", "third-party-licences.txt"): "bin/share/third-party-licences.txt",
	} {
		output(t, "install", "-D", "-m", "0644", from, filepath.Join(things, "prebuilt", to))
	}
	check(t, os.Chmod(filepath.Join(things, "prebuilt", "linux", "amd64", "policysync"), 0o755))
	output(t, "git", "clone", "--quiet", "--no-local", root, filepath.Join(things, "source"))
	authority := outsideOf(t, things)
	_, built, _ := strings.Cut(output(t, "go", "version", "-m", program), "\n") // but for its name

	said := output(t, "unshare", "--mount", "bash", "testdata/image.sh",
		things, authority, strings.TrimSpace(output(t, "go", "env", "GOMODCACHE")), strings.TrimSpace(output(t, "go", "env", "GOCACHE")))
	if !strings.HasSuffix(said, "\nall is well\n") {
		t.Error(said)
	}
	for _, way := range []string{"prebuilt", "compiled"} {
		if diff := cmp.Diff(imageConfig(), configOf(t, filepath.Join(things, way+".config"))); diff != "" {
			t.Errorf("%s image, config (-want +got):\n%s", way, diff)
		}
		for name, want := range map[string]string{"files": imageFiles, "built": built, "program": sum(t, program) + "\n"} {
			got, err := os.ReadFile(filepath.Join(things, way+"."+name))
			check(t, err)
			if diff := cmp.Diff(want, string(got)); diff != "" {
				t.Errorf("%s image, %s (-want +got):\n%s", way, name, diff)
			}
		}
	}
}

// configOf returns what buildah says an image tells those who run it, as far as
// it tells anything.
func configOf(t *testing.T, file string) map[string]any {
	t.Helper()
	text, err := os.ReadFile(file)
	check(t, err)
	var image struct {
		Docker struct {
			Config map[string]any `json:"config"`
		}
	}
	check(t, json.Unmarshal(text, &image))
	maps.DeleteFunc(image.Docker.Config, func(key string, value any) bool {
		said, isBool := value.(bool)
		return value == nil || value == "" || isBool && !said || slices.Contains([]string{"Hostname", "Labels", "OnBuild"}, key)
	})
	return image.Docker.Config
}

// outsideOf begins a world outside, has the config point there, and returns the
// file of the authority that its certificate is from.
func outsideOf(t *testing.T, things string) string {
	t.Helper()
	policies := filepath.Join(things, "access", "policies")
	check(t, os.MkdirAll(policies, 0o755))
	check(t, os.WriteFile(filepath.Join(policies, "a.yaml"), []byte("name: Engineering\ndecision: allow\ninclude:\n  - email_domain: {domain: example.com}\n"), 0o600))
	for _, args := range [][]string{{"init", "--quiet", "-b", "main"}, {"add", "."}, {"-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "-m", "First"}} {
		output(t, "git", append([]string{"-C", filepath.Join(things, "access")}, args...)...)
	}
	server := httptest.NewTLSServer(world(things))
	t.Cleanup(server.Close)
	config := fmt.Sprintf(`targets:
  - name: production
    account_id: 023e105f4ecef8ad9ca31a8372d0c353
    source: {url: %q}
    cloudflare: {base_url: %q, api_token_file: /etc/policysync/token}
    schedule: "CRON_TZ=Europe/Berlin 0 3 * * *"
server: {listen: %q}
`, server.URL+"/access", server.URL+"/client/v4", freeAddress(t))
	check(t, os.Mkdir(filepath.Join(things, "etc"), 0o755))
	for name, text := range map[string]string{"policysync.yaml": config, "token": "a-token"} {
		check(t, os.WriteFile(filepath.Join(things, "etc", name), []byte(text), 0o644))
	}
	authority := filepath.Join(things, "authority.pem")
	check(t, os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
	return authority
}

// freeAddress returns one at which nobody listened a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(context.WithoutCancel(t.Context()), "tcp", "127.0.0.1:0")
	check(t, err)
	check(t, l.Close())
	return l.Addr().String()
}
