package page_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/policy"
)

// rows returns the rows of the page's first table, their cells joined by bars.
func rows(t *testing.T, text string) []string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for n := range root.Descendants() {
		if n.Data == "table" && len(all) > 0 {
			break
		}
		if n.Data != "tr" {
			continue
		}
		var cells []string
		for c := range n.ChildNodes() {
			var said strings.Builder
			for d := range c.Descendants() {
				if d.Type == html.TextNode {
					said.WriteString(" " + d.Data)
				}
			}
			cells = append(cells, strings.Join(strings.Fields(said.String()), " "))
		}
		all = append(all, strings.Join(cells, " | "))
	}
	return all
}

func TestGitRecordAndAccountAreShownSideBySide(t *testing.T) {
	t.Parallel()
	var none policy.Policy
	git, long, more := engineering(), engineering(), engineering()
	long.Settings = map[string]any{"session_duration": "720h"}
	more.Include = append(slices.Clone(more.Include), policy.Rule{Kind: "group", Body: map[string]any{"id": "g1"}})
	defaulted := engineering()
	defaulted.Settings = map[string]any{"session_duration": "24h", "purpose_justification_prompt": "Why?"}
	for name, tc := range map[string]struct {
		sent, readBack, git, live policy.Policy // zero: none
		state                     diff.State    // "": no plan was made
		want                      []string      // but for name and decision
	}{
		"in sync": {git, git, none, none, diff.InSync, []string{
			"Field | Git | Recorded | Account",
			"include | email_domain: example.com | email_domain: example.com | email_domain: example.com",
			"session_duration | 24h | 24h | 24h",
		}},
		"in sync with a default": {git, defaulted, none, none, diff.InSync, []string{
			"Field | Git | Recorded | Account",
			"include | email_domain: example.com | email_domain: example.com | email_domain: example.com",
			"session_duration | 24h | 24h | 24h",
			"purpose_justification_prompt set by the account | – | – read back: Why? | Why?",
		}},
		"drifted": {git, git, git, long, diff.Drifted, []string{
			"Field | Git | Recorded | Account",
			"include | email_domain: example.com | email_domain: example.com | email_domain: example.com",
			"session_duration changed in the account | 24h | 24h | 720h",
		}},
		"a default that was taken away": {git, defaulted, git, git, diff.Drifted, []string{
			"Field | Git | Recorded | Account",
			"include | email_domain: example.com | email_domain: example.com | email_domain: example.com",
			"session_duration | 24h | 24h | 24h",
			"purpose_justification_prompt changed in the account | – | – read back: Why? | –",
		}},
		"a rule more in Git": {git, git, more, git, diff.Blocked, []string{
			"Field | Git | Recorded | Account",
			"include | email_domain: example.com | email_domain: example.com | email_domain: example.com",
			"include changed in Git | group: g1 | – | –",
			"session_duration | 24h | 24h | 24h",
		}},
		"changed on both sides": {git, git, more, long, diff.Failed, []string{
			"Field | Git | Recorded | Account",
			"include | email_domain: example.com | email_domain: example.com | email_domain: example.com",
			"include changed in Git | group: g1 | – | –",
			"session_duration changed in the account | 24h | 24h | 720h",
		}},
		"missing": {none, none, git, none, diff.Missing, []string{
			"Field | Git | Recorded nothing | Account not there",
			"include | email_domain: example.com | – | –",
			"session_duration | 24h | – | –",
		}},
		"deleted behind our back": {git, git, git, none, diff.Missing, []string{
			"Field | Git | Recorded | Account not there",
			"include | email_domain: example.com | email_domain: example.com | –",
			"session_duration | 24h | 24h | –",
		}},
		"a conflict with one": {none, none, git, long, diff.Conflict, []string{
			"Field | Git | Recorded nothing | Account",
			"include | email_domain: example.com | – | email_domain: example.com",
			"session_duration differs | 24h | – | 720h",
		}},
		"a conflict with several": {none, none, git, none, diff.Conflict, []string{
			"Field | Git | Recorded nothing | Account not one, but several",
			"include | email_domain: example.com | – | –",
			"session_duration | 24h | – | –",
		}},
		"gone from Git": {git, git, none, git, diff.Orphaned, []string{
			"Field | Git not declared | Recorded | Account",
			"include | – | email_domain: example.com | email_domain: example.com",
			"session_duration | – | 24h | 24h",
		}},
		"adopted with another body": {none, long, git, long, diff.Blocked, []string{
			"Field | Git | Recorded | Account",
			"include | email_domain: example.com | email_domain: example.com | email_domain: example.com",
			"session_duration differs | 24h | 720h | 720h",
		}},
		"not looked at yet": {git, git, none, none, "", []string{
			"Field | Git not known yet | Recorded | Account not known yet",
			"include | – | email_domain: example.com | –",
			"session_duration | – | 24h | –",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if tc.readBack.Name != "" {
				w.record(t, policy.Recorded{Key: "eng", ID: "id-1", Sent: tc.sent, ReadBack: tc.readBack, Written: true, File: "eng.yaml", Line: 1})
			}
			change := diff.Change{Action: diff.ActionUpdate, Key: "eng", Name: "Engineering", State: tc.state}
			if tc.git.Name != "" {
				change.Desired = &policy.Desired{Policy: tc.git}
			}
			if tc.live.Name != "" {
				change.Live = &policy.Live{Policy: tc.live}
			}
			if tc.state != "" {
				w.ran(t, "run-1", noon, diff.Plan{States: map[diff.State]int{tc.state: 1}, Reported: []diff.Change{change}}, event.Noop, nil)
			}
			got := rows(t, w.get("/targets/production/policy?key=eng").Body.String())
			got = slices.DeleteFunc(got, func(row string) bool {
				return strings.HasPrefix(row, "name |") || strings.HasPrefix(row, "decision |") || strings.HasPrefix(row, "20")
			})
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("the rows differ (-want +got):\n%s", d)
			}
		})
	}
}

func TestOfManyRulesThoseThatDifferComeFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	git, account := engineering(), engineering()
	for i := range 1000 {
		rule := policy.Rule{Kind: "email", Body: map[string]any{"email": fmt.Sprintf("p%04d@example.com", i)}}
		git.Include = append(git.Include, rule)
		if i != 987 {
			account.Include = append(account.Include, rule)
		}
	}
	w.record(t, policy.Recorded{Key: "eng", ID: "id-1", Sent: git, ReadBack: git, File: "eng.yaml", Line: 1})
	change := diff.Change{Action: diff.ActionUpdate, Key: "eng", State: diff.Drifted, Desired: &policy.Desired{Policy: git}, Live: &policy.Live{Policy: account}}
	w.ran(t, "run-1", noon, diff.Plan{States: map[diff.State]int{diff.Drifted: 1}, Reported: []diff.Change{change}}, event.Noop, nil)
	answer := w.get("/targets/production/policy?key=eng")
	got := rows(t, answer.Body.String())
	if len(got) != 101 || got[1] != "include changed in the account | email: p0987@example.com | email: p0987@example.com | –" {
		t.Errorf("%d rows, the first %q", len(got), got[:2])
	}
	if got := words(t, answer.Body.String()); !strings.Contains(got, "1 value differs.") || !strings.Contains(got, "1 to 100 of 1004 values") {
		t.Errorf("the page says %q", got)
	}
}

func TestAPolicyThatNoManifestTookYetIsUnmanaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(t, policy.Recorded{Key: "eng", ID: "id-1", Sent: engineering(), ReadBack: engineering(), Protect: true})
	w.ran(t, "run-1", noon, diff.Plan{States: map[diff.State]int{diff.Unmanaged: 1}}, event.Noop, nil)
	for _, path := range []string{"/targets/production", "/targets/production/policy?key=eng"} {
		if got := words(t, w.get(path).Body.String()); !strings.Contains(got, "unmanaged") || strings.Contains(got, "Engineering in sync") {
			t.Errorf("GET %s: the page says %q", path, got)
		}
	}
}
