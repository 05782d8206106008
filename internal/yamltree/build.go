package yamltree

import (
	"slices"

	"gopkg.in/yaml.v3"
)

// builder turns the nodes of one document into values. Aliases are expanded
// by building their target again: simple, and bounded by left.
type builder struct {
	file        *File
	linesBefore int
	left        int          // values that may still be built; below 0: given up
	open        []*yaml.Node // the objects and lists being built, outermost first
}

func (b *builder) build(n *yaml.Node) Value {
	at := b.position(n)
	if b.left--; b.left < 0 {
		b.giveUp(at)
		return Value{}
	}
	v := b.value(n)
	v.Position = at
	return v
}

// giveUp reports once that the document is too large.
func (b *builder) giveUp(at Position) {
	if b.left == -1 {
		b.file.Report(at, "the document has more than %d values after its aliases are expanded", MaxValues)
	}
}

func (b *builder) value(n *yaml.Node) Value {
	if n.Style&yaml.TaggedStyle != 0 {
		b.file.Report(b.position(n), "tag %s is not supported: remove it, and put text in quotes", Short(n.Tag))
		return Value{}
	}
	switch n.Kind {
	case yaml.AliasNode:
		return b.alias(n)
	case yaml.MappingNode:
		return b.nested(n, b.object)
	case yaml.SequenceNode:
		return b.nested(n, b.list)
	default:
		return scalar(n)
	}
}

// nested builds an object or list, one level down.
func (b *builder) nested(n *yaml.Node, build func(*yaml.Node) Value) Value {
	if len(b.open) >= MaxDepth {
		b.file.Report(b.position(n), "nested more than %d deep", MaxDepth)
		return Value{}
	}
	b.open = append(b.open, n)
	v := build(n)
	b.open = b.open[:len(b.open)-1]
	return v
}

func (b *builder) alias(n *yaml.Node) Value {
	if slices.Contains(b.open, n.Alias) {
		b.file.Report(b.position(n), "alias %s stands within its own anchor", Quote("*"+n.Value))
		return Value{}
	}
	return b.build(n.Alias)
}

func scalar(n *yaml.Node) Value {
	shape := Text
	switch n.Tag {
	case "!!null":
		shape = Null
	case "!!bool":
		shape = Bool
	case "!!int", "!!float":
		shape = Number
	case "!!timestamp":
		shape = Date
	}
	v := Value{Shape: shape, Text: n.Value}
	if n.Style == 0 {
		v.Style = Plain
	}
	return v
}

func (b *builder) list(n *yaml.Node) Value {
	v := Value{Shape: List, Flow: n.Style&yaml.FlowStyle != 0, Items: make([]Value, 0, len(n.Content))}
	for _, child := range n.Content {
		if v.Items = append(v.Items, b.build(child)); b.left < 0 {
			return Value{}
		}
	}
	return v
}

func (b *builder) object(n *yaml.Node) Value {
	o := objectBuilder{entries: make([]Entry, 0, len(n.Content)/2)}
	var merge *Entry
	for i := 0; i+1 < len(n.Content) && b.left >= 0; i += 2 {
		at, isMerge := b.position(n.Content[i]), n.Content[i].Tag == "!!merge"
		key, ok := b.key(n.Content[i])
		e := Entry{key, at, b.build(n.Content[i+1])}
		switch first, seen := o.find(key); {
		case !ok:
		case isMerge && merge != nil:
			b.file.Report(at, "key \"<<\" is already on line %d: merge several objects with <<: [*a, *b]", merge.At.Line)
		case isMerge:
			merge = &e
		case seen:
			b.file.Report(at, "key %s is already on line %d: remove one", Quote(key), first.Line)
		default:
			o.add(e)
		}
	}
	if b.left < 0 || merge != nil && !b.merge(&o, merge.Value) {
		return Value{}
	}
	return Value{Shape: Object, Flow: n.Style&yaml.FlowStyle != 0, Entries: o.entries}
}

// key returns an object's key and whether it is text.
func (b *builder) key(n *yaml.Node) (string, bool) {
	v := b.build(n)
	if v.Shape != Text && v.Shape != Broken {
		hint := ": put it in quotes"
		if v.Shape == List || v.Shape == Object || v.Shape == Null {
			hint = ""
		}
		b.file.Report(v.Position, "want text as a key, got %s%s", v, hint)
	}
	return v.Text, v.Shape == Text
}

// merge adds the entries of a merge key's value that the object doesn't have
// itself; of several objects the first counts.
func (b *builder) merge(o *objectBuilder, from Value) bool {
	objects := []Value{from}
	if from.Shape == List {
		objects = from.Items
	}
	for _, object := range objects {
		if object.Shape == Broken {
			return false
		}
		if object.Shape != Object {
			b.file.Report(object.Position, "key \"<<\": want an alias of an object or a list of such, got %s", object)
			return false
		}
		for _, e := range object.Entries {
			if _, seen := o.find(e.Key); !seen {
				o.add(e)
			}
		}
	}
	return true
}

// position returns where a node stands in the file.
func (b *builder) position(n *yaml.Node) Position {
	return Position{n.Line + b.linesBefore, n.Column}
}

// objectBuilder collects entries and finds them by key: by looking at each
// while they are few, as nearly always, and by a map when they are many.
type objectBuilder struct {
	entries []Entry
	byKey   map[string]int
}

// few is how many entries are searched one by one.
const few = 16

func (o *objectBuilder) add(e Entry) {
	o.entries = append(o.entries, e)
	switch {
	case o.byKey != nil:
		o.byKey[e.Key] = len(o.entries) - 1
	case len(o.entries) > few:
		o.byKey = make(map[string]int, 2*len(o.entries))
		for i, e := range o.entries {
			o.byKey[e.Key] = i
		}
	}
}

// find returns where the key of that name stands.
func (o *objectBuilder) find(key string) (Position, bool) {
	if o.byKey != nil {
		i, found := o.byKey[key]
		if !found {
			return Position{}, false
		}
		return o.entries[i].At, true
	}
	for _, e := range o.entries {
		if e.Key == key {
			return e.At, true
		}
	}
	return Position{}, false
}
