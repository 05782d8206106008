package manifest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"

	"github.com/policysync/policysync/internal/manifest"
	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/policy/policytest"
)

func desired(t *rapid.T) policy.Desired {
	d := policy.Desired{
		Policy: policytest.Policies().Draw(t, "policy"),
		File:   "policy.yaml", Line: 1,
		Protect: rapid.Bool().Draw(t, "protect"),
		Expires: time.Date(rapid.IntRange(1, 9999).Draw(t, "year"), 1, rapid.IntRange(1, 31).Draw(t, "day"), 0, 0, 0, 0, time.UTC),
		Key:     policytest.Titles().Draw(t, "key"),
	}
	for _, name := range rapid.SliceOfNDistinct(policytest.Titles(), 0, 3, rapid.ID[string]).Draw(t, "previously") {
		if name != d.Name {
			d.Previously = append(d.Previously, name)
		}
	}
	return d
}

// jsonText writes a policy as JSON, which is YAML.
func jsonText(t *rapid.T, d policy.Desired) []byte {
	body, err := json.Marshal(d.Policy)
	if err != nil {
		t.Fatal(err)
	}
	own, err := json.Marshal(map[string]any{
		"key": d.Key, "previously": append([]string{}, d.Previously...), "protect": d.Protect, "expires": d.Expires.Format(time.DateOnly),
	})
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Appendf(nil, "%s, \"policysync\": %s}\n", body[:len(body)-1], own)
	return bytes.ReplaceAll(text, []byte("${"), []byte("$${"))
}

func TestAnyPolicyWrittenAsYAMLDecodesToItself(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := desired(t)
		inJSON := jsonText(t, want)
		var node map[string]any
		if err := yaml.Unmarshal(inJSON, &node); err != nil {
			t.Fatal(err)
		}
		inBlocks, err := yaml.Marshal(node)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range [][]byte{inJSON, inBlocks} {
			set, err := manifest.Decode(fstest.MapFS{"policy.yaml": {Data: text}})
			if err != nil {
				t.Fatalf("%v\nin:\n%s", err, text)
			}
			if diff := cmp.Diff([]policy.Desired{want}, set.Policies); diff != "" {
				t.Fatalf("(-want +got):\n%s\nin:\n%s", diff, text)
			}
		}
	})
}
