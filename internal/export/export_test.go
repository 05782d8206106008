package export_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/policysync/policysync/internal/export"
	"github.com/policysync/policysync/internal/policy"
)

// live returns a policy of an account, from JSON; id and include have defaults.
func live(t testing.TB, id, name, more string) policy.Live {
	t.Helper()
	if !strings.Contains(more, `"include"`) {
		more += `,"include":[{"everyone":{}}]`
	}
	var l policy.Live
	quoted, _ := json.Marshal(name)
	text := fmt.Sprintf(`{"id":%q,"name":%s,"decision":"allow"%s}`, id, quoted, more)
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return l
}

// vars are the variables of all folders here.
var vars = map[string]any{"env": "staging"}

// exported exports to a folder and returns what becomes of it.
func exported(t testing.TB, folder fstest.MapFS, account export.Account) export.Result {
	t.Helper()
	f, err := export.Open(folder, vars)
	if err != nil {
		t.Fatal(err)
	}
	result, err := f.Export(account)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func manifestOf(name string) string {
	return "name: " + name + "\ndecision: allow\ninclude:\n  - everyone: {}\n"
}

func TestFilesAreNamedForTheirPolicies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		names []string
		there string // a file in the folder
		want  []string
	}{
		{[]string{"Engineering", "On-call: break glass!", "Büro  Zürich", "ﬁle №5"}, "", []string{"buro-zurich.yaml", "engineering.yaml", "file-no5.yaml", "on-call-break-glass.yaml"}},
		{[]string{"A b", "a-B", "c"}, "", []string{"a-b-id0xxxxx.yaml", "a-b-id1xxxxx.yaml", "c.yaml"}},
		{[]string{"世界", "…"}, "", []string{"id0xxxxx.yaml", "id1xxxxx.yaml"}},
		{[]string{"CON", "com1", "lpt0", "Aux", "nul-2"}, "", []string{"aux-id3xxxxx.yaml", "com1-id1xxxxx.yaml", "con-id0xxxxx.yaml", "lpt0.yaml", "nul-2.yaml"}},
		{[]string{"Office"}, "OFFICE.YAML", []string{"office-id0xxxxx.yaml"}},
		{[]string{strings.Repeat("long ", 100)[:499]}, "", []string{strings.Repeat("long-", 16)[:79] + ".yaml"}},
	} {
		var account export.Account
		for i, name := range c.names {
			account.Live = append(account.Live, live(t, fmt.Sprintf("id%dxxxxx-yyyy", i), name, ""))
		}
		folder := fstest.MapFS{}
		if c.there != "" {
			folder[c.there] = &fstest.MapFile{Data: []byte("not a manifest")}
		}
		for range 2 {
			if got := slices.Sorted(maps.Keys(exported(t, folder, account).Files)); !slices.Equal(got, c.want) {
				t.Errorf("%q gave %q, want %q", c.names, got, c.want)
			}
			slices.Reverse(account.Live)
		}
	}
}

