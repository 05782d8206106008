// Package tfstate reads which Access policies a Terraform or OpenTofu state
// manages: their ids and names, and nothing else of it. A state is full of
// secrets, so that no error repeats what stands in one but resource addresses.
package tfstate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// Policy is a policy that the state manages.
type Policy struct {
	Address string // such as module.access.cloudflare_zero_trust_access_policy.office["eu"]
	ID      string // the account's
	Name    string // as Terraform last knew it; may be empty
	Account string // the account's id; empty for what belongs to a zone
	AppID   string // the application that it belongs to; empty for a reusable policy
}

// types are those of the provider's versions 5, 4 and before.
func types() []string {
	return []string{"cloudflare_zero_trust_access_policy", "cloudflare_access_policy"}
}

// version is the one format that Terraform since 0.12 and OpenTofu write.
const version = 4

// state is what is read of the format.
type state struct {
	Version   *int            `json:"version"`
	Encrypted json.RawMessage `json:"encrypted_data"`
	Shown     json.RawMessage `json:"format_version"` // of `terraform show -json`
	Resources []resource      `json:"resources"`
}

type resource struct {
	Module    string     `json:"module"`
	Mode      string     `json:"mode"`
	Type      string     `json:"type"`
	Name      string     `json:"name"`
	Instances []instance `json:"instances"`
}

type instance struct {
	Index      any                        `json:"index_key"` // string or number; nil where there is one instance only
	Deposed    string                     `json:"deposed"`   // an object that is about to be destroyed
	Attributes map[string]json.RawMessage `json:"attributes"`
}

// Parse returns the Access policies of a state, in its order. That it has none
// is an error, too.
func Parse(text []byte) ([]Policy, error) {
	s, err := decode(text)
	if err != nil {
		return nil, fmt.Errorf("the Terraform state %w", err)
	}
	var all []Policy
	for _, r := range s.Resources {
		if r.Mode != "managed" || !slices.Contains(types(), r.Type) {
			continue
		}
		for _, i := range r.Instances {
			if i.Deposed != "" {
				continue
			}
			p, err := i.policy(r)
			if err != nil {
				return nil, err
			}
			all = append(all, p)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("the Terraform state manages no Access policies: none of its %d resources is a %s or a %s", len(s.Resources), types()[0], types()[1])
	}
	return all, nil
}

func decode(text []byte) (state, error) {
	var s state
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return s, errors.New("is empty: `terraform state pull` prints the one in use")
	}
	err := json.Unmarshal(text, &s)
	_, misfit := errors.AsType[*json.UnmarshalTypeError](err)
	switch {
	case bytes.HasPrefix(text, []byte("PK")):
		return s, errors.New("is a saved plan: use what `terraform state pull` prints")
	case err != nil && !misfit:
		return s, errors.New("is not JSON: use what `terraform state pull` prints")
	case s.Encrypted != nil:
		return s, errors.New("is encrypted by OpenTofu: use what `tofu state pull` prints")
	case s.Shown != nil:
		return s, errors.New("is the output of `terraform show -json`: use what `terraform state pull` prints")
	case s.Version == nil:
		return s, errors.New("has no version, so it isn't one: use what `terraform state pull` prints")
	case *s.Version < version:
		return s, fmt.Errorf("is of version %d, from before Terraform 0.12, and version %d can be read: let a newer Terraform apply once, which rewrites it", *s.Version, version)
	case *s.Version > version:
		return s, fmt.Errorf("is of version %d, and version %d can be read: update policysync", *s.Version, version)
	case err != nil:
		return s, errors.New("is damaged: its resources are not what they should be; use what `terraform state pull` prints")
	}
	return s, nil
}

func (i instance) policy(r resource) (Policy, error) {
	p := Policy{Address: address(r, i.Index)}
	for name, to := range map[string]*string{"id": &p.ID, "name": &p.Name, "account_id": &p.Account, "application_id": &p.AppID} {
		var value *string
		if text, there := i.Attributes[name]; there && json.Unmarshal(text, &value) != nil {
			return p, fmt.Errorf("the Terraform state is damaged: %s of %s is no text", name, p.Address)
		}
		if value != nil {
			*to = *value
		}
	}
	if p.ID == "" {
		return p, fmt.Errorf("the Terraform state is damaged: %s has no id", p.Address)
	}
	return p, nil
}

// address returns what Terraform calls an instance of a resource.
func address(r resource, index any) string {
	at := r.Type + "." + r.Name
	if r.Module != "" {
		at = r.Module + "." + at
	}
	switch index := index.(type) {
	case string:
		return at + "[" + strconv.Quote(index) + "]"
	case float64:
		return at + "[" + strconv.FormatFloat(index, 'f', -1, 64) + "]"
	}
	return at
}
