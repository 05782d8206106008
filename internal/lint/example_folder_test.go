package lint_test

import (
	"os"
	"testing"

	"github.com/policysync/policysync/internal/lint"
	"github.com/policysync/policysync/internal/manifest"
)

// TestExampleFolderIsWithoutWarnings looks at policies.example as `policysync
// validate` does, which is told of no target's variables.
func TestExampleFolderIsWithoutWarnings(t *testing.T) {
	t.Parallel()
	decoder := manifest.Decoder{OpenVars: true}
	set, err := decoder.Decode(os.DirFS("../../policies.example"))
	if err != nil || len(set.Policies) == 0 {
		t.Fatalf("%d policies, %v", len(set.Policies), err)
	}
	for _, d := range lint.Check(set, nil) {
		t.Error(d)
	}
}
