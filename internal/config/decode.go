package config

import (
	"encoding"
	"reflect"
	"strconv"
	"strings"

	"github.com/policysync/policysync/internal/diagnostic"
	"github.com/policysync/policysync/internal/secret"
	"github.com/policysync/policysync/internal/yamltree"
)

// root returns the file's one YAML document, or reports why there is none.
func (f *findings) root() (root yamltree.Value, ok bool) {
	for document := range f.file.Documents() {
		if ok {
			f.report(place{Position: document.Position}, "a second YAML document begins here: a config is one document")
			break
		}
		root, ok = document, true
	}
	if root.Shape == yamltree.Null || !ok && len(f.file.Findings()) == 0 {
		f.report(place{Position: yamltree.Position{Line: 1, Col: 1}}, "the file says nothing: at least one target is needed")
		return root, false
	}
	return root, ok
}

// decoder sets the fields of a Config from YAML values, by their yaml tags.
// It goes on after a finding, so that all of them are told at once.
type decoder struct {
	*findings
	env       Env
	elsewhere bool // policysync runs on another machine, where other variables are set
}

// What findings call a value that has no key of its own.
const (
	wholeFile = "the file"
	itemOf    = "an item of "
)

// value decodes a YAML value into a field; key is its name in findings.
func (d *decoder) value(v yamltree.Value, to reflect.Value, key string) {
	p, field := place{Position: v.Position, raw: v.Text}, to.Addr().Interface()
	want := shapeOf(to)
	switch {
	case v.Shape == yamltree.Broken:
		p.refused = true
	case v.Shape == yamltree.Null && want != yamltree.Text: // a section whose keys are all commented out
	case v.Shape == yamltree.Null:
		d.report(p, "%s has no value: write one, or leave the key out", key)
		p.refused = true
	case v.Shape == yamltree.Object && want == yamltree.Object:
		if vars, ok := field.(*Vars); ok {
			d.vars(v, vars)
		} else {
			d.object(v, to, key)
		}
	case v.Shape == yamltree.List && want == yamltree.List:
		d.list(v, to, key)
	case v.Shape != yamltree.Object && v.Shape != yamltree.List && want == yamltree.Text:
		p.refused = !d.scalar(p, field, key)
	default:
		d.report(p, "%s: want %s, got %s", key, shapeName(want), shapeName(v.Shape))
		p.refused = true
	}
	d.places[field] = p
}

// shapeOf returns what a field is decoded from: an object, a list, or text,
// which stands for all single values.
func shapeOf(to reflect.Value) yamltree.Shape {
	switch to.Addr().Interface().(type) {
	case encoding.TextUnmarshaler, *secret.Source:
		return yamltree.Text
	}
	switch to.Kind() {
	case reflect.Struct, reflect.Map:
		return yamltree.Object
	case reflect.Slice:
		return yamltree.List
	default:
		return yamltree.Text
	}
}

func shapeName(s yamltree.Shape) string {
	switch s {
	case yamltree.Object:
		return "keys with values"
	case yamltree.List:
		return "a list"
	default:
		return "a single value"
	}
}

func (d *decoder) object(v yamltree.Value, to reflect.Value, key string) {
	fields, known := map[string]int{}, []string{}
	for i := range to.NumField() {
		if name := to.Type().Field(i).Tag.Get("yaml"); name != "-" {
			fields[name], known = i, append(known, name)
		}
	}
	for _, e := range v.Entries {
		if i, ok := fields[e.Key]; ok {
			d.value(e.Value, to.Field(i), under(key, e.Key))
		} else {
			d.unknown(e, known)
		}
	}
}

// under names a key for findings: with the keys above it in its target.
func under(section, key string) string {
	if section == wholeFile || section == itemOf+"targets" {
		return key
	}
	return section + "." + key
}

func (d *decoder) unknown(e yamltree.Entry, known []string) {
	hint := "known here are " + strings.Join(known, ", ")
	if near := diagnostic.Nearest(e.Key, known); near != "" {
		hint = "did you mean " + yamltree.Quote(near) + "?"
	}
	d.report(place{Position: e.At}, "unknown key %s: %s", yamltree.Quote(e.Key), hint)
}

func (d *decoder) list(v yamltree.Value, to reflect.Value, key string) {
	if len(v.Items) == 0 {
		return
	}
	to.Set(reflect.MakeSlice(to.Type(), len(v.Items), len(v.Items)))
	for i, item := range v.Items {
		if target, ok := reflect.TypeAssert[*Target](to.Index(i).Addr()); ok {
			target.setDefaults()
		}
		d.value(item, to.Index(i), itemOf+key)
	}
}

// scalar decodes a single value and reports whether it could.
func (d *decoder) scalar(p place, field any, key string) bool {
	if d.elsewhere && key != "name" && unset(p.raw, d.env) {
		return false
	}
	text, problems := expand(p.raw, d.env)
	for _, problem := range problems {
		d.report(p, "%s: %s", key, problem)
	}
	if problems != nil {
		return false
	}
	err := set(field, text)
	if err == nil {
		return true
	}
	wanted := err.Error()
	if _, after, ok := strings.Cut(wanted, strconv.Quote(text)+": "); ok {
		wanted = after // refuse shows the value, as written
	}
	d.refuse(p, key, wanted)
	return false
}
