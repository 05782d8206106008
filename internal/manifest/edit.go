package manifest

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/yamltree"
)

// Edit returns a file's content in which the document of d, which Decode and
// Resolve gave with that origin, declares p. The lines that say what is said still are left
// as they are, with their comments. It tries to alter single rules, then whole
// fields, then the document, and returns the first content that fits takes;
// nil where it takes none.
func Edit(content []byte, d policy.Desired, origin *Origin, p policy.Policy, names Names, fits func(content []byte) bool) ([]byte, error) {
	e := newEditor(string(content), d, p, names)
	e.origin = origin
	if e.root.Shape != yamltree.Object {
		return nil, nil
	}
	for _, alter := range []func() error{e.rulesAndFields, e.fields, e.document} {
		e.edits = nil
		if err := alter(); err != nil {
			return nil, err
		}
		if edited := []byte(e.apply()); fits(edited) {
			return edited, nil
		}
	}
	return nil, nil
}

// editor collects what is to be altered in a file.
type editor struct {
	encoder
	declared   policy.Policy
	origin     *Origin        // of declared
	desired    policy.Desired // with the policy as it is to be
	have, want policy.Policy  // canonical
	lines      []string       // with their ends
	root       yamltree.Value // the document
	edits      []edit
}

// edit puts other lines in the place of some.
type edit struct {
	from, to int // from 0, without to
	lines    []string
}

func newEditor(content string, d policy.Desired, p policy.Policy, names Names) *editor {
	e := &editor{encoder: encoder{names}, declared: d.Policy, desired: d, have: policy.Canonical(d.Policy), want: policy.Canonical(p)}
	e.desired.Policy = p
	e.lines = strings.SplitAfter(content, "\n")
	for root := range yamltree.New(d.File, []byte(content)).Documents() {
		if root.Line == d.Line {
			e.root = root
		}
	}
	return e
}

// apply returns the content with the edits made, in the line ends that it has.
// It begins at the end, so that lines keep their numbers; of those at one line,
// with what replaces it and then with what comes before it, the last first.
func (e *editor) apply() string {
	slices.Reverse(e.edits)
	slices.SortStableFunc(e.edits, func(a, b edit) int { return cmp.Or(b.from-a.from, b.to-a.to) })
	lines := slices.Clone(e.lines)
	for _, x := range e.edits {
		if strings.HasSuffix(e.lines[0], "\r\n") {
			for i := range x.lines {
				x.lines[i] = strings.TrimSuffix(x.lines[i], "\n") + "\r\n"
			}
		}
		if x.from > 0 && !strings.HasSuffix(lines[x.from-1], "\n") {
			lines[x.from-1] += "\n"
		}
		lines = slices.Replace(lines, x.from, x.to, x.lines...)
	}
	return strings.Join(lines, "")
}

// document writes the document anew.
func (e *editor) document() error {
	from := e.root.Line - 1
	to := from + 1
	for to < len(e.lines) && !isMarker(e.lines[to]) {
		to++
	}
	return e.put(from, to, 0, "", e.encoder.document(e.desired)...)
}

func isMarker(line string) bool {
	line = strings.TrimRight(line, "\r\n")
	return line == "---" || line == "..." || strings.HasPrefix(line, "--- ")
}

// put replaces lines by entries, indented by so many blanks. A comment is
// appended to the first of them.
func (e *editor) put(from, to, indent int, comment string, entries ...yamltree.Entry) error {
	text, err := yamltree.Encode(block(entries...))
	if err != nil {
		return err
	}
	e.replace(from, to, indent, comment, string(text))
	return nil
}

func (e *editor) replace(from, to, indent int, comment, text string) {
	lines := strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
	for i, line := range lines {
		lines[i] = strings.Repeat(" ", indent) + strings.TrimSuffix(line, "\n") + "\n"
	}
	lines[0] = strings.TrimSuffix(lines[0], "\n") + comment + "\n"
	e.edits = append(e.edits, edit{from, to, lines})
}

// fields writes those fields anew that differ.
func (e *editor) fields() error { return e.each(e.field) }

// rulesAndFields does so for those that aren't lists of rules, and alters the
// rules of these.
func (e *editor) rulesAndFields() error {
	return e.each(func(f policy.Field, v yamltree.Value) error {
		at, there := e.own(f.Name)
		if f.Type == policy.Rules && there && v.Shape != yamltree.Broken && e.listed(at.Value) {
			return e.alterRules(f, at.Value)
		}
		return e.field(f, v)
	})
}

// each calls alter for each field that differs, with what it is to be.
func (e *editor) each(alter func(policy.Field, yamltree.Value) error) error {
	for _, f := range policy.Fields() {
		now, then := e.fieldOf(e.have, f), e.fieldOf(e.want, f)
		if reflect.DeepEqual(now, then) {
			continue
		}
		if err := alter(f, then); err != nil {
			return err
		}
	}
	return nil
}

// field writes a field anew, takes it out, or puts it behind those before it.
func (e *editor) field(f policy.Field, v yamltree.Value) error {
	column := e.root.Col - 1
	at, there := e.own(f.Name)
	from := at.At.Line - 1
	switch {
	case there && v.Shape == yamltree.Broken:
		e.edits = append(e.edits, edit{from, e.end(from, column, true), nil})
		return nil
	case there:
		return e.put(from, e.end(from, column, true), column, comment(e.lines[from]), yamltree.Entry{Key: f.Name, Value: v})
	case v.Shape == yamltree.Broken:
		return nil
	}
	behind := e.root.Line - 1
	for _, other := range policy.Fields() {
		if other.Name == f.Name {
			break
		}
		if at, there := e.own(other.Name); there {
			behind = e.end(at.At.Line-1, column, true)
		}
	}
	return e.put(behind, behind, column, "", yamltree.Entry{Key: f.Name, Value: v})
}

// own returns the entry of the document that begins a line of its own; not
// one that is merged in.
func (e *editor) own(key string) (yamltree.Entry, bool) {
	for _, entry := range e.root.Entries {
		if entry.Key == key && entry.At.Col == e.root.Col && entry.At.Line >= e.root.Line {
			return entry, true
		}
	}
	return yamltree.Entry{}, false
}

// end returns the line behind what begins on a line at that column: up to what
// isn't indented further, less the blank lines and comments before that.
func (e *editor) end(from, column int, mayBeList bool) int {
	end := from + 1
	for i := end; i < len(e.lines); i++ {
		line := strings.TrimRight(e.lines[i], " \t\r\n")
		trimmed := strings.TrimLeft(line, " ")
		indent := len(line) - len(trimmed)
		item := mayBeList && indent == column && strings.HasPrefix(trimmed+" ", "- ")
		switch {
		case isMarker(line):
			return end
		case trimmed == "", strings.HasPrefix(trimmed, "#") && indent <= column:
		case indent > column, item:
			end = i + 1
		default:
			return end
		}
	}
	return end
}

// comment returns the comment that ends a line, with the blank before it: what
// can be cut off such that the line still reads the same.
func comment(line string) string {
	line = strings.TrimRight(line, "\r\n")
	for i := range line {
		if strings.HasPrefix(line[i:], " #") && reflect.DeepEqual(meaning(line[:i]), meaning(line)) {
			return line[len(strings.TrimRight(line[:i], " ")):]
		}
	}
	return ""
}

// meaning returns what a line reads as by itself.
func meaning(line string) (roots []yamltree.Value) {
	file := yamltree.New("", []byte(line))
	for root := range file.Documents() {
		roots = append(roots, root)
	}
	if len(file.Findings()) > 0 {
		return []yamltree.Value{{Text: line}}
	}
	return roots
}
