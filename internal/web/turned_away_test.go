package web_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/secret"
	"github.com/policysync/policysync/internal/web"
)

// heard keeps who was turned away.
type heard struct {
	mu  sync.Mutex
	all []event.TurnedAway
}

// Emit keeps the event.
func (h *heard) Emit(e event.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if away, is := e.(event.TurnedAway); is {
		h.all = append(h.all, away)
	}
}

func TestWhoIsTurnedAwayIsTold(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	for name, tc := range map[string]struct {
		change func(*web.Options)
		send   func(*house) int
		want   event.TurnedAway
	}{
		"a wrong token": {
			send: func(h *house) int { return h.sends("GET", "/", "", "Authorization", "Bearer guess-1").Code },
			want: event.TurnedAway{Reason: event.WrongToken},
		},
		"a wrong token of one who signs in": {
			send: func(h *house) int {
				return h.sends("POST", "/signin", "token=guess-1", "Content-Type", "application/x-www-form-urlencoded").Code
			},
			want: event.TurnedAway{Reason: event.WrongToken},
		},
		"an assertion that Access didn't sign": {
			change: m.asked,
			send:   func(h *house) int { return h.sends("GET", "/", "", "Cf-Access-Jwt-Assertion", "guess-1").Code },
			want:   event.TurnedAway{Reason: event.BadAssertion},
		},
		"one who may only look": {
			change: m.asked,
			send: func(h *house) int {
				return h.sends("POST", "/api/v1/targets/production/sync", "", "Cf-Access-Jwt-Assertion", m.assertion(t, "bob@example.com")).Code
			},
			want: event.TurnedAway{Reason: event.NotOperator, By: "bob@example.com"},
		},
		"the page of another site": {
			send: func(h *house) int {
				return h.sends("POST", "/signin", "token=guess-1", "Sec-Fetch-Site", "cross-site").Code
			},
			want: event.TurnedAway{Reason: event.CrossOrigin},
		},
		"nobody known": {
			send: func(h *house) int { return h.sends("GET", "/", "").Code },
			want: event.TurnedAway{Reason: event.NothingShown},
		},
		"a token that can't be read": {
			change: func(o *web.Options) { o.Token = always(secret.Source{File: "/nowhere"}) },
			send:   func(h *house) int { return h.sends("GET", "/", "", "Authorization", "Bearer guess-1").Code },
			want:   event.TurnedAway{Reason: event.CannotTell},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var told heard
			h := build(t, func(o *web.Options) {
				o.Sink = &told
				if tc.change != nil {
					tc.change(o)
				}
			})
			code := tc.send(h)
			if code < http.StatusBadRequest || len(told.all) != 1 {
				t.Fatalf("answered %d and told %+v", code, told.all)
			}
			got := told.all[0]
			if strings.Contains(got.Said, "guess-1") || got.Said == "" {
				t.Errorf("what is told: %q", got.Said)
			}
			got.Said = ""
			tc.want.Client = "192.0.2.1"
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestWhoComesTooOftenIsTold(t *testing.T) {
	t.Parallel()
	var told heard
	h := build(t, func(o *web.Options) { o.Sink = &told })
	for range 11 {
		h.sends("GET", "/", "", "Authorization", "Bearer guess")
	}
	if last := told.all[len(told.all)-1]; last.Reason != event.TooMany {
		t.Errorf("%+v", last)
	}
}

func TestTurningAwayManyIsNoNews(t *testing.T) {
	t.Parallel()
	var told heard
	h := build(t, func(o *web.Options) { o.Sink = &told })
	const burst = 50
	for range 3 * burst {
		h.sends("POST", "/signin", "", "Sec-Fetch-Site", "cross-site")
	}
	news := slices.IndexFunc(told.all, func(e event.TurnedAway) bool { return e.Often })
	if len(told.all) != 3*burst || news != burst {
		t.Errorf("of %d, %d were news", len(told.all), news)
	}
}
