package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/policysync/policysync/internal/yamltree"
)

// Vars are what manifests may take from their target, by name: texts, booleans
// and json.Numbers.
type Vars map[string]any

var (
	varName     = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	wholeNumber = regexp.MustCompile(`^-?(0|[1-9]\d{0,14})$`)
)

// Set adds the variable of an assignment, NAME=VALUE. The words true and false
// and whole numbers are what they look like, all else is text.
func (v *Vars) Set(assignment string) error {
	name, text, found := strings.Cut(assignment, "=")
	switch {
	case !found:
		return errors.New("want NAME=VALUE")
	case !varName.MatchString(name):
		return fmt.Errorf("variable %q: %s", name, wantVarName)
	case utf8.RuneCountInString(text) > longestVar:
		return fmt.Errorf("variable %s: %s", name, wantShorter)
	}
	if *v == nil {
		*v = Vars{}
	}
	(*v)[name] = typed(text)
	return nil
}

// longestVar bounds, in characters, what a manifest of many references can grow
// to.
const longestVar = 1000

const (
	wantVarName = "want a name of a-z, 0-9 and _ that begins with a letter"
	wantShorter = "want at most 1000 characters"
)

// typed returns what a text without quotes is taken for.
func typed(text string) any {
	switch {
	case text == "true" || text == "false":
		return text == "true"
	case wholeNumber.MatchString(text):
		return json.Number(text)
	default:
		return text
	}
}

// vars decodes the section of a target that holds its variables.
func (d *decoder) vars(v yamltree.Value, to *Vars) {
	*to = make(Vars, len(v.Entries))
	for _, e := range v.Entries {
		if !varName.MatchString(e.Key) {
			d.report(place{Position: e.At}, "vars.%s: %s", yamltree.Short(e.Key), wantVarName)
			continue
		}
		if value, ok := d.variable(e.Value, "vars."+e.Key); ok {
			(*to)[e.Key] = value
		}
	}
}

// variable returns what a variable is set to, and false where that can't be,
// which is then reported.
func (d *decoder) variable(v yamltree.Value, key string) (value any, ok bool) {
	p := place{Position: v.Position, raw: v.Text}
	switch v.Shape {
	case yamltree.Bool:
		value, _ = strconv.ParseBool(v.Text)
		return value, true
	case yamltree.Number:
		if json.Valid([]byte(v.Text)) {
			return json.Number(v.Text), true
		}
		d.refuse(p, key, "want a number in decimal, or quotes around it")
	case yamltree.Text, yamltree.Date:
		return d.textVariable(v, p, key)
	case yamltree.Null:
		d.report(p, "%s has no value: write one, or \"\" for an empty text", key)
	case yamltree.List, yamltree.Object:
		d.report(p, "%s: want text, a number or a boolean, got %s", key, v)
	default:
	}
	return nil, false
}

// textVariable returns a text with the environment's variables put in. Without
// quotes, the whole is then taken for what it looks like.
func (d *decoder) textVariable(v yamltree.Value, p place, key string) (value any, ok bool) {
	text, problems := expand(v.Text, d.env)
	for _, problem := range problems {
		d.report(p, "%s: %s", key, problem)
	}
	switch {
	case problems != nil:
		return nil, false
	case utf8.RuneCountInString(text) > longestVar:
		d.refuse(p, key, wantShorter)
		return nil, false
	case v.Style == yamltree.Plain && text != v.Text:
		return typed(text), true
	default:
		return text, true
	}
}
