package simulator

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/policysync/policysync/internal/policy"
)

// canonical returns a checked body as the real API is known to store it, so
// that what is read isn't what was written: a bare IP address becomes a block
// of one; false, null, "" and empty lists and objects are left out; mfa_config
// gets mfa_disabled; what the API doesn't know is dropped. It shares nothing
// with policy.Canonical, which is to cope with it.
func (a *Account) canonical(sent object) object {
	body := a.known(policy.Fields(), sent)
	if mfa, ok := sent["mfa_config"].(object); ok {
		kept := a.known(fieldNamed("mfa_config").Fields, mfa)
		if kept["mfa_disabled"] == nil {
			kept["mfa_disabled"] = false
		}
		body["mfa_config"] = kept
	}
	if body["include"] == nil {
		body["include"] = []any{}
	}
	if body["session_duration"] == nil && a.options.Quirks.DefaultDuration {
		body["session_duration"] = "24h"
	}
	return body
}

func fieldNamed(name string) policy.Field {
	fields := policy.Fields()
	return fields[slices.IndexFunc(fields, func(f policy.Field) bool { return f.Name == name })]
}

// known returns those of an object's fields that are known and say something.
func (a *Account) known(fields []policy.Field, o object) object {
	kept := object{}
	for _, f := range fields {
		value := o[f.Name]
		if list, ok := value.([]any); ok {
			var many []any
			for _, element := range list {
				many = append(many, a.value(f, element))
			}
			if many != nil {
				kept[f.Name] = many
			}
			continue
		}
		switch value := a.value(f, value).(type) {
		case nil:
		case bool:
			if value {
				kept[f.Name] = true
			}
		case string:
			if value != "" {
				kept[f.Name] = value
			}
		case object:
			if len(value) > 0 {
				kept[f.Name] = value
			}
		default:
			kept[f.Name] = value
		}
	}
	return kept
}

// value returns one value of a field as it is stored.
func (a *Account) value(f policy.Field, value any) any {
	fold := a.options.Quirks.FoldCase
	switch v := value.(type) {
	case object:
		if f.Type == policy.Rules {
			return a.rule(v)
		}
		return a.known(f.Fields, v)
	case string:
		switch {
		case f.Type == policy.CIDR:
			return block(v)
		case f.Type == policy.Email && fold:
			return strings.ToLower(v)
		case f.Type == policy.Country && fold:
			return strings.ToUpper(v)
		}
	}
	return value
}

func (a *Account) rule(rule object) object {
	for name, value := range rule {
		kind, known := policy.KindNamed(name)
		if body, ok := value.(object); known && ok {
			return object{name: a.known(kind.Fields, body)}
		}
	}
	return rule
}

func block(text string) string {
	addr, err := netip.ParseAddr(text)
	switch {
	case err != nil:
		return text
	case addr.Is4():
		return text + "/32"
	default:
		return text + "/128"
	}
}
