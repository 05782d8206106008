package manifest_test

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/manifest"
)

func decodeOpen(t *testing.T, content string) (manifest.Set, error) {
	t.Helper()
	decoder := manifest.Decoder{OpenVars: true, Vars: map[string]any{"env": "staging"}}
	return decoder.Decode(fstest.MapFS{"a.yaml": {Data: []byte(content)}})
}

func TestWhatHoldsAVariableWithoutAValueIsTakenAsItStands(t *testing.T) {
	t.Parallel()
	set, err := decodeOpen(t, `name: ${vars.env} admins of ${vars.team}
decision: ${vars.decision}
include:
  - ip: {ip: ["${vars.office}", "${vars.vpn}"]}
  - email: {email: "ann@${vars.domain}"}
  - use: ${vars.people}
approval_required: ${vars.strict}
approval_groups: [{approvals_needed: "${vars.level}", email_list_uuid: {name: "${vars.list}"}}]
policysync: {expires: "${vars.end}", previously: ["${vars.old}"], protect: "${vars.strict}"}
`)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"decision", "domain", "end", "level", "list", "office", "old", "people", "strict", "team", "vpn"}, set.Unset); d != "" {
		t.Errorf("variables without a value (-want +got):\n%s", d)
	}
	if got := set.Policies[0]; got.Name != "${vars.env} admins of ${vars.team}" || len(got.Include) != 3 {
		t.Errorf("got %+v", got)
	}
}

func TestTheShapeOfWhatHoldsAVariableWithoutAValueIsCheckedWhereItCanBe(t *testing.T) {
	t.Parallel()
	_, err := decodeOpen(t, `name: A
decision: allow
include: ${vars.rules}
require:
  - ip: ${vars.office}
  - use: [staff]
approval_required: not ${vars.strict}
approval_groups:
  - approvals_needed: ${vars.level}0
    email_addresses: ${vars.leads}
session_duration: ${session}
`)
	want := `a.yaml:3:10: include: want a list of rules, got the text "${vars.rules}"
a.yaml:5:9: rule "ip": want an object, got the text "${vars.office}": write ip: {ip: …}
a.yaml:6:10: use: want the name of a rule set, got a list: write one rule for each, - use: …
a.yaml:7:20: approval_required: want true or false, got the text "not ${vars.strict}"
a.yaml:9:23: approvals_needed: want a whole number, got the text "${vars.level}0"
a.yaml:10:22: email_addresses: want a list, got the text "${vars.leads}": write [${vars.leads}]
a.yaml:11:19: want ${vars.name}, whose name is of a-z, 0-9 and _, or $${ for a plain ${
`
	if d := cmp.Diff(want, lines(t, err)); d != "" {
		t.Errorf("errors (-want +got):\n%s", d)
	}
}
