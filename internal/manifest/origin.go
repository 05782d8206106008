package manifest

import "github.com/policysync/policysync/internal/yamltree"

// Place is where something stands in the manifests.
type Place struct {
	File string // slash-separated path below the source's folder
	Line int    // from 1
	Col  int    // from 1, in characters
}

// Origin says where the parts of a policy stand, for what is to be said of them
// later. Of Include, Exclude and Require it has one place for each of the
// policy's rules: that of the value, where a rule comes from a list of values,
// else that of the rule.
type Origin struct {
	Include, Exclude, Require []Place

	Fields []FieldPlace // those at the top of the document, as they stand there
}

// FieldPlace is where the key of a field stands.
type FieldPlace struct {
	Name string
	Place
}

// Field returns where the key of that field at the top of the document stands,
// and false where the document doesn't have it.
func (o *Origin) Field(name string) (Place, bool) {
	for _, f := range o.Fields {
		if f.Name == name {
			return f.Place, true
		}
	}
	return Place{}, false
}

// placesOf returns where the rules of a list of that name stand.
func (o *Origin) placesOf(list string) []Place {
	return map[string][]Place{"include": o.Include, "exclude": o.Exclude, "require": o.Require}[list]
}

func (d *document) place(at yamltree.Position) Place { return Place{d.file.Path(), at.Line, at.Col} }

// fieldPlaces returns where a document has its fields.
func (d *document) fieldPlaces(root yamltree.Value) []FieldPlace {
	places := make([]FieldPlace, 0, len(root.Entries))
	for _, e := range root.Entries {
		if f := fieldNamed(d.fields, e.Key); f != nil {
			places = append(places, FieldPlace{f.Name, d.place(e.At)}) // the table's text, so that the file's can be freed
		}
	}
	return places
}
