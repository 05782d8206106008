package config_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/config"
)

func TestVarsHaveTheTypesThatTheyAreWrittenAs(t *testing.T) {
	t.Parallel()
	got := parse(t, strings.TrimRight(minimal, "\n")+`
    vars:
      env: staging
      level: 2
      share: 1.5
      strict: true
      quoted: "2"
      day: 2027-01-31
      yes: yes
      empty: ""
      from_env: ${LEVEL}
      from_env_quoted: "${LEVEL}"
      within: ${LEVEL}x
      dollar: $${LEVEL}
`, map[string]string{"HOME": "/h", "LEVEL": "3"})
	want := config.Vars{
		"env": "staging", "level": json.Number("2"), "share": json.Number("1.5"), "strict": true, "quoted": "2", "day": "2027-01-31",
		"yes": "yes", "empty": "", "from_env": json.Number("3"), "from_env_quoted": "3", "within": "3x", "dollar": "${LEVEL}",
	}
	if d := cmp.Diff(want, got.Targets[0].Vars); d != "" {
		t.Errorf("vars (-want +got):\n%s", d)
	}
}

func TestAnAssignmentSetsAVariable(t *testing.T) {
	t.Parallel()
	var got config.Vars
	for _, assignment := range []string{"env=prod", "env=staging", "level=2", "code=007", "strict=true", "formula=a=b", "empty=", "n=-1"} {
		if err := got.Set(assignment); err != nil {
			t.Errorf("%s: %v", assignment, err)
		}
	}
	want := config.Vars{
		"env": "staging", "level": json.Number("2"), "code": "007", "strict": true, "formula": "a=b", "empty": "", "n": json.Number("-1"),
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("vars (-want +got):\n%s", d)
	}
	for assignment, want := range map[string]string{
		"env":                            "want NAME=VALUE",
		"=x":                             `variable "": want a name of a-z, 0-9 and _ that begins with a letter`,
		"Env=x":                          `variable "Env": want a name of a-z, 0-9 and _ that begins with a letter`,
		"a=" + strings.Repeat("é", 1001): "variable a: want at most 1000 characters",
	} {
		if err := got.Set(assignment); err == nil || err.Error() != want {
			t.Errorf("%.20s: got error %v, want %q", assignment, err, want)
		}
	}
}
