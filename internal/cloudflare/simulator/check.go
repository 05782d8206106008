package simulator

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/policysync/policysync/internal/policy"
)

// What the real API answers to every kind of bad body.
const (
	codeInvalid = 12130
	invalid     = "access.api.error.invalid_request: "
)

// problem is what is wrong with a body, and where.
type problem struct{ pointer, message string }

func (p *problem) refusal() answer {
	return refusal(http.StatusBadRequest, object{
		"code": codeInvalid, "message": invalid + p.message, "source": object{"pointer": p.pointer},
	})
}

// accept returns a request's body as it is to be stored, or what is wrong with
// it. An update names what was stored before.
func (a *Account) accept(text []byte, before object) (object, *problem) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var sent object
	if decoder.Decode(&sent) != nil || sent == nil {
		return nil, &problem{"", "invalid request body"}
	}
	if a.options.Quirks.KeepOmitted {
		for name, value := range before {
			if _, named := sent[name]; !named {
				sent[name] = value
			}
		}
	}
	if wrong := a.checkFields("", policy.Fields(), sent); wrong != nil {
		return nil, wrong
	}
	return a.canonical(sent), nil
}

// checkFields checks an object's known fields; others are let pass.
func (a *Account) checkFields(at string, fields []policy.Field, o object) *problem {
	for _, f := range fields {
		value, named := o[f.Name]
		at := at + "/" + f.Name
		switch {
		case !named && !f.Required, value == nil && f.Nullable:
			continue
		case !named:
			return &problem{at, "missing '" + f.Name + "'"}
		}
		if wrong := a.checkField(at, f, value); wrong != nil {
			return wrong
		}
	}
	return nil
}

func (a *Account) checkField(at string, f policy.Field, value any) *problem {
	if !f.Many && f.Type != policy.Rules {
		return a.checkValue(at, f, value)
	}
	list, ok := value.([]any)
	mayBeEmpty := !f.Required || f.Type == policy.Rules && a.options.Quirks.AcceptEmptyInclude
	if !ok || len(list) == 0 && !mayBeEmpty {
		return &problem{at, "invalid '" + f.Name + "' configuration"}
	}
	for i, element := range list {
		if wrong := a.checkValue(at+"/"+strconv.Itoa(i), f, element); wrong != nil {
			return wrong
		}
	}
	return nil
}

// checkValue checks one value of a field, by its type only as far as JSON and
// the schema go.
func (a *Account) checkValue(at string, f policy.Field, value any) *problem {
	wrong := &problem{at, "invalid '" + f.Name + "' configuration"}
	switch f.Type {
	case policy.Rules:
		return a.checkRule(at, f, value)
	case policy.Object:
		o, ok := value.(object)
		if !ok {
			return wrong
		}
		return a.checkFields(at, f.Fields, o)
	case policy.Bool:
		if _, ok := value.(bool); !ok {
			return wrong
		}
	case policy.Number:
		n, ok := value.(json.Number)
		if f, err := n.Float64(); !ok || err != nil || f < 0 {
			return wrong
		}
	default:
		text, ok := value.(string)
		if !ok || text == "" && f.Required || len(f.Enum) > 0 && !slices.Contains(f.Enum, text) {
			return wrong
		}
		if _, err := time.ParseDuration(text); f.Type == policy.Duration && text != "" && err != nil {
			return wrong
		}
	}
	return nil
}

func (a *Account) checkRule(at string, f policy.Field, value any) *problem {
	wrong := &problem{at, "invalid '" + f.Name + "' configuration"}
	rule, ok := value.(object)
	if !ok || len(rule) != 1 {
		return wrong
	}
	for name, value := range rule {
		kind, known := policy.KindNamed(name)
		if !known && a.options.Quirks.AcceptUnknownRules {
			return nil
		}
		body, isObject := value.(object)
		if !known || !isObject {
			return wrong
		}
		if within := a.checkFields(at+"/"+name, kind.Fields, body); within != nil {
			wrong.pointer = within.pointer
			return wrong
		}
	}
	return nil
}
