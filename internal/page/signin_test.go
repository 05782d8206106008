package page_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/policysync/policysync/internal/page"
)

func TestTheFormToSignIn(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status  int
		problem string
	}{"signin": {http.StatusOK, ""}, "signin-refused": {http.StatusUnauthorized, "this is not the token: " + hostile}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			form := page.SignIn(func() time.Time { return noon })
			form(w, httptest.NewRequest(http.MethodGet, "/signin", nil), tc.status, `/targets/"><script>`, tc.problem)
			if w.Code != tc.status || !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%d %v", w.Code, w.Header())
			}
			golden(t, name, w.Body.String())
		})
	}
}
