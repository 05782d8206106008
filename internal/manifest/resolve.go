package manifest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/policysync/policysync/internal/diagnostic"
	"github.com/policysync/policysync/internal/policy"
)

// References returns what kinds of things the set refers to by name, sorted:
// what Resolve needs the lists of.
func (s Set) References() []policy.Reference {
	seen := map[policy.Reference]bool{}
	for _, i := range s.Named {
		rewrite(s.Policies[i].Policy, func(n policy.Name) any {
			seen[n.Refers] = true
			return n
		})
	}
	return slices.Sorted(maps.Keys(seen))
}

// Resolve returns the set with ids in place of names; things are all that the
// account has of each of References. The error is a diagnostic.List of all
// names that nothing bears, or that several things do.
func (s Set) Resolve(things map[policy.Reference][]policy.Thing) (Set, error) {
	var errs diagnostic.List
	s.Policies = slices.Clone(s.Policies)
	for _, i := range s.Named {
		s.Policies[i].Policy = rewrite(s.Policies[i].Policy, func(n policy.Name) any {
			id, problem := lookUp(n, things[n.Refers])
			if problem != "" {
				finding := n.At
				finding.Message = problem
				errs = append(errs, finding)
			}
			return id
		})
	}
	s.Named = nil
	errs.Sort()
	if err := slices.Compact(errs).Err(); err != nil { // a rule of a rule set stands in many policies
		return Set{Warnings: s.Warnings, Files: s.Files}, err
	}
	return s, nil
}

// lookUp returns the id of what is named, or what is wrong.
func lookUp(n policy.Name, things []policy.Thing) (id, problem string) {
	var ids, names []string
	for _, t := range things {
		names = append(names, t.Name)
		if t.Name == n.Name {
			ids = append(ids, t.ID)
		}
	}
	switch quoted := fmt.Sprintf("%q", n.Name); {
	case len(ids) == 1:
		return ids[0], ""
	case len(ids) > 1:
		slices.Sort(ids)
		return "", fmt.Sprintf("%d %ss are named %s (%s): write the id of the one that is meant", len(ids), n.Refers, quoted, strings.Join(ids, ", "))
	case len(things) == 0:
		return "", fmt.Sprintf("no %s is named %s: the account has none", n.Refers, quoted)
	default:
		if near := nearest(n.Name, names); near != "" {
			return "", fmt.Sprintf("no %s is named %s: did you mean %q?", n.Refers, quoted, near)
		}
		return "", fmt.Sprintf("no %s is named %s", n.Refers, quoted)
	}
}

// rewrite returns a copy of a policy in which something else stands in place
// of each name.
func rewrite(p policy.Policy, as func(policy.Name) any) policy.Policy {
	for _, rules := range []*[]policy.Rule{&p.Include, &p.Exclude, &p.Require} {
		*rules = slices.Clone(*rules)
		for i, r := range *rules {
			(*rules)[i].Body = rewriteValue(r.Body, as)
		}
	}
	p.Settings, _ = rewriteValue(p.Settings, as).(map[string]any)
	return p
}

func rewriteValue(value any, as func(policy.Name) any) any {
	switch v := value.(type) {
	case policy.Name:
		return as(v)
	case map[string]any:
		object := maps.Clone(v)
		for name, element := range v {
			object[name] = rewriteValue(element, as)
		}
		return object
	case []any:
		list := slices.Clone(v)
		for i, element := range v {
			list[i] = rewriteValue(element, as)
		}
		return list
	default:
		return value
	}
}
