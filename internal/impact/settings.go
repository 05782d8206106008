package impact

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/policysync/policysync/internal/policy"
)

// ofSettings is the shift for people who match before and after, by the
// settings alone; both policies are canonical. Settings are the terms of being
// let in, so those of a policy that denies don't count; and where the decision
// changes, it outweighs them. What this version doesn't know, be it a setting or
// the decision that settings belong to, always counts.
func ofSettings(before, after policy.Policy) shift {
	standing := standingOf(before.Decision)
	terms := before.Decision == after.Decision && standing != denied
	approval := before.Settings["approval_required"] != nil && after.Settings["approval_required"] != nil
	return ofFields(before.Settings, after.Settings, func(name string, b, a any) shift {
		switch {
		case !slices.ContainsFunc(policy.Fields(), func(f policy.Field) bool { return f.Name == name }), standing == unknown:
			return unclear
		case !terms, name == "approval_groups" && !approval: // without approval, the groups have no effect
			return 0
		default:
			return ofSetting(name, b, a)
		}
	})
}

// ofSetting is the shift by one setting. A justification counts as a demand:
// who wouldn't give one gets in once it isn't asked for. What users are asked
// doesn't count.
func ofSetting(name string, before, after any) shift {
	switch name {
	case "approval_required", "isolation_required", "purpose_justification_required":
		return ofDemand(before, after)
	case "purpose_justification_prompt":
		return 0
	case "session_duration":
		return ofDuration(before, after)
	case "approval_groups":
		return ofApprovalGroups(before, after)
	case "mfa_config":
		return ofObjects(before, after, ofMFA)
	case "connection_rules":
		return ofObjects(before, after, ofConnectionRules)
	default:
		return unclear
	}
}

// ofFields is the shift by all fields that differ between two objects.
func ofFields(before, after map[string]any, of func(name string, before, after any) shift) shift {
	names := maps.Clone(before)
	if names == nil {
		names = map[string]any{}
	}
	maps.Copy(names, after)
	var s shift
	for name := range names {
		if policy.JSON(before[name]) != policy.JSON(after[name]) {
			s |= of(name, before[name], after[name])
		}
	}
	return s
}

// ofObjects is the shift by two values that should be objects; one that is
// absent is empty.
func ofObjects(before, after any, of func(before, after map[string]any) shift) shift {
	b, bIs := before.(map[string]any)
	a, aIs := after.(map[string]any)
	if !bIs && before != nil || !aIs && after != nil {
		return unclear
	}
	return of(b, a)
}

// ofDemand is the shift by a truth value that asks more of people when true.
func ofDemand(before, after any) shift {
	asked, _ := before.(bool)
	asks, _ := after.(bool)
	switch {
	case asked && after == nil:
		return gain
	case asks && before == nil:
		return loss
	default:
		return unclear
	}
}

// ofDuration is the shift by how long something lasts: the longer, the laxer.
// What an absent duration comes to, the application or account says.
func ofDuration(before, after any) shift {
	b, bIs := durationOf(before)
	a, aIs := durationOf(after)
	if !bIs || !aIs {
		return unclear
	}
	return ofAmounts(b, a)
}

func durationOf(value any) (time.Duration, bool) {
	text, _ := value.(string)
	d, err := time.ParseDuration(text)
	return d, err == nil
}

// ofAmounts is the shift by a number that is the laxer the larger it is.
func ofAmounts[T cmp.Ordered](before, after T) shift {
	switch {
	case after > before:
		return gain
	case after < before:
		return loss
	default:
		return 0
	}
}

// ofChoices is the shift by a set of which any element will do: the more, the
// laxer. What an absent set comes to is decided elsewhere.
func ofChoices(before, after any) shift {
	b, bIs := before.([]any)
	a, aIs := after.([]any)
	if !bIs || !aIs {
		return unclear
	}
	var s shift
	if len(without(a, b)) > 0 {
		s |= gain
	}
	if len(without(b, a)) > 0 {
		s |= loss
	}
	return s
}

// without returns the elements of a set that another doesn't hold.
func without(set, other []any) []any {
	held := make(map[string]bool, len(other))
	for _, v := range other {
		held[policy.JSON(v)] = true
	}
	return slices.DeleteFunc(slices.Clone(set), func(v any) bool { return held[policy.JSON(v)] })
}

// ofApprovalGroups is the shift by who must approve. Cloudflare doesn't say
// whether one group's approval is enough or all must give theirs, so only a
// change within one group can be told.
func ofApprovalGroups(before, after any) shift {
	b, bIs := before.([]any)
	a, aIs := after.([]any)
	gone, come := without(b, a), without(a, b)
	if !bIs || !aIs || len(gone) != 1 || len(come) != 1 {
		return unclear
	}
	return ofObjects(gone[0], come[0], ofApprovalGroup)
}

func ofApprovalGroup(before, after map[string]any) shift {
	return ofFields(before, after, func(name string, b, a any) shift {
		switch name {
		case "approvals_needed":
			return ofNeeded(b, a)
		case "email_addresses":
			return ofChoices(b, a)
		default:
			return unclear
		}
	})
}

// ofNeeded is the shift by how many must approve: the fewer, the laxer.
func ofNeeded(before, after any) shift {
	b, bIs := before.(json.Number)
	a, aIs := after.(json.Number)
	if !bIs || !aIs {
		return unclear
	}
	fewest, err := a.Int64()
	most, otherErr := b.Int64()
	if err != nil || otherErr != nil {
		return unclear
	}
	return ofAmounts(fewest, most)
}

// ofMFA is the shift by Access's own second factor. What is absent is decided
// by the application or the account; but nothing is laxer than no second
// factor, so where that is switched on or off the rest doesn't count.
func ofMFA(before, after map[string]any) shift {
	switched := (before["mfa_disabled"] == nil) != (after["mfa_disabled"] == nil)
	return ofFields(before, after, func(name string, b, a any) shift {
		switch {
		case name == "mfa_disabled":
			return ofDemand(a, b)
		case name != "allowed_authenticators" && name != "session_duration":
			return unclear
		case switched:
			return 0
		case name == "session_duration":
			return ofDuration(b, a)
		default:
			return ofChoices(b, a)
		}
	})
}

// ofConnectionRules is the shift by what RDP in the browser may do. Where a
// policy says nothing about it, new ones deny and those older than the setting
// allow the clipboard, so coming and going of the whole can't be told.
func ofConnectionRules(before, after map[string]any) shift {
	return ofFields(before, after, func(name string, b, a any) shift {
		if name != "rdp" || b == nil || a == nil {
			return unclear
		}
		return ofObjects(b, a, ofClipboard)
	})
}

// ofClipboard is the shift by what may be copied. Where the other direction is
// stated, an absent one is empty: the API leaves out empty lists.
func ofClipboard(before, after map[string]any) shift {
	return ofFields(before, after, func(name string, b, a any) shift {
		switch name {
		case "allowed_clipboard_local_to_remote_formats", "allowed_clipboard_remote_to_local_formats":
			return ofChoices(orEmpty(b), orEmpty(a))
		default:
			return unclear
		}
	})
}

func orEmpty(set any) any {
	if set == nil {
		return []any{}
	}
	return set
}
