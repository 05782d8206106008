package sarif_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/policysync/policysync/internal/diagnostic"
	"github.com/policysync/policysync/internal/sarif"
)

var update = flag.Bool("update", false, "rewrite the golden file")

var tool = sarif.Tool{Name: "tool", Version: "1.2", URL: "https://example.com/tool", Rules: []sarif.Rule{
	{ID: "E1", Title: "bad", Doc: "It is bad.", URL: "https://example.com/E1"},
	{ID: "W1", Title: "odd", Doc: "It is <odd>.", URL: "https://example.com/W1", Severity: diagnostic.Warning},
}}

// written returns the SARIF of findings, and fails where it isn't valid by the
// schema of OASIS (errata 01, in testdata as it was published).
func written(t *testing.T, found diagnostic.List) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := sarif.Write(&b, tool, found, "/srv/repo dir"); err != nil {
		t.Fatal(err)
	}
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join("testdata", "sarif-schema-2.1.0.json"))
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(document); err != nil {
		t.Errorf("by the schema of SARIF 2.1.0: %v", err)
	}
	return b.Bytes()
}

func TestFindingsAreValidSARIF(t *testing.T) {
	t.Parallel()
	got := written(t, diagnostic.List{
		{Path: "policies/é a.yaml", Line: 3, Col: 5, Severity: diagnostic.Warning, Message: "odd & <more>", Code: "W1", Source: "  é: {}"},
		{Path: "a:b.yaml", Message: "can't be read", Code: "E1"},
		{Path: "/srv/repo dir/policies/b.yaml", Line: 1, Message: "no column", Code: "E1"},
		{Path: "../other/c.yaml", Line: 1, Col: 1, Message: "outside", Code: "E1"},
	})
	golden := filepath.Join("testdata", "findings.sarif")
	if *update {
		if err := os.WriteFile(golden, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestNoFindingsAreValidSARIFToo(t *testing.T) {
	t.Parallel()
	if got := written(t, nil); !bytes.Contains(got, []byte(`"results": []`)) {
		t.Errorf("got %s", got)
	}
}
