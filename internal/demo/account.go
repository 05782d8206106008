package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/policy"
)

// latency is what a request to the simulated account takes, about as much as
// one to the real one.
const latency = 50 * time.Millisecond

// Account is a simulated Cloudflare account without policies. Its id and token
// are the simulator's defaults.
type Account struct {
	BaseURL string // where it answers

	server *http.Server
	served chan error
}

// Open opens the socket of an account on the loopback interface, which answers
// until Close, whatever becomes of the context.
func Open(ctx context.Context) (*Account, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open simulated account: %w", err)
	}
	account := simulator.New(simulator.Options{Latency: latency})
	furnish(account)
	a := &Account{
		BaseURL: "http://" + listener.Addr().String() + "/client/v4",
		server:  &http.Server{Handler: account, ReadHeaderTimeout: time.Minute},
		served:  make(chan error, 1),
	}
	go func() { a.served <- a.server.Serve(listener) }()
	return a, nil
}

// Environment returns the lines by which a shell has commands work on this
// account and not on a real one.
func (a *Account) Environment() string {
	return fmt.Sprintf(`export CLOUDFLARE_BASE_URL=%s
export CLOUDFLARE_ACCOUNT_ID=%s
export CLOUDFLARE_API_TOKEN=%s
`, a.BaseURL, simulator.DefaultAccountID, simulator.DefaultToken)
}

// Close closes the account's socket.
func (a *Account) Close() error {
	err := a.server.Close()
	if served := <-a.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// furnish puts into the account what the example's manifests name.
func furnish(account *simulator.Account) {
	for kind, names := range map[policy.Reference][]string{
		policy.ToGroup:        {"Contractors", "Interns"},
		policy.ToProvider:     {"GitHub", "Okta"},
		policy.ToPosture:      {"Disk encryption", "Screen lock"},
		policy.ToServiceToken: {"CI", "Deployments", "Prometheus"},
		policy.ToEmailList:    {"Approvers"},
		policy.ToIPList:       {"Build servers", "Offices"},
	} {
		for _, name := range names {
			account.Add(kind, name)
		}
	}
}
