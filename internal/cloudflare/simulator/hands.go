package simulator

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/policysync/policysync/internal/policy"
)

// Policies returns what the account holds, as answers would show it, in the
// order in which it was made.
func (a *Account) Policies() ([]policy.Live, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := make([]policy.Live, len(a.policies))
	for i, p := range a.policies {
		text, err := json.Marshal(a.shown(p))
		if err != nil {
			return nil, fmt.Errorf("encode policy %s: %w", p.id, err)
		}
		if err := json.Unmarshal(text, &all[i]); err != nil {
			return nil, fmt.Errorf("decode policy %s: %w", p.id, err)
		}
	}
	return all, nil
}

// Seed makes a policy as someone at the dashboard would, and returns its id.
// An error is why the API would refuse it.
func (a *Account) Seed(p policy.Policy) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	body, err := a.taken(p)
	if err != nil {
		return "", err
	}
	return a.add(body).id, nil
}

// Edit replaces a policy as someone at the dashboard would.
func (a *Account) Edit(id string, p policy.Policy) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	edited := a.named(id)
	if edited == nil {
		return fmt.Errorf("there is no policy %s", id)
	}
	body, err := a.taken(p)
	if err != nil {
		return err
	}
	edited.body, edited.updated = body, time.Now()
	return nil
}

// Remove deletes a policy as someone at the dashboard would; applications lose
// it first.
func (a *Account) Remove(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, application := range a.apps {
		application.policies = slices.DeleteFunc(application.policies, func(p string) bool { return p == id })
	}
	a.drop(id)
}

// Attach makes the application of that name use a policy; it comes into being
// where there is none.
func (a *Account) Attach(id, appName string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.named(id) == nil {
		return fmt.Errorf("there is no policy %s", id)
	}
	i := slices.IndexFunc(a.apps, func(application *app) bool { return application.name == appName })
	if i < 0 {
		i = len(a.apps)
		a.apps = append(a.apps, &app{id: uuid.NewString(), name: appName, created: time.Now()})
	}
	if !slices.Contains(a.apps[i].policies, id) {
		a.apps[i].policies = append(a.apps[i].policies, id)
	}
	return nil
}

// Detach ends every application's use of a policy.
func (a *Account) Detach(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, application := range a.apps {
		application.policies = slices.DeleteFunc(application.policies, func(p string) bool { return p == id })
	}
}

// Add makes a thing that rules refer to, and returns its id; an application is
// made by Attach. Names need not differ.
func (a *Account) Add(kind policy.Reference, name string) string {
	return a.addThing(kind, name, "oidc")
}

// AddOneTimePIN makes an identity provider that sends PINs by e-mail, and
// returns its id.
func (a *Account) AddOneTimePIN(name string) string {
	return a.addThing(policy.ToProvider, name, "onetimepin")
}

// addThing makes a thing; provider is the type of one that is an identity provider.
func (a *Account) addThing(kind policy.Reference, name, provider string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	id, now := uuid.NewString(), timestamp(time.Now())
	thing := object{"id": id, "name": name, "created_at": now, "updated_at": now}
	operation := ""
	switch kind {
	case policy.ToGroup:
		operation, thing["include"] = "list_groups", []any{object{"everyone": object{}}}
	case policy.ToServiceToken:
		operation, thing["client_id"] = "list_service_tokens", "88bf3b6d86161464f6509f7219099e57.access"
	case policy.ToProvider:
		operation, thing["type"] = "list_identity_providers", provider
	case policy.ToPosture:
		operation, thing["type"] = "list_posture_rules", "disk_encryption"
	case policy.ToEmailList:
		operation, thing["type"] = "list_lists", "EMAIL"
	case policy.ToIPList:
		operation, thing["type"] = "list_lists", "IP"
	default:
	}
	a.things[operation] = append(a.things[operation], thing)
	return id
}

// taken returns a policy as the account would store it.
func (a *Account) taken(p policy.Policy) (object, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("encode policy: %w", err)
	}
	body, wrong := a.accept(text, nil)
	if wrong != nil {
		return nil, fmt.Errorf("the account refuses the policy: %s at %s", wrong.message, wrong.pointer)
	}
	return body, nil
}
