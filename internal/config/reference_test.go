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

// The reference is written by hand: it must name every key, in the file's
// order, and no other.
func TestReferenceNamesEveryKey(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/reference/config.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z0-9_.\\[\\]]+)` \\|").FindAllStringSubmatch(string(page), -1) {
		documented = append(documented, row[1])
	}
	known := keys(reflect.TypeFor[config.Config](), "")
	if !slices.Contains(known, "targets[].source.auth.github_app.app_id") || len(known) < 40 {
		t.Fatalf("the test doesn't find all keys: %v", known)
	}
	if diff := cmp.Diff(known, documented); diff != "" {
		t.Errorf("docs/reference/config.md differs from the keys there are:\n%s", diff)
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
