package web_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/policysync/policysync/internal/secret"
	"github.com/policysync/policysync/internal/web"
)

func none() []string { return nil }

func answers(context.Context) error { return nil }

func TestProbes(t *testing.T) {
	t.Parallel()
	two := func() []string { return []string{"a", "b"} }
	for _, tc := range []struct {
		name, path string
		options    web.Options
		status     int
		body       string
	}{
		{"healthy", "/healthz", web.Options{Stalled: none}, 200, "ok\n"},
		{"stalled", "/healthz", web.Options{Stalled: two}, 503, "target a: stalled\ntarget b: stalled\n"},
		{"ready", "/readyz", web.Options{Unready: none, Ping: answers}, 200, "ok\n"},
		{"not read yet", "/readyz", web.Options{Unready: two, Ping: answers}, 503, "target a: not read yet\ntarget b: not read yet\n"},
		{"state doesn't answer", "/readyz", web.Options{Unready: none, Ping: func(context.Context) error {
			return errors.New("disk gone")
		}}, 503, "state: disk gone\n"},
		{"no such page", "/nothing", web.Options{}, 404, "404 page not found\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tc.options.Metrics, tc.options.Local = prometheus.NewRegistry(), true
			w := httptest.NewRecorder()
			web.Handler(tc.options).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://[::1]:8080"+tc.path, nil))
			if w.Code != tc.status || w.Body.String() != tc.body {
				t.Errorf("answer %d %q, want %d %q", w.Code, w.Body, tc.status, tc.body)
			}
		})
	}
}

func TestProbesCannotBePosted(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	handler := web.Handler(web.Options{Metrics: prometheus.NewRegistry(), Stalled: none, Token: always(secret.Source{})})
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/healthz", nil))
	if w.Code != http.StatusForbidden {
		t.Errorf("status %d, want 403", w.Code)
	}
}

func TestMetricsInBothForms(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "things_total", Help: "Things."})
	registry.MustRegister(counter)
	for accept, want := range map[string]string{
		"text/plain": "text/plain",
		"application/openmetrics-text; version=1.0.0": "application/openmetrics-text",
	} {
		request := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		request.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		web.Handler(web.Options{Metrics: registry}).ServeHTTP(w, request)
		if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, want) {
			t.Errorf("asked for %s: content type %s", accept, got)
		}
		if !strings.Contains(w.Body.String(), "things_total 0") {
			t.Errorf("asked for %s: no sample in\n%s", accept, w.Body)
		}
	}
}
