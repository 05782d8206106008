package diff

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"

	"github.com/policysync/policysync/internal/policy"
)

// Compare returns how two policies differ in meaning, in the order of the
// API's reference; nil stands for no policy. It is empty exactly when
// policy.Equal holds.
func Compare(before, after *policy.Policy) []FieldChange {
	var result []FieldChange
	for _, row := range Align(before, after) {
		if !row.Same(0, 1) {
			result = append(result, FieldChange{row.Path, row.Values[0], row.Values[1]})
		}
	}
	return result
}

// Row is what several policies hold in one place.
type Row struct {
	Path   string // as in FieldChange
	Values []any  // of each policy, as in FieldChange; nil: not there
	texts  []string
}

// Same reports whether the policies of these places in the list mean the same here.
func (r Row) Same(i, j int) bool { return r.texts[i] == r.texts[j] }

// Align sets policies side by side, in the order of the API's reference; nil
// stands for no policy. For a set, such as include, there is one row for each
// element that any of them has.
func Align(policies ...*policy.Policy) []Row {
	var rows []Row
	at := map[string]int{}
	for i, p := range policies {
		for _, l := range leaves(p) {
			n, known := at[l.id]
			if !known {
				n = len(rows)
				at[l.id] = n
				rows = append(rows, Row{l.path, make([]any, len(policies)), make([]string, len(policies))})
			}
			rows[n].Values[i], rows[n].texts[i] = l.value, l.text
		}
	}
	slices.SortStableFunc(rows, func(a, b Row) int {
		return cmp.Or(rank(a.Path)-rank(b.Path), cmp.Compare(a.Path, b.Path))
	})
	return rows
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
