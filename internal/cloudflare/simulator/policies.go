package simulator

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"
)

// stored is a policy as the account holds it.
type stored struct {
	id               string
	body             object
	created, updated time.Time
}

// app is an application that uses policies.
type app struct {
	id, name string
	policies []string
	created  time.Time
}

func (a *Account) listPolicies() []object {
	var list []object
	for _, p := range a.policies {
		list = append(list, a.shown(p))
	}
	if a.options.Quirks.NewestFirst {
		slices.Reverse(list)
	}
	return list
}

func (a *Account) create(c call) answer {
	body, wrong := a.accept(c.body, nil)
	if wrong != nil {
		return wrong.refusal()
	}
	return success(http.StatusCreated, a.shown(a.add(body)))
}

func (a *Account) add(body object) *stored {
	now := time.Now()
	p := &stored{id: uuid.NewString(), body: body, created: now, updated: now}
	a.policies = append(a.policies, p)
	return p
}

func (a *Account) get(c call) answer {
	p := a.named(c.id)
	if p == nil {
		return notFound()
	}
	return success(http.StatusOK, a.shown(p))
}

func (a *Account) update(c call) answer {
	p := a.named(c.id)
	if p == nil {
		return notFound()
	}
	body, wrong := a.accept(c.body, p.body)
	if wrong != nil {
		return wrong.refusal()
	}
	p.body, p.updated = body, time.Now()
	return success(http.StatusOK, a.shown(p))
}

func (a *Account) delete(c call) answer {
	p := a.named(c.id)
	if p == nil {
		return notFound()
	}
	if n := a.uses(c.id); n > 0 {
		return failure(http.StatusConflict, codeInvalid, fmt.Sprintf("access.api.error.conflict: policy is used by %d application(s)", n))
	}
	a.drop(c.id)
	return success(http.StatusAccepted, object{"id": c.id})
}

func (a *Account) drop(id string) {
	a.policies = slices.DeleteFunc(a.policies, func(p *stored) bool { return p.id == id })
}

func (a *Account) named(id string) *stored {
	for _, p := range a.policies {
		if p.id == id {
			return p
		}
	}
	return nil
}

func (a *Account) uses(id string) int {
	n := 0
	for _, application := range a.apps {
		if slices.Contains(application.policies, id) {
			n++
		}
	}
	return n
}

// shown returns a policy as answers hold it.
func (a *Account) shown(p *stored) object {
	o := maps.Clone(p.body)
	o["id"], o["app_count"], o["reusable"] = p.id, a.uses(p.id), true
	o["created_at"], o["updated_at"] = timestamp(p.created), timestamp(p.updated)
	if _, set := o["session_duration"]; !set && a.options.Quirks.NullDuration {
		o["session_duration"] = nil
	}
	for _, name := range []string{"exclude", "require"} {
		if _, set := o[name]; !set && a.options.Quirks.EmptyRules {
			o[name] = []any{}
		}
	}
	return o
}

func (a *Account) listApps() []object {
	var list []object
	for _, application := range a.apps {
		var policies []object
		for i, id := range application.policies {
			linked := a.shown(a.named(id))
			linked["precedence"] = i + 1
			policies = append(policies, linked)
		}
		list = append(list, object{
			"id": application.id, "name": application.name, "type": "self_hosted", "domain": "app.example.com",
			"created_at": timestamp(application.created), "updated_at": timestamp(application.created),
			"policies": append([]object{}, policies...),
		})
	}
	return list
}

func timestamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func notFound() answer {
	return failure(http.StatusNotFound, 12083, "access.api.error.policy_not_found")
}
