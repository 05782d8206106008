package web_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/state"
	"github.com/policysync/policysync/internal/state/sqlite"
	"github.com/policysync/policysync/internal/web"
)

// operator is a web.Targets that keeps suspensions in the store and notes what
// was asked for.
type operator struct {
	*sqlite.Store

	asked []string
	err   error
}

func (o *operator) Ask(target, by string) bool {
	s, err := o.Suspension(context.Background(), target)
	if err != nil || s.InForce(time.Now()) {
		return false
	}
	o.asked = append(o.asked, "ask "+target+" by "+by)
	return true
}

func (o *operator) Sync(ctx context.Context, target, by string) (event.RunDone, error) {
	if s, err := o.Suspension(ctx, target); err != nil || s.InForce(time.Now()) {
		return event.RunDone{}, errors.Join(err, state.ErrSuspended)
	}
	o.asked = append(o.asked, "sync "+target+" by "+by)
	return event.RunDone{
		Scope: event.Scope{Target: target, Run: "run-2", Commit: "c0ffee"}, Trigger: event.Manual, Result: event.Partial,
		Err: errors.New("refused"), States: map[diff.State]int{diff.InSync: 2}, At: noon.Add(time.Second), Took: time.Second,
	}, o.err
}

func (o *operator) Resume(ctx context.Context, target, by string) error {
	o.asked = append(o.asked, "resume "+target+" by "+by)
	return o.Store.Resume(ctx, target)
}

func (o *operator) Next(target string) time.Time {
	if target == "production" {
		return noon.Add(time.Minute)
	}
	return time.Time{}
}

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func newOperator(t *testing.T) *operator {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	run := state.Run{ID: "run-1", Target: "production", Trigger: "startup", Started: noon}
	record := policy.Recorded{Key: "eng", ID: "1", Sent: policy.Policy{Name: "Eng"}, Commit: "c0ffee", File: "eng.yaml", Line: 1, CreatedAt: noon, UpdatedAt: noon}
	intent := state.Intent{Target: "production", Key: "new", Action: "create", Body: policy.Policy{Name: "New"}, Run: "run-1", At: noon}
	change := state.Change{Run: "run-1", Target: "production", Action: "delete", Key: "old", ID: "2", Direction: "narrows", Result: "success", Ray: "r", At: noon}
	if err := errors.Join(
		store.StartRun(t.Context(), run), store.Forget(t.Context(), change), store.Refresh(t.Context(), "production", []policy.Recorded{record}), store.Intend(t.Context(), intent),
	); err != nil {
		t.Fatal(err)
	}
	return &operator{Store: store}
}

const (
	lastRun  = `{"id":"run-1","target":"production","trigger":"startup","commit":"","author":"","result":"","error":"","started":"2026-11-23T12:00:00Z","finished":null,"counts":null}`
	standing = `{"target":"production","suspended":null,"last_run":` + lastRun + `,"next_run":"2026-11-23T12:01:00Z"}`
)

