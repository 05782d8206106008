package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestHealthFailsWhileATargetHasStalled(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" || r.Header.Get("Authorization") != "" {
			t.Errorf("it asks for %s with %q", r.URL, r.Header)
		}
		http.Error(w, "target production: stalled", http.StatusServiceUnavailable)
	}))
	t.Cleanup(server.Close)
	code, said, stderr := try(t, nil, "health", "--server", server.URL)
	if code != exitError || said != "target production: stalled\n" || stderr != "" {
		t.Errorf("it exits with %d and says %q, %q", code, said, stderr)
	}
}
