package web_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/state"
	"github.com/policysync/policysync/internal/web"
)

// TestNoRouteOfTheAPIShowsAddressesToStrangers has addresses wherever people may
// have put them, and asks for all there is to read, with the token and as nobody.
func TestNoRouteOfTheAPIShowsAddressesToStrangers(t *testing.T) {
	t.Parallel()
	h := build(t, func(o *web.Options) { o.Public = func() bool { return true } })
	n := 0
	address := func() string { n++; return fmt.Sprintf("marked.%d+o'x@example.com", n) }
	targets, ok := h.Targets.(*operator)
	if !ok {
		t.Fatalf("the targets are %T", h.Targets)
	}
	store := targets.Store
	body := policy.Policy{Name: "For " + address(), Include: []policy.Rule{{Kind: "email", Body: map[string]any{"email": address()}}}}
	run := state.Run{ID: "run-9", Target: "production", Trigger: "manual", Author: "Ann <" + address() + ">", Result: "failed", Error: address() + ":\n" + address(), Started: noon, Finished: noon}
	change := state.Change{Run: "run-9", Target: "production", Action: "update", Key: address(), Name: address(), Result: "failed", Error: "\"" + address() + "\"", Before: &body, After: &body, At: noon}
	if err := errors.Join(
		store.StartRun(t.Context(), run), store.FinishRun(t.Context(), run), store.Forget(t.Context(), change),
		store.Refresh(t.Context(), "production", []policy.Recorded{{Key: address(), ID: "id-9", Sent: body, ReadBack: body, File: address(), CreatedAt: noon, UpdatedAt: noon}}),
		store.Intend(t.Context(), state.Intent{Target: "production", Key: address(), Action: "create", Body: body, Run: "run-9", At: noon}),
		store.Suspend(t.Context(), state.Suspension{Target: "production", Reason: "ask " + address(), By: address(), Since: noon}),
	); err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, path := range []string{"", "/production", "/production/policies", "/production/runs", "/marked@example.com", "/../runs/run-9", "/../freeze"} {
		path = strings.Replace("/api/v1/targets"+path, "/targets/..", "", 1)
		shown += strings.Count(h.sends(http.MethodGet, path, "", "Authorization", "Bearer api-token").Body.String(), "marked")
		if got := h.sends(http.MethodGet, path, "").Body.String(); strings.Contains(got, "marked") || !strings.HasPrefix(got, "{") {
			t.Errorf("GET %s shows a stranger %s", path, got)
		}
	}
	if shown < 15 {
		t.Errorf("only %d addresses are in the answers, so that hiding them proves little", shown)
	}
}
