package schema_test

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/policysync/policysync/internal/config"
	"github.com/policysync/policysync/internal/diagnostic"
	"github.com/policysync/policysync/internal/schema"
	"github.com/policysync/policysync/internal/yamltree"
)

// beyondConfig are the mistakes in a config that no schema need find.
var beyondConfig = []exception{
	{`the file says nothing`, "is about there being no document"},
	{`environment variable .* is not set`, "looks at the environment"},
	{`or set CLOUDFLARE_EMAIL`, "looks at the environment"},
	{`is already taken by the target`, "compares targets with each other"},
	{`want an address that nothing else listens on`, "compares keys with each other"},
	{`full_list_every is .*: want at least 1s`, "compares amounts that are written in text"},
	{`whole seconds, at least 1s, after @every`, "compares amounts that are written in text"},
	{`want minute 0-59`, "asks for the numbers of a schedule"},
	{`want a known time zone`, "asks for the names of places"},
	{`this never comes`, "asks for the days of a schedule"},
	{`source.path is`, "asks where a path leads"},
	{`others could look there without signing in`, "compares keys of several sections"},
	{`has both access and insecure_public`, "compares keys of several sections"},
}

func judgeConfig(t interface{ Fatalf(string, ...any) }, s *jsonschema.Schema, text []byte) verdict {
	v := verdict{}
	var notYAML map[string]bool
	v.schema, notYAML = refused(s, text)
	vars := map[string]string{"HOME": "/home/me", "CREDENTIALS_DIRECTORY": "/run/credentials"}
	_, err := config.Parse("policysync.yaml", text, func(name string) (string, bool) {
		value, set := vars[name]
		return value, set
	})
	found, ok := errors.AsType[diagnostic.List](err)
	if err != nil && !ok {
		t.Fatalf("got %v", err)
	}
	v.classify(found, notYAML, beyondConfig)
	return v
}

func TestSchemaAndLoaderAgreeOnConfigs(t *testing.T) {
	t.Parallel()
	s := compiled(t, schema.Config)
	needed := newNeeds(beyondConfig)
	for path, text := range configTexts(t) {
		v := judgeConfig(t, s, text)
		if problem := v.disagreement(); problem != "" {
			t.Errorf("%s: %s", path, problem)
		}
		needed.note(v)
	}
	needed.check(t)
}

// configTexts returns the configs of the tests, of the deployment and of the
// documents.
func configTexts(t *testing.T) map[string][]byte {
	t.Helper()
	texts := map[string][]byte{}
	for _, pattern := range []string{"../config/testdata/*.yaml", "../config/testdata/bad/*.yaml", "../../deploy/*.yaml"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("found no %s: %v", pattern, err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			texts[path] = text
		}
	}
	for _, path := range []string{"../../README.md", "../../docs/reference/config.md", "../../docs/webhooks.md"} {
		page, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range strings.Split(string(page), "```yaml\n")[1:] {
			if block, _, _ = strings.Cut(block, "```"); strings.Contains(block, "targets:") {
				texts[path+": "+block] = []byte(block)
			}
		}
	}
	return texts
}

// Every key, and what may stand in its place.
func TestSchemaAndLoaderAgreeOnAnyConfigHoweverSpoilt(t *testing.T) {
	t.Parallel()
	s := compiled(t, schema.Config)
	sample, err := os.ReadFile("../config/testdata/policysync.yaml")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		var document any
		for root := range yamltree.New("policysync.yaml", sample).Documents() {
			document = plain(root)
		}
		for range rapid.IntRange(0, 3).Draw(t, "spoilings") {
			places := placesIn(document, func(any) {})
			spoilConfig(t, places[rapid.IntRange(1, len(places)-1).Draw(t, "place")])
		}
		text, err := json.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		v := judgeConfig(t, s, text)
		if problem := v.disagreement(); problem != "" {
			t.Fatalf("%s\nin %s", problem, text)
		}
	})
}

// spoilConfig makes something else of a value, which may or may not be wrong.
func spoilConfig(t *rapid.T, at place) {
	other := rapid.SampledFrom([]any{
		nil, "", "x", 0, 12, 1200, 1201, 1.5, true, "600", "5%", "101%", "10m", "-1m", "@hourly", "0 6 * * MON-FRI", "${UNSET}", "a ${UNSET}", "$UNSET", "$${UNSET}",
		"${UNSET", "${1}",
		[]any{},
		[]any{"x"},
		[]any{nil},
		[]any{"${UNSET}"},
		map[string]any{},
		map[string]any{"x": 1},
		"all", "sync", "always", ":8080", "x.cloudflareaccess.com", "ann@example.com", "group:x", "1.5.", 1.25,
		[]any{"group:", "service:x"},
		"a:99999", "[::1]:0", "https://git.example.com/a.git", "https://token@git.example.com/a.git", "ssh://git@git.example.com/a", "ssh://a:b@git.example.com/a",
		"git@git.example.com:a.git", "file:///srv/a.git", "https://", "http:///a", "sqlite:///a/b.db", "sqlite://a.db", "postgres://a/b", "/run/secrets/x",
		"023e105f4ecef8ad9ca31a8372d0c353", "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
	})
	switch v := at.value.(type) {
	case map[string]any:
		keys := slices.Sorted(maps.Keys(v))
		if len(keys) > 0 && rapid.Bool().Draw(t, "delete") {
			delete(v, rapid.SampledFrom(keys).Draw(t, "key"))
			return
		}
	case []any:
		if rapid.Bool().Draw(t, "append") {
			at.replace(append(v, other.Draw(t, "item")))
			return
		}
	}
	at.replace(other.Draw(t, "value"))
}
