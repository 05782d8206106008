package lint

import (
	"encoding/json"
	"strings"

	"github.com/policysync/policysync/internal/policy"
)

// isSet reports whether a setting certainly says something else than leaving it
// out.
func (s *subject) isSet(setting string) bool {
	value := s.settings[setting]
	text, _ := value.(string)
	return value != nil && !isOpen(text)
}

func (s *subject) approvalGroups() []any {
	groups, _ := s.Settings["approval_groups"].([]any)
	return groups
}

func inertApprovalGroups(s *subject) {
	if s.Decision == policy.Allow && len(s.approvalGroups()) > 0 && !s.isSet("approval_required") {
		s.reportField("approval_groups", "nobody is asked for approval: write approval_required: true too, or remove the groups")
	}
}

func approvalWithoutGroups(s *subject) {
	if s.Decision == policy.Allow && s.isSet("approval_required") && len(s.approvalGroups()) == 0 {
		s.reportField("approval_required", "nobody is named who could approve: add approval_groups")
	}
}

func inertPrompt(s *subject) {
	prompt, _ := s.Settings["purpose_justification_prompt"].(string)
	if s.Decision == policy.Allow && prompt != "" && !s.isSet("purpose_justification_required") {
		s.reportField("purpose_justification_prompt", "nobody is asked: write purpose_justification_required: true too, or remove the prompt")
	}
}

func approvalsNeeded(s *subject) {
	if s.Decision != policy.Allow || !s.isSet("approval_required") {
		return
	}
	for i, g := range s.approvalGroups() {
		group, _ := g.(map[string]any)
		number, _ := group["approvals_needed"].(json.Number)
		needed, err := number.Int64()
		members := addresses(group)
		switch {
		case err != nil:
		case needed == 0:
			s.reportField("approval_groups", "group %d needs no approval: write how many it must give, at least 1", i+1)
		case group["email_list_uuid"] == nil && needed > int64(members):
			s.reportField("approval_groups", "group %d must give %d approvals and has %d addresses: nobody ever gets in; ask for fewer, or add addresses", i+1, needed, members)
		}
	}
}

// addresses counts the different members of an approval group.
func addresses(group map[string]any) int {
	members := map[string]bool{}
	list, _ := group["email_addresses"].([]any)
	for _, address := range list {
		text, _ := address.(string)
		members[strings.ToLower(text)] = true
	}
	return len(members)
}

// settingWithoutLogin goes by Cloudflare's pages on these settings, which all
// begin with choosing an Allow policy.
func settingWithoutLogin(s *subject) {
	if s.Decision == policy.Allow {
		return
	}
	for _, setting := range []string{
		"approval_required", "approval_groups", "purpose_justification_required", "purpose_justification_prompt",
		"isolation_required", "mfa_config",
	} {
		if s.isSet(setting) {
			at, _ := s.origin.Field(setting)
			s.reportField(setting, "has no effect under the %s: decide allow, or remove it", s.decided(at))
		}
	}
}
