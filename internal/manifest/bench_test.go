package manifest_test

import (
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/policysync/policysync/internal/manifest"
)

func BenchmarkDecode10000Files(b *testing.B) {
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
	b.ReportAllocs()
	for b.Loop() {
		set, err := manifest.Decode(files)
		if err != nil || len(set.Policies) != 10_000 {
			b.Fatal(len(set.Policies), err)
		}
	}
}
