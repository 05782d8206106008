package schema_test

import (
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/policysync/policysync/internal/diagnostic"
	"github.com/policysync/policysync/internal/manifest"
	"github.com/policysync/policysync/internal/schema"
	example "github.com/policysync/policysync/policies.example"
)

// beyond are the mistakes in manifests that the decoder finds and no schema
// can, by what is said of them. What YAML itself makes impossible comes on top:
// an editor says that without a schema.
var beyond = []exception{
	{`^the (name|key) .* is already used at`, "compares documents with each other"},
	{`is already listed by`, "compares documents with each other"},
	{`is now used at`, "compares documents with each other"},
	{`is still the policy's name`, "compares two values of a document"},
	{`^no rule set is named`, "compares documents with each other"},
	{`^the rule set .* is already at`, "compares documents with each other"},
	{`^the rule set uses itself`, "compares documents with each other"},
	{`got the date`, "is about how a text is written, not what it is"},
	{`may be read as a`, "is about how a text is written, not what it is"},
	{`is no number in JSON`, "is about how a number is written, not what it is"},
	{`is too long`, "compares amounts that are written in text"},
}

func judge(t interface{ Fatalf(string, ...any) }, s *jsonschema.Schema, files map[string][]byte) verdict {
	var v verdict
	folder, notYAML := fstest.MapFS{}, map[string]bool{}
	for name, text := range files {
		folder[name] = &fstest.MapFile{Data: text}
		refusals, wrong := refused(s, text)
		v.schema = append(v.schema, refusals...)
		maps.Copy(notYAML, wrong)
	}
	decoder := manifest.Decoder{OpenVars: true}
	_, err := decoder.Decode(folder)
	found, ok := errors.AsType[diagnostic.List](err)
	if err != nil && !ok {
		t.Fatalf("got %v", err)
	}
	v.classify(found, notYAML, beyond)
	return v
}

func TestSchemaAndDecoderAgreeOnTheCorpus(t *testing.T) {
	t.Parallel()
	s := compiled(t, schema.Manifest)
	needed := newNeeds(beyond)
	paths, err := filepath.Glob("../manifest/testdata/*/*.txtar")
	if err != nil || len(paths) < 160 {
		t.Fatalf("found %d corpus files: %v", len(paths), err)
	}
	for _, path := range paths {
		v := judge(t, s, corpusFiles(t, path))
		if problem := v.disagreement(); problem != "" {
			t.Errorf("%s: %s", path, problem)
		}
		needed.note(v)
	}
	needed.check(t)
}

func TestSchemaAcceptsTheExamples(t *testing.T) {
	t.Parallel()
	files := map[string][]byte{}
	err := fs.WalkDir(example.Files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files[path], err = fs.ReadFile(example.Files, path)
		}
		return err
	})
	if err != nil || len(files) < 5 {
		t.Fatalf("found %d examples, %v", len(files), err)
	}
	v := judge(t, compiled(t, schema.Manifest), files)
	if len(v.schema)+len(v.must)+len(v.classes) > 0 {
		t.Errorf("the schema says %q, the decoder %q", v.schema, append(v.must, v.classes...))
	}
}

// corpusFiles returns the manifests of a file of the corpus.
func corpusFiles(t *testing.T, path string) map[string][]byte {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range archive.Files {
		if ext := filepath.Ext(f.Name); (ext == ".yaml" || ext == ".yml") && !strings.Contains("/"+f.Name, "/.") {
			files[f.Name] = f.Data
		}
	}
	return files
}
