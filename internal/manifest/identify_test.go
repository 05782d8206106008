package manifest_test

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/diagnostic"
	"github.com/policysync/policysync/internal/manifest"
	"github.com/policysync/policysync/internal/policy"
)

func TestAnIdThatNothingBearsIsReportedOnceWhereItStands(t *testing.T) {
	t.Parallel()
	const known, gone = "f174e90a-fafe-4643-bbbc-4a0ed4fc8415", "699d98642c564d2e855e9661899b7252"
	set, err := manifest.Decode(fstest.MapFS{
		"a.yaml": {Data: []byte(using("A", "use: staff", "group: {id: ["+known+", "+gone+"]}") +
			"approval_required: true\napproval_groups:\n  - {approvals_needed: 1, email_list_uuid: " + gone + "}\n")},
		"b.yaml":    {Data: []byte(using("B", "use: staff", "ip_list: {id: "+gone+"}"))},
		"sets.yaml": {Data: []byte(ruleSet("staff", "group: {id: "+gone+"}"))},
	})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]policy.Reference{policy.ToIPList, policy.ToGroup, policy.ToEmailList}, set.Identified()); d != "" {
		t.Errorf("kinds of what is referred to (-want +got):\n%s", d)
	}
	got := set.Dangling(map[policy.Reference][]policy.Thing{policy.ToGroup: {{ID: known}}, policy.ToEmailList: {}}) // IP lists aren't known
	want := diagnostic.List{
		{Path: "a.yaml", Line: 6, Col: 56, Message: "no access group has the id " + gone},
		{Path: "a.yaml", Line: 8, Col: 1, Message: "no email list has the id " + gone},
		{Path: "sets.yaml", Line: 5, Col: 5, Message: "no access group has the id " + gone},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("findings (-want +got):\n%s", d)
	}
}
