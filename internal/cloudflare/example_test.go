package cloudflare_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/policysync/policysync/internal/cloudflare"
	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/secret"
)

func Example() {
	ctx := context.Background()
	client, err := cloudflare.New(cloudflare.Options{
		AccountID: simulator.DefaultAccountID,
		Credentials: func() (cloudflare.Credentials, error) {
			return cloudflare.Credentials{Token: secret.New(simulator.DefaultToken)}, nil
		},
		Budget:    cloudflare.NewBudget(600),
		Transport: simulator.New(simulator.Options{}).Transport(), // leave it out to talk to Cloudflare
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	_, err = client.Create(ctx, policy.Policy{
		Name: "Office", Decision: policy.Bypass,
		Include: []policy.Rule{{Kind: "ip", Body: map[string]any{"ip": "192.0.2.1"}}},
	}, nil)
	if e, ok := errors.AsType[*cloudflare.Error](err); ok && e.Ambiguous {
		fmt.Println("look whether it is there before sending it again:", e)
	}
	all, err := client.List(ctx)
	if err != nil {
		fmt.Println(err)
	}
	for _, p := range all {
		fmt.Println(p.Name, p.Decision, p.Include[0].Body)
	}
	// Output: Office bypass map[ip:192.0.2.1/32]
}
