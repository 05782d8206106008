package lint

import (
	"slices"

	"github.com/policysync/policysync/internal/diagnostic"
	"github.com/policysync/policysync/internal/manifest"
	"github.com/policysync/policysync/internal/policy"
)

// Lint is one mistake that is looked for. Its page, docs/lints/CODE.md, shows
// an example of it and what to write instead.
type Lint struct {
	Code  string // for ever the same: comments name it
	Title string // the same in words
	Doc   string // why it is a mistake, in a sentence

	Severity diagnostic.Severity

	// Lists is what must be known of the account to see every case; empty for
	// what the manifests tell alone.
	Lists policy.Reference

	check func(*subject) // nil: found where comments or manifests are read
}

// badIgnore is the code of errors in comments.
const badIgnore = "PS001"

// UnusedIgnore is the code of comments that silence nothing. With other
// variables, those of another target, one may silence something.
const UnusedIgnore = "PS002"

// All returns the lints, sorted by code. The caller must not alter the result.
func All() []Lint { return lints }

var lints = []Lint{
	{Code: badIgnore, Title: "bad-ignore", Severity: diagnostic.Error, Doc: "A comment that silences a lint names its code and a reason, so that the next reader knows why."},
	{Code: UnusedIgnore, Title: "unused-ignore", Severity: diagnostic.Warning, Doc: "A comment that silences nothing hides the next mistake on its line."},
	{Code: manifest.PrecedenceCode, Title: "precedence", Severity: diagnostic.Error, Doc: "The order of policies belongs to the application that uses them."},

	{Code: "PS101", Title: "open-to-everyone", Severity: diagnostic.Warning, Doc: "The policy lets in whoever asks, or whoever can log in.", check: everyone},
	{Code: "PS102", Title: "open-by-one-time-pin", Severity: diagnostic.Warning, Doc: "A one-time PIN is sent to any e-mail address: whoever has one gets in.", Lists: policy.ToProvider, check: oneTimePIN},
	{Code: "PS103", Title: "any-service-token", Severity: diagnostic.Warning, Doc: "Every service token of the account gets in, whatever it was made for.", check: anyToken},
	{Code: "PS104", Title: "wide-block", Severity: diagnostic.Warning, Doc: "The block of addresses is wider than what one organisation has.", check: wideBlock},
	{Code: "PS105", Title: "public-mail-domain", Severity: diagnostic.Warning, Doc: "Anybody can get an address at a public mail service.", check: publicMail},

	{Code: "PS201", Title: "bypass-with-identity", Severity: diagnostic.Warning, Doc: "Under bypass nobody logs in, so that rules about who somebody is match nobody.", check: bypassIdentity},
	{Code: "PS202", Title: "token-without-service-auth", Severity: diagnostic.Warning, Doc: "Service tokens are looked at under the decision non_identity alone.", check: tokenDecision},
	{Code: "PS203", Title: "require-contradiction", Severity: diagnostic.Warning, Doc: "All rules of require must hold, and these never hold together.", check: contradiction},
	{Code: "PS204", Title: "excluded-anyway", Severity: diagnostic.Warning, Doc: "A rule of exclude takes out whoever this rule matches.", check: excluded},

	{Code: "PS301", Title: "approval-groups-without-approval", Severity: diagnostic.Warning, Doc: "Without approval_required, nobody is asked for approval.", check: inertApprovalGroups},
	{Code: "PS302", Title: "approval-without-groups", Severity: diagnostic.Warning, Doc: "Approval is required, and nobody is named who could give it.", check: approvalWithoutGroups},
	{Code: "PS303", Title: "prompt-without-justification", Severity: diagnostic.Warning, Doc: "Without purpose_justification_required, nobody is asked for a purpose.", check: inertPrompt},
	{Code: "PS304", Title: "approvals-out-of-reach", Severity: diagnostic.Warning, Doc: "The group can't give as many approvals as it must, or needs none.", check: approvalsNeeded},
	{Code: "PS305", Title: "setting-without-login", Severity: diagnostic.Warning, Doc: "What is asked at login has no effect under a decision without one.", check: settingWithoutLogin},

	{Code: "PS401", Title: "duplicate-rule", Severity: diagnostic.Warning, Doc: "The same rule stands twice in a list.", check: duplicate},
	{Code: "PS402", Title: "shadowed-rule", Severity: diagnostic.Warning, Doc: "Another rule of the list makes this one say nothing.", check: shadowed},
	{Code: "PS403", Title: "host-bits", Severity: diagnostic.Warning, Doc: "A block is written with bits beyond its length, which don't count.", check: hostBits},
}

// named returns the lint of that code.
func named(code string) (Lint, bool) {
	i := slices.IndexFunc(lints, func(l Lint) bool { return l.Code == code })
	if i < 0 {
		return Lint{}, false
	}
	return lints[i], true
}
