package config_test

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/config"
)

// keys returns the dotted names of all keys below a type, as the reference
// heads its rows with them.
func keys(of reflect.Type, prefix string) []string {
	var all []string
	for field := range of.Fields() {
		name, inner := prefix+field.Tag.Get("yaml"), field.Type
		if name == prefix+"-" {
			continue
		}
		if inner.Kind() == reflect.Slice && inner.Elem() == reflect.TypeFor[config.Target]() {
			name, inner = name+"[]", inner.Elem()
		}
		if inner.Kind() == reflect.Struct && inner.PkgPath() == of.PkgPath() && inner != reflect.TypeFor[config.Schedule]() {
			all = append(all, keys(inner, name+".")...)
			continue
		}
		all = append(all, name)
	}
	return all
}

// The table has every key, in the file's order, and the reference says of each
// what the table says, so that the schema does too.
func TestReferenceSaysOfEveryKeyWhatTheTableSays(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/reference/config.md")
	if err != nil {
		t.Fatal(err)
	}
	link := regexp.MustCompile(`\[([^\]]+)\]\([^)]+\)`)
	var described []string
	for _, k := range config.Keys() {
		if isSection(k.Name) {
			continue
		}
		described = append(described, k.Name)
		_, row, found := strings.Cut(string(page), "\n| `"+k.Name+"` | ")
		row, _, _ = strings.Cut(row, " |\n")
		columns := strings.Split(link.ReplaceAllString(row, "$1"), " | ")
		if !found || len(columns) != 3 || columns[2] != k.Doc || k.Default != "" && columns[1] != "`"+k.Default+"`" {
			t.Errorf("%s: the reference has %q, the table default %q and %q", k.Name, columns, k.Default, k.Doc)
		}
		if words := strings.Join(k.Words, "`, `"); words != "" && strings.TrimPrefix(columns[0], "list of ") != "`"+words+"`" {
			t.Errorf("%s: the reference has %s, the table %q", k.Name, columns[0], k.Words)
		}
	}
	known := keys(reflect.TypeFor[config.Config](), "")
	if !slices.Contains(known, "targets[].source.auth.github_app.app_id") || len(known) < 40 {
		t.Fatalf("the test doesn't find all keys: %v", known)
	}
	if diff := cmp.Diff(known, described); diff != "" {
		t.Errorf("the table differs from the keys there are:\n%s", diff)
	}
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z0-9_.\\[\\]]+)` \\|").FindAllStringSubmatch(string(page), -1) {
		documented = append(documented, row[1])
	}
	if diff := cmp.Diff(known, documented); diff != "" {
		t.Errorf("docs/reference/config.md differs from the keys there are:\n%s", diff)
	}
}

func isSection(name string) bool {
	return slices.ContainsFunc(config.Keys(), func(k config.Key) bool {
		return strings.HasPrefix(k.Name, name+".") || strings.HasPrefix(k.Name, name+"[]")
	})
}

// The words of the table are those that the decoder knows.
func TestTableListsTheWordsThatThereAre(t *testing.T) {
	t.Parallel()
	for _, k := range config.Keys() {
		if k.Words == nil {
			continue
		}
		value, last := "none of them", k.Name[strings.LastIndex(k.Name, ".")+1:]
		text := minimal
		switch section, _, _ := strings.Cut(k.Name, "."); {
		case section == "targets[]":
			text += "    " + last + ": " + value
		case section == last:
			text += last + ": [" + value + "]"
		default:
			text += section + ": {" + last + ": " + value + "}"
		}
		_, err := config.Parse("policysync.yaml", []byte(text), atHome())
		if want := ": want one of " + strings.Join(k.Words, ", ") + "\n"; !strings.Contains(errorText(err), want) {
			t.Errorf("%s: got %v, want %q", k.Name, err, want)
		}
	}
}

// The reference ends with the sample, so that it can be copied.
func TestReferenceShowsTheSample(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/reference/config.md")
	if err != nil {
		t.Fatal(err)
	}
	sample, err := os.ReadFile("testdata/policysync.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "```yaml\n"+string(sample)+"```\n") {
		t.Error("docs/reference/config.md doesn't hold testdata/policysync.yaml as it is")
	}
}
