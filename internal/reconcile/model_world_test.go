package reconcile_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/policysync/policysync/internal/apply"
	"github.com/policysync/policysync/internal/cloudflare"
	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/guard"
	"github.com/policysync/policysync/internal/reconcile"
	"github.com/policysync/policysync/internal/secret"
	"github.com/policysync/policysync/internal/state/sqlite"
)

// model is a target in a world where anything may go wrong, and what is known
// of that world independently of policysync.
type model struct {
	*reconcile.Reconciler
	t        *testing.T
	settings settings
	account  *simulator.Account
	store    *sqlite.Store
	path     string // of the state
	git      *repository
	sound    []declaration     // in Git, when it last was valid
	made     map[string]string // ids of policies that creates of ours made and that nobody has touched unseen, to their keys
	guarded  map[string]bool   // ids of policies whose last manifest seen says protect
	edited   map[string]bool   // ids of policies that somebody has changed since policysync last wrote them
	seen     sight             // when everything was last looked at
	notes    strings.Builder

	mu     sync.Mutex
	left   int // requests that may leave before the process is stopped; 0: any
	cancel context.CancelFunc
	sent   []time.Time // when each request left
}

func newModel(t *testing.T, path string, with settings) *model {
	m := &model{
		t: t, settings: with, path: path, git: &repository{}, made: map[string]string{}, guarded: map[string]bool{}, edited: map[string]bool{},
		account: simulator.New(simulator.Options{Quirks: with.Quirks, Latency: 50 * time.Millisecond, MaxPerPage: 3}),
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	m.declare(declaration{name: names[0]}, declaration{name: names[1]})
	m.start()
	return m
}

// start begins as a new process would, with nothing but the files.
func (m *model) start() {
	store, err := sqlite.Open(m.t.Context(), m.path)
	if err != nil {
		m.t.Fatal(err)
	}
	budget, err := cloudflare.OpenBudget(m.path+".budget", m.settings.Budget)
	if err != nil {
		m.t.Fatal(err)
	}
	client, err := cloudflare.New(cloudflare.Options{
		AccountID: simulator.DefaultAccountID, Transport: m, Budget: budget,
		Credentials: func() (cloudflare.Credentials, error) {
			return cloudflare.Credentials{Token: secret.New(simulator.DefaultToken)}, nil
		},
	})
	if err != nil {
		m.t.Fatal(err)
	}
	m.store = store
	m.Reconciler = &reconcile.Reconciler{
		Planner: reconcile.Planner{
			Target: "production", Source: m.git, Account: client, Records: store, Sink: event.Sinks{},
			Mode: m.settings.Mode, Adopt: m.settings.Adopt, Drift: m.settings.Drift,
		},
		Executor: apply.Executor{Account: client, Journal: store, Concurrency: m.settings.Concurrency, Sink: event.Sinks{}},
		Runs:     store, FullListEvery: 10 * time.Minute, Rules: guard.Rules{Limits: m.settings.Limits},
	}
}

func (m *model) stop() {
	if err := m.store.Close(); err != nil {
		m.t.Error(err)
	}
}

func (m *model) restart() {
	m.stop()
	m.start()
}

// stopMidway begins a run, tells the process to stop when so many requests
// have left, and starts it anew.
func (m *model) stopMidway(requests int) error {
	ctx, cancel := context.WithCancel(m.t.Context())
	defer cancel()
	m.mu.Lock()
	m.left, m.cancel = requests+1, cancel
	m.mu.Unlock()
	err := m.run(ctx, event.Startup)
	m.mu.Lock()
	m.left = 0
	m.mu.Unlock()
	m.restart()
	return err
}

// RoundTrip sends a request to the account.
func (m *model) RoundTrip(r *http.Request) (*http.Response, error) {
	m.mu.Lock()
	m.sent = append(m.sent, time.Now())
	if m.left > 0 {
		if m.left--; m.left == 0 {
			m.cancel()
		}
	}
	m.mu.Unlock()
	return m.account.Transport().RoundTrip(r)
}

// note writes down what happened, for whoever has to find out why.
func (m *model) note(format string, args ...any) {
	fmt.Fprintf(&m.notes, "%s "+format+"\n", append([]any{time.Now().Format("02 15:04:05")}, args...)...)
}

func (m *model) log() string { return m.notes.String() }
