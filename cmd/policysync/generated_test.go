package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/policysync/policysync/internal/schema"
)

//go:generate go test -run TestDeployedFilesAreFresh . -update

// update has the generated files of deploy/ written anew.
var update = flag.Bool("update", false, "write what is generated of deploy/ and docs/ anew, and the screenshots")

// TestDeployedFilesAreFresh checks what is generated below deploy/.
func TestDeployedFilesAreFresh(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]func(*testing.T, string) string{
		"deploy/helm/policysync/values.schema.json":       valuesSchema,
		"deploy/kustomize/prometheus/prometheusrule.yaml": prometheusRule,
	} {
		want := want(t, file)
		if *update {
			if err := os.WriteFile(filepath.Join(root, filepath.FromSlash(file)), []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if text(t, file) != want {
			t.Errorf("%s is stale: run make generate", file)
		}
	}
}

// prometheusRule is the alerts as the Prometheus operator wants them.
func prometheusRule(t *testing.T, _ string) string {
	t.Helper()
	rule := "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: policysync\nspec:\n"
	for line := range strings.Lines(text(t, "deploy/prometheus/rules.yaml")) {
		if line != "\n" {
			rule += "  "
		}
		rule += line
	}
	return rule
}

// valuesSchema is the schema of the chart's values with the config's of today in it.
func valuesSchema(t *testing.T, file string) string {
	t.Helper()
	var values struct {
		Schema     string                     `json:"$schema"`
		Title      string                     `json:"title"`
		Type       string                     `json:"type"`
		Additional bool                       `json:"additionalProperties"`
		Properties map[string]json.RawMessage `json:"properties"`
		Defs       json.RawMessage            `json:"$defs"`
	}
	var config map[string]json.RawMessage
	made, err := schema.Config()
	if err != nil {
		t.Fatal(err)
	}
	for text, into := range map[string]any{text(t, file): &values, string(made): &config} {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatal(err)
		}
	}
	values.Defs = config["$defs"]
	delete(config, "$defs")
	delete(config, "$schema")
	if values.Properties["config"], err = json.Marshal(config); err != nil {
		t.Fatal(err)
	}
	var whole bytes.Buffer
	encoder := json.NewEncoder(&whole)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(values); err != nil {
		t.Fatal(err)
	}
	return whole.String()
}
