package page_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/policysync/policysync/internal/page"
	"github.com/policysync/policysync/internal/visitor"
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

func TestWhoLooksIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, tc := range map[string]struct {
		who  visitor.Visitor
		says string
		out  bool // they may sign out
	}{
		"a session":    {visitor.Visitor{Name: "token", Operator: true, Addresses: true, Session: true}, "Signed in Sign out", true},
		"an operator":  {visitor.Visitor{Name: "ann@example.com", Operator: true, Addresses: true}, "ann@example.com", false},
		"a viewer":     {visitor.Visitor{Name: "bob@example.com"}, "bob@example.com (may look)", false},
		"an odd name":  {visitor.Visitor{Name: hostile}, `"<script>alert(\"x\")</script>\u202e" (may look)`, false},
		"on the spot":  {visitor.Visitor{Addresses: true}, "Sign in to act", false},
		"a stranger":   {visitor.Visitor{}, "Sign in to act", false},
		"with a token": {visitor.Visitor{Name: "token", Operator: true, Addresses: true}, "token", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := w.ask(tc.who, http.MethodGet, "/", nil).Body.String()
			inspect(t, text)
			if got := words(t, text); !strings.Contains(got, tc.says) {
				t.Errorf("want %q in %s", tc.says, got)
			}
			if out := strings.Contains(text, `action="/signout"`); out != tc.out {
				t.Errorf("there is a way to sign out: %v", out)
			}
		})
	}
}
