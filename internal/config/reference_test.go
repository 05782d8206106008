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
	"github.com/policysync/policysync/internal/doctest"
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

// reference is the config's page.
const reference = "../../docs/reference/config.md"

// The table has every key, in the file's order, and the reference's tables are
// made of it.
func TestReferenceListsEveryKey(t *testing.T) {
	t.Parallel()
	var described, sections []string
	rows := map[string]string{}
	for _, k := range config.Keys() {
		if isSection(k.Name) {
			continue
		}
		described = append(described, k.Name)
		section := regexp.MustCompile(`^[a-z]+`).FindString(k.Name)
		if rows[section] == "" {
			sections = append(sections, section)
		}
		rows[section] += row(k)
	}
	for _, section := range sections {
		const head = "| key | type | default | meaning |\n|---|---|---|---|\n"
		doctest.Part(t, reference, section, head+rows[section], *update)
	}
	sample, err := os.ReadFile("testdata/policysync.yaml")
	if err != nil {
		t.Fatal(err)
	}
	doctest.Part(t, reference, "sample", "```yaml\n"+string(sample)+"```", *update) // to be copied
	known := keys(reflect.TypeFor[config.Config](), "")
	if !slices.Contains(known, "targets[].source.auth.github_app.app_id") || len(known) < 40 {
		t.Fatalf("the test doesn't find all keys: %v", known)
	}
	if diff := cmp.Diff(known, described); diff != "" {
		t.Errorf("the table differs from the keys there are:\n%s", diff)
	}
}

// row is what the reference says of a key.
func row(k config.Key) string {
	values, unset := k.Values, "none"
	if len(k.Words) > 0 {
		values = strings.TrimSpace(k.Values + " `" + strings.Join(k.Words, "`, `") + "`")
	}
	if k.Default != "" {
		unset = "`" + k.Default + "`"
	} else if k.Unset != "" {
		unset = k.Unset
	}
	return "| `" + k.Name + "` | " + values + " | " + unset + " | " + k.Doc + " |\n"
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
