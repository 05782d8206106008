package access

import (
	"encoding/json"
	"strings"
)

// The kinds of names that aren't e-mail addresses.
const (
	groupOf   = "group:"
	serviceOf = "service:"
)

// claims are what an assertion says of who was let through
// (developers.cloudflare.com/cloudflare-one: Application token).
type claims struct {
	Email      string          `json:"email"`
	CommonName string          `json:"common_name"` // the client id of a service token
	Groups     texts           `json:"groups"`
	Custom     json.RawMessage `json:"custom"` // claims of the identity provider that the administrator chose
}

// names returns what they are called, the one that tells most first: by their
// e-mail address, else by their service token; then by their groups.
func (c claims) names() []string {
	var names []string
	switch {
	case isAddress(c.Email):
		names = append(names, c.Email)
	case c.CommonName != "":
		return []string{serviceOf + c.CommonName}
	default:
		return nil
	}
	var custom struct {
		Groups texts `json:"groups"`
	}
	_ = json.Unmarshal(c.Custom, &custom) // what isn't understood gives nobody a right
	for _, group := range append(c.Groups, custom.Groups...) {
		names = append(names, groupOf+group)
	}
	return names
}

// isAddress reports whether a name is an e-mail address: no group that is named
// like one.
func isAddress(name string) bool {
	return strings.Contains(name, "@") && !strings.HasPrefix(name, groupOf) && !strings.HasPrefix(name, serviceOf)
}

// texts are a list of texts or a single one. Anything else counts as none.
type texts []string

// UnmarshalJSON decodes either form (json.Unmarshaler).
func (t *texts) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*t = texts{one}
		return nil
	}
	var many []any
	_ = json.Unmarshal(data, &many) // what isn't understood gives nobody a right
	for _, item := range many {
		if text, ok := item.(string); ok {
			*t = append(*t, text)
		}
	}
	return nil
}
