package manifest

import (
	"reflect"
	"slices"
	"strings"

	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/yamltree"
)

// listed reports whether a list has each of its items on lines of its own.
func (e *editor) listed(list yamltree.Value) bool {
	if list.Shape != yamltree.List || list.Flow || len(list.Items) == 0 {
		return false
	}
	for _, item := range list.Items {
		before := e.lines[item.Line-1][:min(item.Col-1, len(e.lines[item.Line-1]))]
		if strings.TrimSpace(before) != "-" {
			return false
		}
	}
	return true
}

// alterRules takes the rules out of a list that are gone, and appends those
// that are new. An item that stands for several rules is written anew when one
// of them is gone.
func (e *editor) alterRules(f policy.Field, list yamltree.Value) error {
	have, want := rulesOf(e.have, f.Name), rulesOf(e.want, f.Name)
	end := 0
	for _, item := range list.Items {
		from, column := item.Line-1, dash(e.lines[item.Line-1])
		end = e.end(from, column, false)
		rules := e.standsFor(f, from, end)
		kept := slices.DeleteFunc(slices.Clone(rules), func(r policy.Rule) bool { return !holds(want, r) })
		switch {
		case len(kept) == len(rules):
		case len(kept) == 0:
			for from > 0 && strings.HasPrefix(e.lines[from-1], strings.Repeat(" ", column)+"#") { // what is said of it
				from--
			}
			e.edits = append(e.edits, edit{from, end, nil})
		default:
			if err := e.putRules(from, end, column, kept); err != nil {
				return err
			}
		}
	}
	added := slices.DeleteFunc(slices.Clone(want), func(r policy.Rule) bool { return holds(have, r) })
	if len(added) == 0 {
		return nil
	}
	return e.putRules(end, end, dash(e.lines[list.Items[0].Line-1]), added)
}

func (e *editor) putRules(from, to, indent int, rules []policy.Rule) error {
	text, err := yamltree.Encode(e.rules(rules))
	if err != nil {
		return err
	}
	e.replace(from, to, indent, "", string(text))
	return nil
}

// dash returns the column, from 0, at which an item begins.
func dash(line string) int { return strings.Index(line, "-") }

// standsFor returns the canonical rules of a list that stand on these lines.
func (e *editor) standsFor(f policy.Field, from, to int) (rules []policy.Rule) {
	for i, at := range e.origin.placesOf(f.Name) {
		if at.File == e.desired.File && from < at.Line && at.Line <= to {
			rules = append(rules, policy.CanonicalRule(rulesOf(e.declared, f.Name)[i]))
		}
	}
	return rules
}

// holds reports whether a rule is one of some; all are canonical.
func holds(rules []policy.Rule, r policy.Rule) bool {
	return slices.ContainsFunc(rules, func(other policy.Rule) bool { return reflect.DeepEqual(r, other) })
}
