package manifest

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/yamltree"
)

// scalarType says what a type of field takes.
type scalarType struct {
	want  string                                   // in words
	shape yamltree.Shape                           // what it is written as
	check func(f policy.Field, text string) string // returns what is wrong, or ""
}

var scalarTypes = map[policy.Type]scalarType{
	policy.Text:     {"text", yamltree.Text, checkText},
	policy.Bool:     {"true or false", yamltree.Bool, nil},
	policy.Number:   {"a whole number", yamltree.Number, checkNumber},
	policy.Duration: {"a duration such as 30m or 24h", yamltree.Text, checkDuration},
	policy.Email:    {"an e-mail address", yamltree.Text, checkEmail},
	policy.Domain:   {"a domain", yamltree.Text, checkDomain},
	policy.CIDR:     {"an IP address or block", yamltree.Text, checkCIDR},
	policy.Country:  {"a country's two letters", yamltree.Text, checkCountry},
	policy.URL:      {"an https URL", yamltree.Text, checkURL},
	policy.ID:       {"an id", yamltree.Text, checkID},
	Date:            {"a day such as 2027-01-31", yamltree.Text, checkDate},
	Title:           {"text", yamltree.Text, checkTitle},
}

// scalar returns a value that is neither a list nor an object.
func (d *document) scalar(own owner, f policy.Field, v yamltree.Value) any {
	t := scalarTypes[f.Type]
	if isOpen(v, t.shape) {
		return v.Text
	}
	if v.Shape != t.shape && !(f.Type == Date && v.Shape == yamltree.Date) {
		d.report(v.Position, "%s: want %s, got %s%s", f.Name, t.want, v, mismatchHint(own, f, t, v))
		return nil
	}
	if t.check != nil {
		if problem := t.check(f, v.Text); problem != "" {
			d.report(v.Position, "%s: %s", f.Name, problem)
			return nil
		}
	}
	switch t.shape {
	case yamltree.Bool:
		return isTrue(v.Text)
	case yamltree.Number:
		return json.Number(v.Text)
	default:
		return v.Text
	}
}

// mismatchHint says how to get from what is there to what is wanted.
func mismatchHint(own owner, f policy.Field, t scalarType, v yamltree.Value) string {
	isScalar := slices.Contains([]yamltree.Shape{yamltree.Bool, yamltree.Number, yamltree.Date}, v.Shape)
	switch {
	case v.Style == yamltree.Filled:
		return ", with its variables put in"
	case v.Shape == yamltree.List && len(v.Items) > 0 && own.isRule:
		return ": only one field of a rule may have a list, and that of single values"
	case v.Shape == yamltree.Object && f.Refers != "":
		return ": names are not known of these, write the id"
	case t.shape == yamltree.Text && isScalar && !slices.Contains([]policy.Type{policy.Duration, Date}, f.Type):
		return ": put it in quotes, " + yamltree.Quote(v.Text)
	case t.shape == yamltree.Bool && v.Shape == yamltree.Text && v.Style == yamltree.Plain:
		return boolHint(v.Text)
	case t.shape != yamltree.Text && v.Shape == yamltree.Text && v.Style == yamltree.Quoted:
		return ": remove the quotes"
	}
	return ""
}

// boolHint explains the words that are booleans in YAML 1.1 and text in 1.2.
func boolHint(text string) string {
	switch strings.ToLower(text) {
	case "yes", "y", "on", "true":
		return ": write true"
	case "no", "n", "off", "false":
		return ": write false"
	}
	return ""
}

// isTrue tells true from false in the text of a boolean of YAML 1.2: true,
// True, TRUE.
func isTrue(text string) bool { return strings.EqualFold(text, "true") }
