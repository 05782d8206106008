package manifest_test

import (
	"fmt"
	"testing"
	"testing/fstest"

	"gopkg.in/yaml.v3"

	"github.com/policysync/policysync/internal/manifest"
)

// manyFiles returns a folder of 10,000 manifests.
func manyFiles() fstest.MapFS {
	files := fstest.MapFS{}
	for i := range 10_000 {
		files[fmt.Sprintf("team-%d/policy-%d.yaml", i%100, i)] = &fstest.MapFile{Data: fmt.Appendf(nil, `name: Policy %d
decision: allow
include:
  - email_domain: {domain: example.com}
  - group: {id: f174e90a-fafe-4643-bbbc-4a0ed4fc8415}
require:
  - geo: {country_code: US}
session_duration: 24h
`, i)}
	}
	return files
}

func BenchmarkDecode10000Files(b *testing.B) {
	files := manyFiles()
	b.ReportAllocs()
	for b.Loop() {
		set, err := manifest.Decode(files)
		if err != nil || len(set.Policies) != len(files) {
			b.Fatal(len(set.Policies), err)
		}
	}
}

// BenchmarkYAMLAlone is the floor of BenchmarkDecode10000Files: the YAML
// library reads the same texts into maps, and nothing is checked.
func BenchmarkYAMLAlone(b *testing.B) {
	files := manyFiles()
	b.ReportAllocs()
	for b.Loop() {
		for _, file := range files {
			var policy map[string]any
			if err := yaml.Unmarshal(file.Data, &policy); err != nil {
				b.Fatal(err)
			}
		}
	}
}
