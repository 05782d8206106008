//go:build system

package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestTokensAreMadeAsTheirPageSays with the permissions of the account, and no more.
func TestTokensAreMadeAsTheirPageSays(t *testing.T) {
	t.Parallel()
	const tokens = "/accounts/023e105f4ecef8ad9ca31a8372d0c353/tokens"
	asked := make(chan string, 3)
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+tokens+"/permission_groups", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"success": true, "result": [
			{"id": "z1", "name": "Access: Apps and Policies Write", "scopes": ["com.cloudflare.api.account.zone"]},
			{"id": "a1", "name": "Access: Apps and Policies Write", "scopes": ["com.cloudflare.api.account"]},
			{"id": "a2", "name": "Access: Apps and Policies Read", "scopes": ["com.cloudflare.api.account"]},
			{"id": "a3", "name": "Access: Organizations, Identity Providers, and Groups Read", "scopes": ["com.cloudflare.api.account"]},
			{"id": "a4", "name": "Zero Trust Read", "scopes": ["com.cloudflare.api.account"]}]}`))
	})
	mux.HandleFunc("POST "+tokens, func(w http.ResponseWriter, r *http.Request) {
		var body any
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || r.Header.Get("Authorization") != "Bearer creator-secret" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		text, err := json.Marshal(body)
		if err != nil {
			t.Error(err)
		}
		asked <- string(text)
		_, _ = w.Write([]byte(`{"success": true, "result": {"value": "made"}}`))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	dir, script := t.TempDir(), ""
	for _, block := range blocks(t, filepath.Join(root, "docs", "api-tokens.md")) {
		if strings.Contains(block[1], "new_token") {
			script = block[1]
		}
	}
	c := exec.CommandContext(t.Context(), "sh", "-euc", script)
	c.Dir, c.Env = dir, []string{"PATH=/usr/bin:/bin", "CREATOR=creator-secret", "CLOUDFLARE_BASE_URL=" + server.URL}
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	const with = `"policies":[{"effect":"allow","permission_groups":[GROUPS],"resources":{"com.cloudflare.api.account.023e105f4ecef8ad9ca31a8372d0c353":"*"}}]}`
	want := []string{
		`{"condition":{"request.ip":{"in":["192.0.2.10/32"]}},"expires_on":"2027-03-01T00:00:00Z","name":"policysync daemon",` +
			strings.Replace(with, "GROUPS", `{"id":"a1"}`, 1),
		`{"condition":{"request.ip":{"in":["192.0.2.0/24"]}},"expires_on":"2027-03-01T00:00:00Z","name":"policysync plan",` +
			strings.Replace(with, "GROUPS", `{"id":"a2"},{"id":"a3"}`, 1),
	}
	close(asked)
	for _, w := range want {
		if got := <-asked; got != w {
			t.Errorf("asked for\n%s\nwant\n%s", got, w)
		}
	}
	if more, is := <-asked; is {
		t.Errorf("asked for one more: %s", more)
	}
	for _, file := range []string{"cloudflare-token", "cloudflare-read-token"} {
		info, err := os.Stat(filepath.Join(dir, file))
		if err != nil || info.Mode().Perm() != 0o600 || info.Size() != int64(len("made\n")) {
			t.Errorf("%s is %v: %v", file, info, err)
		}
	}
}
