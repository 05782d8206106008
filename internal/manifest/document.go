package manifest

import (
	"path"
	"slices"
	"strings"
	"time"

	"github.com/policysync/policysync/internal/policy"
	"github.com/policysync/policysync/internal/yamltree"
)

// declared is a policy, with the rules that stand in its document itself, and
// where what must be unique about it stands.
type declared struct {
	*policy.Desired
	nameAt     yamltree.Position
	keyAt      yamltree.Position
	previousAt []yamltree.Position // of each of Previously
	origin     *Origin
	named      bool // refers to something by name
	uses       uses
}

// decodeFile returns what one file declares and every error in it that can be
// seen without the other files. A policy or rule set with errors is returned as
// far as it is understood, for its name is still taken.
func decodeFile(known *catalog, at found, content []byte) file {
	text := yamltree.New(at.path, content)
	result := file{hash: at.hash}
	for root := range text.Documents() {
		d := document{catalog: known, file: text, declares: "the policy"}
		d.fill(&root)
		d.decode(root, &result)
		result.unset = append(result.unset, d.unset...)
	}
	result.findings, result.unread = text.Findings(), result.unread || text.Unread()
	if len(result.findings) == 0 {
		result.ignores = ignores(text)
	}
	return result
}

// lfsPointer begins what Git LFS puts in the place of a file (its docs/spec.md).
const lfsPointer = "version https://git-lfs.github.com/spec/"

// document is one manifest being decoded.
type document struct {
	*catalog
	file         *yamltree.File
	declares     string   // in words
	allowUnknown bool     // rule kinds
	named        bool     // something is referred to by name
	unset        []string // variables without a value
}

func (d *document) report(at yamltree.Position, format string, args ...any) {
	d.file.Report(at, format, args...)
}

// decode adds what a document declares to that of its file.
func (d *document) decode(root yamltree.Value, to *file) {
	if strings.HasPrefix(root.Text, lfsPointer) {
		d.report(root.Position, "the file is a Git LFS pointer, and the manifest itself is not in the commit: "+
			"take it out of LFS with `git lfs untrack '*%s' && git add --renormalize .`", path.Ext(d.file.Path()))
		return
	}
	if root.Shape != yamltree.Object {
		hint := ""
		if root.Shape == yamltree.List {
			hint = ": write one document for each policy, with --- between them"
		}
		d.report(root.Position, "want a policy (an object), got %s%s", root, hint)
		return
	}
	own, _ := root.Get(settings.Name)
	allow, _ := own.Get(allowUnknown.Name)
	d.allowUnknown = allow.Style == yamltree.Open || allow.Shape == yamltree.Bool && isTrue(allow.Text)
	switch d.kindOf(root) {
	case kindPolicy:
		to.policies = append(to.policies, d.policy(root, own))
	case KindRuleSet:
		to.ruleSets = append(to.ruleSets, d.ruleSet(root))
	default:
		to.unread = true
	}
}

// policy returns the policy that a document declares; own is its field
// policysync.
func (d *document) policy(root, own yamltree.Value) declared {
	body := d.object(owner{name: "a policy"}, d.fields, root)
	result := declared{Desired: &policy.Desired{}, origin: &Origin{Fields: d.fieldPlaces(root)}}
	result.File, result.Line = d.file.Path(), root.Line
	result.setSettings(body, own)
	delete(body, settings.Name)
	delete(body, kindField.Name)
	result.setPolicy(body, root)
	result.named = d.named
	if result.Key == "" {
		result.Key, result.keyAt = result.Name, result.nameAt
	}
	return result
}

// setPolicy takes the decoded fields of a policy.
func (d *declared) setPolicy(body map[string]any, root yamltree.Value) {
	d.Name, _ = body["name"].(string)
	decision, _ := body["decision"].(string)
	d.Decision = policy.Decision(decision)
	d.Include, d.origin.Include, d.uses.include = taken(body, "include")
	d.Exclude, d.origin.Exclude, d.uses.exclude = taken(body, "exclude")
	d.Require, d.origin.Require, d.uses.require = taken(body, "require")
	for _, name := range []string{"name", "decision", "include", "exclude", "require"} {
		delete(body, name)
	}
	if len(body) > 0 {
		d.Settings = body
	}
	name, _ := root.Get("name")
	d.nameAt = name.Position
}

// taken returns the decoded list of rules of that name.
func taken(body map[string]any, name string) ([]policy.Rule, []Place, []use) {
	list, _ := body[name].(ruleList)
	return list.rules, list.places, list.uses
}

// The types that only policysync's own settings have.
const (
	Date  policy.Type = -1 - iota // a day, YYYY-MM-DD
	Title                         // a text that names something and fits on one line
)

// Fields returns the fields of a manifest: those of a policy, then the one
// that holds what is policysync's own, and the kind of the document. The caller
// must not alter what is shared by the result.
func Fields() []policy.Field { return append(slices.Clone(policy.Fields()), settings, kindField) }

// settings is the field that holds what is policysync's own and never sent.
var settings = policy.Field{Name: "policysync", Type: policy.Object, Doc: "what is policysync's own and never sent", Fields: []policy.Field{
	{
		Name: "key", Type: Title,
		Doc: "what the policy is known by in the recorded state; unique in the target. Default: the name",
	},
	{
		Name: "previously", Type: Title, Many: true,
		Doc: "earlier names: the policy is renamed in place and keeps its id and its applications",
	},
	{
		Name: "protect", Type: policy.Bool,
		Doc: "never update or delete this policy, only report; this goes on when the manifest has expired or is removed",
	},
	{Name: "expires", Type: Date, Doc: "the last day, in UTC, on which the policy counts as declared"},
	allowUnknown,
}}

var allowUnknown = policy.Field{
	Name: "allow_unknown_rules", Type: policy.Bool, Doc: "let rules of kinds pass that this version doesn't know",
}

// setSettings takes the decoded field policysync; own is how it stands in the
// document.
func (d *declared) setSettings(body map[string]any, own yamltree.Value) {
	fields, _ := body[settings.Name].(map[string]any)
	d.Key, _ = fields["key"].(string)
	key, _ := own.Get("key")
	d.keyAt = key.Position
	d.Protect, _ = fields["protect"].(bool)
	if day, isText := fields["expires"].(string); isText {
		d.Expires, _ = time.Parse(time.DateOnly, day)
	}
	previously, _ := own.Get("previously")
	for _, item := range previously.Items {
		if item.Shape == yamltree.Text {
			d.Previously = append(d.Previously, item.Text)
			d.previousAt = append(d.previousAt, item.Position)
		}
	}
}

// owner is the object whose field is being decoded, as messages name it.
type owner struct {
	name   string
	isRule bool // the body of one
}

func ruleOwner(kind string) owner { return owner{`rule "` + kind + `"`, true} }