func TestTargetsAPI(t *testing.T) {
	t.Parallel()
	token := tokenFile(t, "api-token")
	for name, tc := range map[string]struct {
		request, body string
		from          string // who asks: "", without a token, from here; "away", from elsewhere
		status        int
		want          string // part of the answer
		asked         string
	}{
		"all":                  {"GET /api/v1/targets", "", "", 200, `{"targets":[` + standing + `,{"target":"stage","suspended":null,"last_run":null,"next_run":null}]}`, ""},
		"one":                  {"GET /api/v1/targets/production", "", "", 200, standing, ""},
		"from away":            {"GET /api/v1/targets/production", "", "away", 401, "Bearer", ""},
		"one that isn't there": {"GET /api/v1/targets/prodction", "", "", 404, `no target is named \"prodction\": did you mean production?`, ""},
		"nothing like it":      {"GET /api/v1/targets/x", "", "", 404, `there is production, stage`, ""},
		"policies": {
			"GET /api/v1/targets/production/policies", "", "", 200,
			`{"policies":[{"key":"eng","name":"Eng","id":"1","commit":"c0ffee","file":"eng.yaml","line":1,"updated_at":"2026-11-23T12:00:00Z","in_doubt":false,"state":"recorded"},` +
				`{"key":"new","name":"New","id":"","commit":"","file":"","line":0,"updated_at":"2026-11-23T12:00:00Z","in_doubt":true,"state":"in_doubt"}]}`, "",
		},
		"no policies":         {"GET /api/v1/targets/stage/policies", "", "", 200, `{"policies":[]}`, ""},
		"runs":                {"GET /api/v1/targets/production/runs?limit=1", "", "", 200, `{"runs":[` + lastRun + `]}`, ""},
		"no runs":             {"GET /api/v1/targets/stage/runs", "", "", 200, `{"runs":[]}`, ""},
		"a run":               {"GET /api/v1/runs/run-1", "", "", 200, strings.TrimSuffix(lastRun, "}") + `,"changes":[{"action":"delete","key":"old","name":"","id":"2","direction":"narrows","result":"success","error":"","ray":"r","at":"2026-11-23T12:00:00Z"}]}`, ""},
		"no such run":         {"GET /api/v1/runs/run-2", "", "", 404, `run \"run-2\": no such run`, ""},
		"a run from away":     {"GET /api/v1/runs/run-1", "", "away", 401, "Bearer", ""},
		"a limit of 0":        {"GET /api/v1/targets/stage/runs?limit=0", "", "", 400, "limit", ""},
		"sync":                {"POST /api/v1/targets/production/sync", "", "operator", 202, `{"target":"production","woken":true}`, "ask production by token"},
		"sync without token":  {"POST /api/v1/targets/production/sync", "", "", 401, "Bearer", ""},
		"sync of another":     {"POST /api/v1/targets/x/sync", "", "operator", 404, "there is", ""},
		"sync by GET":         {"GET /api/v1/targets/production/sync", "", "operator", 405, "", ""},
		"sync and wait":       {"POST /api/v1/targets/production/sync?wait=true", "", "operator", 200, `{"id":"run-2","target":"production","trigger":"manual","commit":"c0ffee","author":"","result":"partial","error":"refused","started":"2026-11-23T12:00:00Z","finished":"2026-11-23T12:00:01Z","counts":{"in_sync":2}}`, "sync production by token"},
		"sync and perhaps":    {"POST /api/v1/targets/production/sync?wait=maybe", "", "operator", 400, "wait", ""},
		"suspend":             {"POST /api/v1/targets/production/suspend", `{"reason": " incident 7 "}`, "operator", 200, `"suspended":{"reason":"incident 7","by":"token","since":"`, ""},
		"suspend for a while": {"POST /api/v1/targets/production/suspend", `{"reason": "x", "until": "2h30m"}`, "operator", 200, `"until":"`, ""},
		"suspend until":       {"POST /api/v1/targets/production/suspend", `{"reason": "x", "until": "2100-01-02T03:04:05Z"}`, "operator", 200, `"until":"2100-01-02T03:04:05Z"`, ""},
		"until it is over":    {"POST /api/v1/targets/production/suspend", `{"reason": "x", "until": "2020-01-02T03:04:05Z"}`, "operator", 400, "is over", ""},
		"for less than 0":     {"POST /api/v1/targets/production/suspend", `{"reason": "x", "until": "-1h"}`, "operator", 400, "is over", ""},
		"until some day":      {"POST /api/v1/targets/production/suspend", `{"reason": "x", "until": "monday"}`, "operator", 400, "or how long", ""},
		"suspend for nothing": {"POST /api/v1/targets/production/suspend", `{"reason": " "}`, "operator", 400, `\"reason\" is missing`, ""},
		"suspend, misspelt":   {"POST /api/v1/targets/production/suspend", `{"raeson": "x"}`, "operator", 400, "raeson", ""},
		"suspend, no token":   {"POST /api/v1/targets/production/suspend", `{"reason": "x"}`, "", 401, "", ""},
		"resume":              {"POST /api/v1/targets/production/resume", "", "operator", 200, standing, "resume production by token"},
		"resume, no token":    {"POST /api/v1/targets/production/resume", "", "", 401, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			targets := newOperator(t)
			o := web.Options{
				Metrics: prometheus.NewRegistry(), Targets: targets, Names: always([]string{"production", "stage"}), State: targets.Store,
				Token: always(token), Local: tc.from != "away",
			}
			method, path, _ := strings.Cut(tc.request, " ")
			r := httptest.NewRequest(method, "http://127.0.0.1:8080"+path, strings.NewReader(tc.body))
			if tc.from == "operator" {
				r.Header.Set("Authorization", "Bearer api-token")
			}
			w := httptest.NewRecorder()
			web.Handler(o).ServeHTTP(w, r)
			if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.want) {
				t.Errorf("answer %d %s, want %d %s", w.Code, w.Body, tc.status, tc.want)
			}
			if d := cmp.Diff(tc.asked, strings.Join(targets.asked, "; ")); d != "" {
				t.Errorf("asked for (-want +got):\n%s", d)
			}
		})
	}
}

