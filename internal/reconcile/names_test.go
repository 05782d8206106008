package reconcile_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/cloudflare/simulator"
	"github.com/policysync/policysync/internal/diff"
	"github.com/policysync/policysync/internal/event"
	"github.com/policysync/policysync/internal/policy"
)

// named commits a policy whose rule names an access group.
func (r *repository) named(group string) {
	r.commit(fstest.MapFS{"a.yaml": {Data: []byte("name: a\ndecision: allow\ninclude:\n  - group: {name: " + group + "}\n")}})
}

// lists returns how many requests listed things of each kind that is named.
func (w *world) lists() map[string]int {
	counts := map[string]int{}
	for _, r := range w.account.Requests() {
		if strings.HasPrefix(r.Operation, "list_") {
			counts[r.Operation]++
		}
	}
	return counts
}

func TestNamesAreResolvedByOneListForEachKindThatIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{MaxPerPage: 2})
	ids := map[string]string{}
	for _, name := range []string{"Staff", "Contractors", "Auditors"} {
		ids[name] = w.account.Add(policy.ToGroup, name)
	}
	provider := w.account.Add(policy.ToProvider, "Okta")
	w.git.commit(fstest.MapFS{"a.yaml": {Data: []byte(`name: a
decision: allow
include:
  - group: {name: [Staff, Auditors]}
  - okta: {name: admins, identity_provider: Okta}
  - login_method: {name: Okta}
`)}})
	w.run(event.Success)
	all, err := w.account.Policies()
	if err != nil || len(all) != 1 {
		t.Fatalf("account has %v: %v", all, err)
	}
	want := []policy.Rule{
		{Kind: "group", Body: map[string]any{"id": ids["Staff"]}},
		{Kind: "group", Body: map[string]any{"id": ids["Auditors"]}},
		{Kind: "okta", Body: map[string]any{"name": "admins", "identity_provider_id": provider}},
		{Kind: "login_method", Body: map[string]any{"id": provider}},
	}
	if d := cmp.Diff(want, all[0].Include); d != "" {
		t.Errorf("include (-want +got):\n%s", d)
	}
	if d := cmp.Diff(map[string]int{"list_groups": 2, "list_identity_providers": 1}, w.lists()); d != "" { // two pages of groups
		t.Errorf("lists (-want +got):\n%s", d)
	}
	w.run(event.Noop)
	if n := w.lists()["list_groups"]; n != 2 {
		t.Errorf("an unchanged commit cost %d further lists", n-2)
	}
}

func TestKindsThatAreListedTogetherCostOneList(t *testing.T) {
	t.Parallel()
	for name, rules := range map[string]string{
		"both named":       "[email_list: {name: Leads}, ip_list: {name: Offices}]",
		"one named by id":  "[email_list: {name: Leads}, ip_list: {id: ${IP}}]",
		"both named by id": "[email_list: {id: ${EMAIL}}, ip_list: {id: ${IP}}]",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, simulator.Options{})
			w.CheckIDs = true
			ids := strings.NewReplacer("${EMAIL}", w.account.Add(policy.ToEmailList, "Leads"), "${IP}", w.account.Add(policy.ToIPList, "Offices"))
			w.git.commit(fstest.MapFS{"a.yaml": {Data: []byte("name: a\ndecision: allow\ninclude: " + ids.Replace(rules) + "\n")}})
			w.run(event.Success)
			if d := cmp.Diff(map[string]int{"list_lists": 1}, w.lists()); d != "" {
				t.Errorf("lists (-want +got):\n%s", d)
			}
			if warned := w.events.warnings(); len(warned) > 0 {
				t.Errorf("warned of %q", warned)
			}
		})
	}
}

func TestAnUnresolvedNameWritesNothing(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		set  func(*world)
		want string
	}{
		"unknown":   {func(w *world) { w.account.Add(policy.ToGroup, "Staff") }, `list: a.yaml:4:19: no access group is named "Staf": did you mean "Staff"?`},
		"ambiguous": {func(w *world) { w.account.Add(policy.ToGroup, "Staf"); w.account.Add(policy.ToGroup, "Staf") }, `2 access groups are named "Staf"`},
		"not listed": {func(w *world) {
			w.account.Inject(simulator.Fault{Operation: "list_groups", Kind: simulator.HTML, Status: 403, Times: -1})
		}, "list: list access groups: Cloudflare answered 403"},
		"not whole": {func(w *world) {
			w.account.Add(policy.ToGroup, "Staf")
			w.account.Add(policy.ToGroup, "Staff")
			w.account.Inject(simulator.Fault{Operation: "list_groups", Kind: simulator.ShortPage, Times: -1})
		}, "the list is incomplete"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, simulator.Options{})
			tc.set(w)
			w.git.named("Staf")
			done := w.run(event.Failed)
			if done.Err == nil || !strings.Contains(done.Err.Error(), tc.want) {
				t.Errorf("error %v, want %q", done.Err, tc.want)
			}
			if w.writes() != 0 {
				t.Errorf("%d writes", w.writes())
			}
		})
	}
}

func TestANameThatComesToMeanAnotherIsAChangeInGit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{})
	w.Mode = diff.Upsert
	w.account.Add(policy.ToGroup, "Staff")
	other := w.account.Add(policy.ToGroup, "Interns")
	w.git.named("Staff")
	w.run(event.Success)
	w.git.named("Interns")
	w.run(event.Success)
	all, err := w.account.Policies()
	if err != nil || all[0].Include[0].Body.(map[string]any)["id"] != other {
		t.Errorf("account has %v: %v", all, err)
	}
}

func TestIdsThatNothingBearsAreToldOf(t *testing.T) {
	t.Parallel()
	const manifests = "name: a\ndecision: allow\ninclude: [group: {id: AA0A4AAB672B4BDBBC33A59F1130A11F}, group: {id: %s}]\n"
	for name, tc := range map[string]struct {
		strict bool
		fail   bool // the account won't list groups
		want   string
	}{
		"plan":                       {false, false, `a.yaml:3:11: no access group has the id AA0A4AAB672B4BDBBC33A59F1130A11F`},
		"plan --strict":              {true, false, `list: a.yaml:3:11: no access group has the id AA0A4AAB672B4BDBBC33A59F1130A11F`},
		"plan, not allowed":          {false, true, "whether ids are borne can't be checked (access group): list access groups: Cloudflare answered 403"},
		"plan --strict, not allowed": {true, true, "list: list access groups: Cloudflare answered 403"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, simulator.Options{})
			w.CheckIDs, w.Strict = true, tc.strict
			text := fmt.Sprintf(manifests, strings.ToUpper(w.account.Add(policy.ToGroup, "Staff")))
			w.git.commit(fstest.MapFS{"a.yaml": {Data: []byte(text)}})
			if tc.fail {
				w.account.Inject(simulator.Fault{Operation: "list_groups", Kind: simulator.HTML, Status: 403, Times: -1})
			}
			planned, err := w.Plan(t.Context())
			said := strings.Join(w.events.warnings(), "\n")
			if tc.strict {
				said = fmt.Sprint(err)
			} else if err != nil || len(planned.Plan.Changes) != 1 {
				t.Errorf("plan %v, %v", planned.Plan, err)
			}
			if !strings.HasPrefix(said, tc.want) {
				t.Errorf("said %q, want %q", said, tc.want)
			}
		})
	}
}
