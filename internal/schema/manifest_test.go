package schema_test

import (
	"errors"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/policysync/policysync/internal/diagnostic"
	"github.com/policysync/policysync/internal/manifest"
	"github.com/policysync/policysync/internal/schema"
)

// beyond are the mistakes in manifests that the decoder finds and no schema
// can, by what is said of them. What YAML itself makes impossible comes on top:
// an editor says that without a schema.
var beyond = []exception{
	{`is already used|is already listed by|is now used at`, "compares documents with each other"},
	{`is still the policy's name`, "compares two values of a document"},
	{`no rule set is named|the rule set .* is already at|the rule set uses itself`, "compares documents with each other"},
	{`got the date`, "is about how a text is written, not what it is"},
	{`may be read as a`, "is about how a text is written, not what it is"},
	{`is no number in JSON`, "is about how a number is written, not what it is"},
	{`is too long`, "compares amounts that are written in text"},
}

// exception is a class of mistakes that no schema finds.
type exception struct{ message, reason string }

// verdict holds the schema against the decoder on some files.
type verdict struct {
	schema  []string // what it says of documents that it refuses
	must    []string // mistakes that it must refuse
	classes []int    // of beyond, of those that it can't
	notYAML bool
}

func judge(t interface{ Fatalf(string, ...any) }, s *jsonschema.Schema, files map[string][]byte) verdict {
	var v verdict
	folder, notYAML := fstest.MapFS{}, map[string]bool{}
	for name, text := range files {
		folder[name] = &fstest.MapFile{Data: text}
		refusals, wrong := refused(s, text)
		v.schema = append(v.schema, refusals...)
		for message := range wrong {
			notYAML[message] = true
		}
	}
	decoder := manifest.Decoder{OpenVars: true}
	_, err := decoder.Decode(folder)
	found, ok := errors.AsType[diagnostic.List](err)
	if err != nil && !ok {
		t.Fatalf("got %v", err)
	}
	for _, d := range found {
		class := classOf(d.Message)
		switch {
		case notYAML[d.Message]:
			v.notYAML = true
		case class >= 0:
			v.classes = append(v.classes, class)
		default:
			v.must = append(v.must, d.Message)
		}
	}
	return v
}

func classOf(message string) int {
	for i, e := range beyond {
		if regexp.MustCompile(e.message).MatchString(message) {
			return i
		}
	}
	return -1
}

func (v verdict) disagreement() string {
	switch {
	case len(v.must) > 0 && len(v.schema) == 0:
		return "the schema accepts what the decoder refuses: " + strings.Join(v.must, "; ")
	case len(v.must) == 0 && len(v.schema) > 0:
		return "the schema refuses what the decoder accepts, or finds what is said to be beyond it: " + strings.Join(v.schema, "; ")
	}
	return ""
}

func TestSchemaAndDecoderAgreeOnTheCorpus(t *testing.T) {
	t.Parallel()
	s := compiled(t, schema.Manifest)
	used, notYAML := map[int]bool{}, false
	paths, err := filepath.Glob("../manifest/testdata/*/*.txtar")
	if err != nil || len(paths) < 160 {
		t.Fatalf("found %d corpus files: %v", len(paths), err)
	}
	for _, path := range paths {
		v := judge(t, s, corpusFiles(t, path))
		if problem := v.disagreement(); problem != "" {
			t.Errorf("%s: %s", path, problem)
		}
		if len(v.schema) == 0 {
			notYAML = notYAML || v.notYAML
			for _, class := range v.classes {
				used[class] = true
			}
		}
	}
	for i, e := range beyond {
		if !used[i] {
			t.Errorf("no file of the corpus needs the exception %q (%s): remove it", e.message, e.reason)
		}
	}
	if !notYAML {
		t.Error("no file of the corpus is wrong as YAML alone")
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