func TestAManifestIsFoundByWhatItSays(t *testing.T) {
	t.Parallel()
	folder := fstest.MapFS{
		"teams/all.yml": {Data: []byte("# both\n" + manifestOf("A") + "policysync: {key: a}\n---\n" + manifestOf("B") + "---\n" + manifestOf("C"))},
		"gone.yaml":     {Data: []byte(manifestOf("Gone"))},
	}
	account := export.Account{
		Live: []policy.Live{
			live(t, "1", "A2", `,"isolation_required":true`), live(t, "2", "B", `,"session_duration":""`), live(t, "3", "C", `,"session_duration":"8h"`), live(t, "4", "D", ""),
		},
		Recorded: []policy.Recorded{{Key: "a", ID: "1"}},
	}
	got := exported(t, folder, account)
	want := map[string]string{
		"teams/all.yml": "# both\n" + manifestOf("A2") + "isolation_required: true\npolicysync: {key: a}\n---\n" + manifestOf("B") + "---\n" + manifestOf("C") + "session_duration: 8h\n",
		"d.yaml":        manifestOf("D"),
	}
	for path, content := range want {
		if d := cmp.Diff(content, string(got.Files[path])); d != "" {
			t.Errorf("%s (-want +got):\n%s", path, d)
		}
	}
	if len(got.Files) != len(want) || got.Same != 1 || !slices.Equal(got.New, []string{"d.yaml"}) {
		t.Errorf("%d files, %d the same, new: %q", len(got.Files), got.Same, got.New)
	}
	if len(got.Gone) != 1 || got.Gone[0].File != "gone.yaml" {
		t.Errorf("gone: %+v", got.Gone)
	}
	keys := []export.Declared{{"2", "B"}, {"4", "D"}, {"1", "a"}, {"3", "C"}}
	slices.SortFunc(got.Declared, func(a, b export.Declared) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(keys, func(a, b export.Declared) int { return strings.Compare(a.ID, b.ID) })
	if d := cmp.Diff(keys, got.Declared); d != "" {
		t.Errorf("keys (-want +got):\n%s", d)
	}
	for path, content := range got.Files {
		folder[path] = &fstest.MapFile{Data: content}
	}
	if again := exported(t, folder, account); len(again.Files) != 0 || again.Same != 4 {
		t.Errorf("the next export writes %q", slices.Sorted(maps.Keys(again.Files)))
	}
}

func TestWhatCannotBeDeclaredIsToldOf(t *testing.T) {
	t.Parallel()
	legacy := live(t, "l", "Legacy", `,"reusable":false`)
	account := export.Account{
		Live: []policy.Live{
			live(t, "1", "Twin", ""), live(t, "2", "Twin", ""), live(t, "3", " blank", ""), live(t, "4", "Bell\a", ""),
			live(t, "5", "Nobody", `,"include":[]`), live(t, "6", "More", `,"include":[{"email":{"email":"a@x.example","future":1}}]`),
			live(t, "7", "Text", `,"include":["x"]`), live(t, "8", "New kind", `,"include":[{"new_kind":{"a":[1,null,"no"]}}],"future":true`),
			live(t, "9", "Nested", `,"mfa_config":{"future":1}`), live(t, "10", "Ours", ""), live(t, "11", "Ours", ""),
			live(t, "12", "Earlier", ""), live(t, "13", "Later", ""), live(t, "14", "Both ours", ""), live(t, "15", "Both ours", ""),
			live(t, "16", "Has a manifest", `,"include":[{"group":{"id":"g"}}]`), legacy,
		},
		Recorded: []policy.Recorded{{Key: "ours", ID: "10"}, {Key: "one", ID: "14"}, {Key: "other", ID: "15"}},
	}
	folder := fstest.MapFS{
		"later.yaml": {Data: []byte(manifestOf("Later") + "policysync: {previously: [Earlier]}\n")},
		"has.yaml":   {Data: []byte(manifestOf("Has a manifest"))},
	}
	got := exported(t, folder, account)
	var told []string
	for _, s := range got.Skipped {
		told = append(told, fmt.Sprintf("%s %q: %s", s.ID, s.Name, s.Why))
	}
	slices.Sort(told)
	const dashboard, rename = "alter the policy at the dashboard, then export again", "rename or delete the others at the dashboard, then export again"
	if d := cmp.Diff([]string{
		`1 "Twin": 2 policies bear that name (1, 2), and a manifest can mean only one: ` + rename,
		`11 "Ours": 2 policies bear that name (10, 11), and a manifest can mean only one: ` + rename,
		`12 "Earlier": the manifest of another policy, later.yaml:1, lays claim to its name: rename one of the two`,
		`14 "Both ours": 2 policies bear that name (14, 15), and a manifest can mean only one: ` + rename,
		`15 "Both ours": 2 policies bear that name (14, 15), and a manifest can mean only one: ` + rename,
		`16 "Has a manifest": a manifest can't hold it (id: "g" is not an id such as f174e90a-fafe-4643-bbbc-4a0ed4fc8415: for the access group of that name, write {name: g}): ` + dashboard,
		`2 "Twin": 2 policies bear that name (1, 2), and a manifest can mean only one: ` + rename,
		`3 " blank": a manifest can't hold it (name: " blank" begins or ends with a blank: remove it): ` + dashboard,
		`4 "Bell\a": a manifest can't hold it (name: "Bell\a" has line breaks or control characters: remove them): ` + dashboard,
		`5 "Nobody": a manifest can't hold it (include: want at least one rule: the policy would match nobody): ` + dashboard,
		`6 "More": a manifest can't hold it (unknown field "future": rule "email" takes email): ` + dashboard,
		`7 "Text": a manifest can't hold it (want a rule such as {email: {email: ann@example.com}}, got the text "x"): ` + dashboard,
		`9 "Nested": a manifest can't hold it (unknown field "future": mfa_config takes allowed_authenticators, mfa_disabled, session_duration): ` + dashboard,
	}, told); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if len(got.Legacy) != 1 || got.Legacy[0].ID != "l" {
		t.Errorf("legacy: %+v", got.Legacy)
	}
	if want := []string{`"New kind" (8) has settings that this version doesn't know, and that its manifest leaves out: future; they stay until policysync updates the policy`}; !slices.Equal(got.Notes, want) {
		t.Errorf("notes: %q", got.Notes)
	}
	const unknown = "name: New kind\ndecision: allow\ninclude:\n  - new_kind: {a: [1, null, \"no\"]}\npolicysync:\n  allow_unknown_rules: true\n"
	if d := cmp.Diff(map[string]string{"ours.yaml": manifestOf("Ours") + "policysync:\n  key: ours\n", "new-kind.yaml": unknown}, texts(got.Files)); d != "" {
		t.Errorf("files (-want +got):\n%s", d)
	}
}

func texts(files map[string][]byte) map[string]string {
	all := map[string]string{}
	for path, content := range files {
		all[path] = string(content)
	}
	return all
}

func TestSharedRulesAndVariablesStayWhereTheySayTheSame(t *testing.T) {
	t.Parallel()
	const sets = "kind: RuleSet\nname: staff\nrules:\n  - email: {email: [a@x.example, b@x.example]}\n"
	const team = "name: ${vars.env} team\ndecision: allow\ninclude:\n  - use: staff # shared\n  - everyone: {}\n"
	folder := fstest.MapFS{"sets.yaml": {Data: []byte(sets)}, "team.yaml": {Data: []byte(team)}}
	rules := func(emails ...string) string {
		var all []string
		for _, e := range emails {
			all = append(all, `{"email":{"email":"`+e+`"}}`)
		}
		return `,"include":[` + strings.Join(all, ",") + "]"
	}
	for _, c := range []struct {
		name string
		live policy.Live
		want string // team.yaml; "": as it is
	}{
		{"the same", live(t, "1", "staging team", `,"include":[{"everyone":{}},{"email":{"email":"a@x.example"}},{"email":{"email":"b@x.example"}}]`), ""},
		{"one more, one less", live(t, "1", "staging team", rules("a@x.example", "b@x.example", "c@x.example")), strings.Replace(team, "everyone: {}", "email: {email: c@x.example}", 1)},
		{"less than is shared", live(t, "1", "staging team", rules("a@x.example")), "name: ${vars.env} team\ndecision: allow\ninclude:\n  - email: {email: a@x.example}\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := texts(exported(t, folder, export.Account{Live: []policy.Live{c.live}}).Files)
			want := map[string]string{}
			if c.want != "" {
				want["team.yaml"] = c.want
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestAVariableThatGivesWayIsToldOf(t *testing.T) {
	t.Parallel()
	folder := fstest.MapFS{"a.yaml": {Data: []byte(manifestOf("A") + "purpose_justification_prompt: Why ${vars.env}?\n---\n" + manifestOf("${vars.env}"))}}
	got := exported(t, folder, export.Account{Live: []policy.Live{
		live(t, "1", "A", `,"purpose_justification_prompt":"Why?"`), live(t, "2", "staging", `,"session_duration":"8h"`),
	}})
	want := []string{"in the manifest at a.yaml:1, a value stands in place of ${vars.env}: for other targets too"}
	if !slices.Equal(got.Notes, want) {
		t.Errorf("notes: %q, want %q", got.Notes, want)
	}
}

func TestReferencesAreWhatTheFolderNamesAndWhatPoliciesReferTo(t *testing.T) {
	t.Parallel()
	folder, err := export.Open(fstest.MapFS{"a.yaml": {Data: []byte("name: A\ndecision: allow\ninclude:\n  - group: {name: Staff}\n")}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	named, other := folder.References([]policy.Live{live(t, "1", "A", `,"include":[{"group":{"id":"g"}},{"login_method":{"id":"p"}}]`)})
	if !slices.Equal(named, []policy.Reference{policy.ToGroup}) || !slices.Equal(other, []policy.Reference{policy.ToProvider}) {
		t.Errorf("named: %q, other: %q", named, other)
	}
}

// counted counts how often a file of a folder is opened.
type counted struct {
	fs.FS
	opened *int
}

func (c counted) Open(name string) (fs.File, error) {
	*c.opened++
	return c.FS.Open(name)
}

func TestAFolderIsReadAFewTimesHoweverManyOfItsPoliciesAreAltered(t *testing.T) {
	t.Parallel()
	const count = 50
	folder := fstest.MapFS{
		"sets.yaml":       {Data: []byte("kind: RuleSet\nname: staff\nrules: [{use: all}]\n")},
		"teams/inner.yml": {Data: []byte("kind: RuleSet\nname: all\nrules: [{email: {email: a@x.example}}]\n---\n" + manifestOf("Inner"))},
	}
	account := export.Account{Live: []policy.Live{live(t, "inner", "Inner", `,"session_duration":"8h"`)}}
	for i := range count {
		name := fmt.Sprintf("P%02d", i)
		folder[name+".yaml"] = &fstest.MapFile{Data: []byte("name: " + name + "\ndecision: allow\ninclude:\n  - use: staff\n")}
		account.Live = append(account.Live, live(t, name, name, `,"session_duration":"8h","include":[{"email":{"email":"a@x.example"}}]`))
	}
	opened := 0
	f, err := export.Open(counted{folder, &opened}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.Export(account)
	if err != nil || len(got.Files) != count+1 {
		t.Fatalf("%d files, %v", len(got.Files), err)
	}
	for path, content := range got.Files {
		if path != "teams/inner.yml" && string(content) != string(folder[path].Data)+"session_duration: 8h\n" {
			t.Errorf("%s: %s", path, content)
		}
	}
	if opened > 10*count {
		t.Errorf("%d files of %d were opened", opened, count+2)
	}
}
