package diff

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/policysync/policysync/internal/policy"
)

// Compare returns how two policies differ in meaning, in the order of the
// API's reference; nil stands for no policy. It is empty exactly when
// policy.Equal holds.
func Compare(before, after *policy.Policy) []FieldChange {
	old, changed := leaves(before), leaves(after)
	next := make(map[string]leaf, len(changed))
	for _, l := range changed {
		next[l.id] = l
	}
	var result []FieldChange
	seen := make(map[string]bool, len(old))
	for _, l := range old {
		seen[l.id] = true
		n, stays := next[l.id]
		if !stays || n.text != l.text {
			result = append(result, FieldChange{l.path, l.value, n.value})
		}
	}
	for _, l := range changed {
		if !seen[l.id] {
			result = append(result, FieldChange{l.path, nil, l.value})
		}
	}
	slices.SortStableFunc(result, func(a, b FieldChange) int { return rank(a.Path) - rank(b.Path) })
	return result
}

// leaf is a value within a policy that is compared as a whole.
type leaf struct {
	id    string // what it is compared with: its path, and for an element of a set its text
	path  string
	text  string
	value any
}

func leaves(p *policy.Policy) []leaf {
	if p == nil {
		return nil
	}
	c := policy.Canonical(*p)
	all := []leaf{single("name", c.Name), single("decision", string(c.Decision))}
	for _, set := range []struct {
		path  string
		rules []policy.Rule
	}{{"include", c.Include}, {"exclude", c.Exclude}, {"require", c.Require}} {
		for _, r := range set.rules {
			all = append(all, element(set.path, r))
		}
	}
	return append(all, leavesOf("", c.Settings)...)
}

func leavesOf(prefix string, object map[string]any) []leaf {
	var all []leaf
	for _, name := range slices.Sorted(maps.Keys(object)) {
		path := prefix + name
		switch value := object[name].(type) {
		case map[string]any:
			all = append(all, leavesOf(path+".", value)...)
		case []any:
			for _, v := range value {
				all = append(all, element(path, v))
			}
		default:
			all = append(all, single(path, value))
		}
	}
	return all
}

func single(path string, value any) leaf { return leaf{path, path, textOf(value), value} }

func element(path string, value any) leaf {
	text := textOf(value)
	return leaf{path + "\x00" + text, path, text, value}
}

func textOf(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// rank is a path's place in the API's reference; unknown fields come last.
func rank(path string) int {
	for i, f := range policy.Fields() {
		if path == f.Name || len(path) > len(f.Name) && path[:len(f.Name)] == f.Name && path[len(f.Name)] == '.' {
			return i
		}
	}
	return len(policy.Fields())
}
