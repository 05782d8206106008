package deploy_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "sigs.k8s.io/kubectl-validate/pkg/utils" // go.mod keeps the module for its schemas alone
)

// kubernetes is the newest release whose schemas kubectl-validate has.
const kubernetes = "1.30"

// groupVersions have Kubernetes' own objects in deploy/. Those of the
// Prometheus operator are no part of Kubernetes' schemas; decode looks at them.
var groupVersions = []string{"api/v1", "apis/apps/v1", "apis/networking.k8s.io/v1", "apis/policy/v1"}

// conforms has kubeconform look at a stream, offline.
func conforms(t *testing.T, stream string) {
	t.Helper()
	file := scratch(t, "objects.yaml", stream)
	out := must(t, "kubeconform", "-strict", "-summary", "-output", "json", "-skip", "ServiceMonitor,PrometheusRule",
		"-schema-location", schemas(t)+"/{{.ResourceKind}}{{.KindSuffix}}.json", file)
	var told struct{ Summary struct{ Valid, Skipped int } }
	if err := json.Unmarshal([]byte(out), &told); err != nil || told.Summary.Valid < 3 || told.Summary.Skipped > 2 {
		t.Errorf("kubeconform: %v %s", err, out)
	}
}

// TestSchemasSeeMistakes that Kubernetes wouldn't take.
func TestSchemasSeeMistakes(t *testing.T) {
	t.Parallel()
	location := schemas(t) + "/{{.ResourceKind}}{{.KindSuffix}}.json"
	for mistake, spec := range map[string]string{
		"an unknown field": "{maxUnavailable: 1, selector: {}, max: 1}",
		"another type":     "{maxUnavailable: [1], selector: {}}",
		"a deeper one":     "{maxUnavailable: 1, selector: {matchLabel: {a: b}}}",
	} {
		file := scratch(t, "pdb.yaml", "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: x}\nspec: "+spec+"\n")
		if r := run(t, "kubeconform", "-strict", "-schema-location", location, file); r.err == nil || !strings.Contains(r.stdout, "is invalid") {
			t.Errorf("%s passes: %s%s", mistake, r.stdout, r.stderr)
		}
	}
}

// schemas returns a folder with Kubernetes' OpenAPI as kubeconform wants it: a
// file for each kind, which takes no unknown fields.
func schemas(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	module := strings.TrimSpace(must(t, "go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kubectl-validate"))
	for _, path := range groupVersions {
		split(t, read(t, module, "pkg", "openapiclient", "builtins", kubernetes, path+".json"), dir)
	}
	return dir
}

// definition is of OpenAPI what matters here.
type definition struct {
	Kinds []struct{ Group, Version, Kind string } `json:"x-kubernetes-group-version-kind"`
}

// split writes a file for each kind of an OpenAPI document.
func split(t *testing.T, text, dir string) {
	t.Helper()
	var document struct {
		Components struct {
			Schemas map[string]map[string]any `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		t.Fatal(err)
	}
	for _, schema := range document.Components.Schemas {
		if schema["properties"] != nil {
			schema["additionalProperties"] = false
		}
	}
	for name, schema := range document.Components.Schemas {
		var d definition
		raw, err := json.Marshal(schema)
		if err == nil {
			err = json.Unmarshal(raw, &d)
		}
		if err != nil || len(d.Kinds) != 1 {
			continue // a part of others, or one of the kinds that all groups have
		}
		kind := d.Kinds[0]
		group, _, _ := strings.Cut(kind.Group+".", ".")
		file := strings.ToLower(strings.Trim(kind.Kind+"-"+group, "-")+"-"+kind.Version) + ".json"
		whole, err := json.Marshal(map[string]any{
			"$schema": "http://json-schema.org/draft-07/schema#",
			"allOf":   []any{map[string]any{"$ref": "#/components/schemas/" + name}}, "components": document.Components,
		})
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, file), whole, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
