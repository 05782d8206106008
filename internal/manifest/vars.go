package manifest

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/policysync/policysync/internal/yamltree"
)

// reference matches $${, ${vars.NAME}, and a ${ that is neither.
var reference = regexp.MustCompile(`\$\$\{|\$\{vars\.([a-z][a-z0-9_]*)\}|\$\{`)

// fill puts the variables of the target in place of ${vars.NAME} in all values
// below v, and ${ in place of $${. What is put in isn't looked at again.
func (d *document) fill(v *yamltree.Value) {
	for i := range v.Items {
		d.fill(&v.Items[i])
	}
	for i := range v.Entries {
		d.fill(&v.Entries[i].Value)
	}
	if v.Shape == yamltree.Text && strings.Contains(v.Text, "${") {
		d.fillText(v)
	}
}

// fillText fills a text. One that is a single variable and nothing else takes
// the variable's own type.
func (d *document) fillText(v *yamltree.Value) {
	written := v.Text
	text := reference.ReplaceAllStringFunc(written, func(found string) string {
		if found == "$${" {
			return "${"
		}
		value, text := d.variable(found, v)
		if found == written && v.Shape != yamltree.Broken {
			v.Shape = shapeOf(value)
		}
		return text
	})
	switch {
	case v.Shape == yamltree.Broken:
	case v.Style == yamltree.Open: // as it is written, so that two are the same only when they are written alike
	default:
		v.Text, v.Style = text, yamltree.Filled
	}
}

// variable returns the value that is referred to, as it is and as a text. Where
// there is none, v is Broken, which is reported, or Open.
func (d *document) variable(found string, v *yamltree.Value) (value any, text string) {
	name := strings.TrimSuffix(strings.TrimPrefix(found, "${vars."), "}")
	value, known := d.vars[name]
	switch {
	case found == "${":
		d.report(v.Position, "want ${vars.name}, whose name is of a-z, 0-9 and _, or $${ for a plain ${")
	case known:
		return value, textOf(value)
	case d.openVars:
		v.Style = yamltree.Open
		d.unset = append(d.unset, name)
		return "", ""
	default:
		d.unknownVariable(name, v.Position)
	}
	v.Shape = yamltree.Broken
	return nil, ""
}

func (d *document) unknownVariable(name string, at yamltree.Position) {
	if near := nearest(name, d.varNames); near != "" {
		d.report(at, "no variable is named %q: did you mean %q?", yamltree.Short(name), near)
		return
	}
	d.report(at, "no variable is named %q: set it in the vars of the target's config, or by --var", yamltree.Short(name))
}

func textOf(value any) string {
	switch value := value.(type) {
	case bool:
		return strconv.FormatBool(value)
	case json.Number:
		return value.String()
	default:
		text, _ := value.(string)
		return text
	}
}

func shapeOf(value any) yamltree.Shape {
	switch value.(type) {
	case bool:
		return yamltree.Bool
	case json.Number:
		return yamltree.Number
	default:
		return yamltree.Text
	}
}

// isOpen reports whether a value can't be checked, because it isn't known yet:
// its shape is, unless it is a single variable and nothing else.
func isOpen(v yamltree.Value, want yamltree.Shape) bool {
	return v.Style == yamltree.Open && (want == v.Shape || slices.Equal(reference.FindStringIndex(v.Text), []int{0, len(v.Text)}))
}
