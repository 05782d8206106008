package policy

import (
	"fmt"
	"slices"
	"time"

	"github.com/policysync/policysync/internal/diagnostic"
)

// Type is what the value of a field must be.
type Type int

// The types of fields. Each has one canonical form.
const (
	Text     Type = iota // any string, compared as it is
	Bool                 // false means the same as leaving the field out
	Number               // a number of at least 0
	Duration             // as Go's time.ParseDuration reads it, compared by length
	Email                // an e-mail address, compared in lower case
	Domain               // a domain name, compared in lower case
	CIDR                 // an IP address or block; a bare address is a block of one
	Country              // a code that IsCountry knows, compared in upper case
	URL                  // an https URL
	ID                   // an identifier that the account gave, compared in lower case
	Object               // an object with Fields
	Rules                // a set of rules
)

// Reference is the kind of thing that an ID field names.
type Reference string

// What ID fields name.
const (
	ToGroup         Reference = "access group"
	ToEmailList     Reference = "email list"
	ToIPList        Reference = "IP list"
	ToServiceToken  Reference = "service token"
	ToApp           Reference = "application"
	ToProvider      Reference = "identity provider"
	ToPosture       Reference = "device posture integration"
	ToAccount       Reference = "account"
	ToProviderGroup Reference = "group of the identity provider"
	ToAuthContext   Reference = "authentication context"
)

// Named reports whether the account lists what the reference names, so that a
// manifest may give its name in place of its id.
func (r Reference) Named() bool {
	switch r {
	case ToGroup, ToEmailList, ToIPList, ToServiceToken, ToApp, ToProvider, ToPosture:
		return true
	default:
		return false
	}
}

// Cloudflares reports whether Cloudflare gave the ids of what the reference
// names: 32 hex digits, with hyphens or without. Others are as an identity
// provider writes them.
func (r Reference) Cloudflares() bool { return r.Named() || r == ToAccount }

// Thing is something in the account that rules refer to.
type Thing struct {
	ID, Name string
	Type     string // as the account says, such as onetimepin of an identity provider; may be empty
}

// Name stands in place of an id in a manifest that names the thing instead. It
// never leaves for the account: it has no JSON form.
type Name struct {
	Refers Reference
	Name   string
	At     diagnostic.Diagnostic // the place, without a message
}

// MarshalJSON returns an error: the name was to be resolved first.
func (n Name) MarshalJSON() ([]byte, error) {
	return nil, fmt.Errorf("the %s %q was not resolved", n.Refers, n.Name)
}

// Field is one field of a policy, a rule body or an object within.
type Field struct {
	Name     string // the API's own
	Doc      string // what it is for, in words for the reference and the schema; "": its name and type say it
	Type     Type
	Many     bool          // a set of such values
	Required bool          // must be there and not empty
	Nullable bool          // may be written as null
	Enum     []string      // the values of a Text field; none: any
	Refers   Reference     // what an ID names
	Units    string        // the letters that a Duration's units may be made of; "": any
	Longest  time.Duration // a Duration's upper limit; 0: none
	Fields   []Field       // of an Object
}

// empty is the value that means the same as leaving the field out.
func (f Field) empty() any {
	switch {
	case f.Many:
		return []any{}
	case f.Nullable:
		return nil
	case f.Type == Bool:
		return false
	case f.Type == Object:
		return map[string]any{}
	default:
		return ""
	}
}

// Fields returns the fields of a policy's request body, in the order in which
// Cloudflare's reference names them (access_policy_req). The caller must not
// alter what is shared by the result.
func Fields() []Field { return fields }

// readOnly are the fields that the account sets and a request may not hold.
var readOnly = []string{"id", "app_count", "reusable", "created_at", "updated_at"}

// IsReadOnly reports whether the account alone sets the field of that name.
func IsReadOnly(name string) bool { return slices.Contains(readOnly, name) }

var clipboardFormats = []string{"text", "file"}

var fields = []Field{
	{Name: "name", Type: Text, Required: true, Doc: "unique in the target"},
	{
		Name: "decision", Type: Text, Required: true, Enum: []string{"allow", "deny", "non_identity", "bypass"},
		Doc: "what becomes of a user who matches; never defaulted. The dashboard calls `deny` Block and `non_identity` Service Auth",
	},
	{Name: "include", Type: Rules, Required: true, Doc: "a user must match one of them"},
	{Name: "exclude", Type: Rules, Doc: "a user must match none of them"},
	{Name: "require", Type: Rules, Doc: "a user must match all of them"},
	{
		Name: "session_duration", Type: Duration, Nullable: true,
		Doc: "how long a login lasts. `0s`: log in every time. Left out or null: as the application says",
	},
	{Name: "approval_required", Type: Bool, Doc: "somebody must approve each login"},
	{Name: "approval_groups", Type: Object, Many: true, Doc: "who approves; without effect unless `approval_required` is true", Fields: []Field{
		{Name: "approvals_needed", Type: Number, Required: true, Doc: "how many of the group must approve"},
		{Name: "email_addresses", Type: Email, Many: true, Doc: "the group's members"},
		{Name: "email_list_uuid", Type: ID, Refers: ToEmailList, Doc: "the group's members, as a list"},
	}},
	{Name: "purpose_justification_required", Type: Bool, Doc: "a user must say why access is needed"},
	{Name: "purpose_justification_prompt", Type: Text, Doc: "what a user is then asked"},
	{Name: "isolation_required", Type: Bool, Doc: "pages open in the isolated browser; the account needs Client Web Isolation"},
	{Name: "connection_rules", Type: Object, Doc: "what may be done over a connection", Fields: []Field{
		{Name: "rdp", Type: Object, Doc: "for RDP in the browser", Fields: []Field{
			{
				Name: "allowed_clipboard_local_to_remote_formats", Type: Text, Many: true, Enum: clipboardFormats,
				Doc: "what may be pasted into the session",
			},
			{
				Name: "allowed_clipboard_remote_to_local_formats", Type: Text, Many: true, Enum: clipboardFormats,
				Doc: "what may be copied out of the session",
			},
		}},
	}},
	{Name: "mfa_config", Type: Object, Doc: "the second factor that Access itself asks for", Fields: []Field{
		{
			Name: "allowed_authenticators", Type: Text, Many: true, Enum: []string{"totp", "biometrics", "security_key"},
			Doc: "which second factors count",
		},
		{Name: "mfa_disabled", Type: Bool, Doc: "no second factor for this policy"},
		{Name: "session_duration", Type: Duration, Units: "hm", Longest: 720 * time.Hour, Doc: "how long a second factor lasts"},
	}},
}
