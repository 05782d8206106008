package page_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestABrowserAsksEachTimeWhetherItHasTheRightScript(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, path := range []string{"/assets/live.js", "/assets/idiomorph.min.js", "/assets/style.css"} {
		answer := w.get(path)
		etag := answer.Header().Get("ETag")
		if answer.Code != http.StatusOK || etag == "" || answer.Header().Get("Cache-Control") != "private, no-cache" {
			t.Errorf("GET %s: %d %v", path, answer.Code, answer.Header())
		}
		for have, want := range map[string]int{etag: http.StatusNotModified, `"another"`: http.StatusOK} {
			again, request := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil)
			request.Header.Set("If-None-Match", have)
			w.ServeHTTP(again, request)
			if again.Code != want {
				t.Errorf("GET %s by one who has %s: %d, want %d", path, have, again.Code, want)
			}
		}
	}
}

// TestIdiomorphIsTheOneThatWasReleased compares it with what npm has of idiomorph 0.8.0.
func TestIdiomorphIsTheOneThatWasReleased(t *testing.T) {
	t.Parallel()
	const want = "4cbd535caf7663a51eda9bce6595371c384fc430d54b8d414e29a61167f19f96"
	got := sha256.Sum256(newWorld(t).get("/assets/idiomorph.min.js").Body.Bytes())
	if hex.EncodeToString(got[:]) != want {
		t.Errorf("assets/idiomorph.min.js has the hash %x, want %s", got, want)
	}
}