func TestASuspendedTargetIsNotSynced(t *testing.T) {
	t.Parallel()
	targets := newOperator(t)
	if err := targets.Suspend(t.Context(), state.Suspension{Target: "production", Reason: "incident 7", Since: noon}); err != nil {
		t.Fatal(err)
	}
	handler := web.Handler(web.Options{
		Metrics: prometheus.NewRegistry(), Targets: targets, Names: always([]string{"production"}), State: targets.Store, Token: always(tokenFile(t, "x")),
	})
	for _, query := range []string{"", "?wait=true"} {
		r := httptest.NewRequest(http.MethodPost, "/api/v1/targets/production/sync"+query, http.NoBody)
		r.Header.Set("Authorization", "Bearer x")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != 409 || !strings.Contains(w.Body.String(), "until it is resumed: incident 7; resume it first") || len(targets.asked) > 0 {
			t.Errorf("answer %d %s", w.Code, w.Body)
		}
	}
}

func TestARunTellsHowLongItsPhasesTook(t *testing.T) {
	t.Parallel()
	h := build(t, nil)
	ended := state.Run{
		ID: "run-1", Result: "failed", Finished: noon.Add(time.Second),
		Phases: []state.Phase{{Name: "fetch", Took: 250 * time.Millisecond}, {Name: "parse", Took: time.Millisecond, Failed: true}},
	}
	if err := h.Targets.(*operator).FinishRun(t.Context(), ended); err != nil {
		t.Fatal(err)
	}
	w := h.sends("GET", "/api/v1/runs/run-1", "", "Authorization", "Bearer api-token")
	want := `"phases":[{"name":"fetch","seconds":0.25,"failed":false},{"name":"parse","seconds":0.001,"failed":true}],"changes":[`
	if !strings.Contains(w.Body.String(), want) {
		t.Errorf("%s has no %s", w.Body, want)
	}
}

func TestWhatTheAPIDoesntHaveIsSaidAsJSON(t *testing.T) {
	t.Parallel()
	h := build(t, nil)
	for _, request := range []string{"GET /api/v1/nothing", "GET /api/", "GET /api/v1/targets/production/sync"} {
		method, path, _ := strings.Cut(request, " ")
		w := h.sends(method, path, "", "Authorization", "Bearer api-token")
		if w.Code != http.StatusNotFound || !strings.HasPrefix(w.Body.String(), `{"error":"`+request+` isn't of the API`) {
			t.Errorf("%s: %d %s", request, w.Code, w.Body)
		}
	}
}
